/** A dynamic_slice whose starts are constants is a slice: shards keep what they hold of it, unless its owners answer for less. */
import type { Op, ValueId } from '../../../ir/program.ts';
import { answeredByOwners, ownersMoveLess } from './owned-slice.ts';
import { boundsOf, cutBetween, layoutIn, type Shift, type Sight, splatIn, typeIn } from './sight.ts';

export function knownStarts(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'dynamic_slice') return undefined;
  const [operand, ...starts] = op.operands as readonly [ValueId, ...ValueId[]];
  const { shape } = typeIn(sight, operand);
  const sizes = op.attrs.sizes as readonly number[];
  const start: number[] = [];
  for (const [d, v] of starts.entries()) {
    const at = splatIn(sight, v);
    if (at === undefined) return undefined;
    start.push(Math.min(Math.max(Number(at), 0), (shape[d] as number) - (sizes[d] as number)));
  }
  const limit = start.map((s, d) => s + (sizes[d] as number));
  const cut = cutBetween(sight, operand, start, limit);
  if (cut !== undefined && ownersMoveLess(sight, cut, op.results[0] as ValueId)) {
    const layout = layoutIn(sight, cut.value);
    return layout === undefined || cut.value === operand ? undefined : answeredByOwners(op, sight, cut, layout);
  }
  const value = cut?.value ?? operand;
  const bounds = cut === undefined ? { start, limit } : boundsOf(cut, start, limit);
  return {
    reads: [value],
    write(emit) {
      const attrs = { ...bounds, strides: start.map(() => 1) };
      const origin = { pass: 'shifts', from: [op.origin], reason: 'where it starts is known' };
      emit.push({ ...op, kind: 'slice', operands: [value], attrs, origin });
    },
  };
}
