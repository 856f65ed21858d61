/** pad of a slice is one pad, a negative one where the slice cuts: one halo exchange, and nothing that does not divide. */
import type { Op, ValueId } from '../../../ir/program.ts';
import { cutOf, extentIn, type Shift, shardsIn, type Sight, withEntry } from './sight.ts';

export function paddedSlice(op: Op, sight: Sight): Shift | undefined {
  const merged = padOfCut(op, sight);
  if (merged === undefined || shardsIn(sight, merged.value, merged.dim) === 1) return undefined;
  const fill = op.operands[1] as ValueId;
  return {
    reads: [merged.value, fill],
    write: (emit) =>
      void emit.push({
        ...op,
        operands: [merged.value, fill],
        attrs: { ...op.attrs, low: merged.low, high: merged.high },
        origin: { pass: 'shifts', from: [op.origin], reason: 'a pad of a slice, as one pad' },
      }),
  };
}

export interface MergedPad {
  readonly value: ValueId;
  readonly dim: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Of the value, in elements along the dim. */
  readonly start: number;
  readonly limit: number;
  readonly size: number;
}

/** Undefined where an element that the slice cut off would show again, or the pad does more than move. */
export function padOfCut(op: Op | undefined, sight: Sight): MergedPad | undefined {
  if (op?.kind !== 'pad') return undefined;
  const cut = cutOf(sight, op.operands[0] as ValueId);
  const { low, high, interior } = op.attrs as Record<'low' | 'high' | 'interior', readonly number[]>;
  if (cut === undefined || interior[cut.dim] !== 0) return undefined;
  const [first, last] = [low[cut.dim] as number, high[cut.dim] as number];
  const hidden = (first <= 0 || cut.start === 0) && (last <= 0 || cut.limit === cut.size);
  const [before, after] = [first - cut.start, last - (cut.size - cut.limit)];
  if (!hidden || cut.size + Math.min(before, 0) + Math.min(after, 0) < 0) return undefined;
  return { ...cut, low: withEntry(low, cut.dim, before), high: withEntry(high, cut.dim, after) };
}

/** Undefined where the pad changes more than one dim, or its extent. */
export function movedBy(op: Op | undefined, sight: Sight): MergedPad | undefined {
  const merged = padOfCut(op, sight);
  if (op === undefined || merged === undefined) return undefined;
  const others = merged.low.every((n, d) => d === merged.dim || (n === 0 && merged.high[d] === 0));
  const kept = extentIn(sight, op.results[0] as ValueId, merged.dim) === merged.size;
  return others && kept ? merged : undefined;
}
