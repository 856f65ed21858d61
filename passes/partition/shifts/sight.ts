/** What a shift is found with, and what it says. */
import { isSplat } from '../../../ir/elements.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import type { Block, Elements, Func, Op, ValueId } from '../../../ir/program.ts';
import { valueInfo } from '../../../ir/program.ts';
import type { DType, TensorType } from '../../../ir/types.ts';
import type { LaidOutBuilder } from '../rebuild.ts';

export interface Sight {
  readonly func: Func;
  readonly makers: ReadonlyMap<ValueId, Op>;
  /** Slices of one block that cut a value along one dim into pieces of one extent, by `value dim extent`. */
  readonly cuts: ReadonlyMap<string, Cuts>;
}

export interface Cuts {
  readonly block: Block;
  readonly starts: Set<number>;
  /** The value with its dim as [parts, extent], once it has been written. */
  parted?: ValueId;
}

/** One op said otherwise. */
export interface Shift {
  /** Values that the new form reads. */
  readonly reads: readonly ValueId[];
  /** The last op pushed has the old one's results. */
  write(emit: LaidOutBuilder): void;
}

/** Elements [start, limit) of `value` along `dim`: of a slice's operand, or of that one of the values joined in it. */
export interface Cut {
  readonly value: ValueId;
  readonly dim: number;
  readonly start: number;
  readonly limit: number;
  /** Extent of the value along the dim. */
  readonly size: number;
}

/** A list by dim with another entry for the dim of a cut. */
export const withEntry = (list: readonly number[], dim: number, n: number): number[] =>
  list.map((x, d) => (d === dim ? n : x));

export const typeIn = ({ func }: Pick<Sight, 'func'>, v: ValueId): TensorType => valueInfo(func, v).type;

export const extentIn = (sight: Pick<Sight, 'func'>, v: ValueId, dim: number): number =>
  typeIn(sight, v).shape[dim] as number;

/** In how many parts the dim lies. */
export function shardsIn({ func }: Pick<Sight, 'func'>, v: ValueId, dim: number): number {
  const { layout } = valueInfo(func, v);
  return layout === undefined ? 1 : axesSize(dimAxes(layout, dim));
}

export const layoutIn = ({ func }: Sight, v: ValueId): Layout | undefined => valueInfo(func, v).layout;

/** Where a slice of a cut's value starts and ends, per dim, that is written as one of another value. */
export const boundsOf = ({ dim, start, limit }: Cut, starts: readonly number[], limits: readonly number[]) =>
  ({ start: withEntry(starts, dim, start), limit: withEntry(limits, dim, limit) }) as const;

/** The one dim along which a slice cuts, each element; undefined for other ops, strides, and more dims. */
export function cutOf(sight: Pick<Sight, 'func' | 'makers'>, value: ValueId): Cut | undefined {
  const op = sight.makers.get(value);
  if (op?.kind !== 'slice') return undefined;
  const operand = op.operands[0] as ValueId;
  const { start, limit, strides } = op.attrs as {
    start: readonly number[];
    limit: readonly number[];
    strides?: readonly number[];
  };
  return strides?.some((s) => s !== 1) === true ? undefined : cutBetween(sight, operand, start, limit);
}

/** Likewise from the first element taken to the last, per dim. */
export function cutBetween(
  sight: Pick<Sight, 'func' | 'makers'>,
  value: ValueId,
  start: readonly number[],
  limit: readonly number[],
): Cut | undefined {
  const { shape } = typeIn(sight, value);
  const [dim, ...more] = shape.flatMap((n, d) => (start[d] === 0 && limit[d] === n ? [] : [d]));
  if (dim === undefined || more.length > 0) return undefined;
  const [from, to] = [start[dim] as number, limit[dim] as number];
  return insideOne(sight, { value, dim, start: from, limit: to, size: shape[dim] as number });
}

/** What is cut from one of several values that are joined is cut from that one, where the dim is sharded. */
function insideOne(sight: Pick<Sight, 'func' | 'makers'>, cut: Cut): Cut {
  const { value, dim, start, limit } = cut;
  const op = sight.makers.get(value);
  if (op?.kind !== 'concatenate' || op.attrs.dim !== dim) return cut;
  let before = 0;
  for (const part of op.operands) {
    const size = extentIn(sight, part, dim);
    const lies = start >= before && limit <= before + size;
    if (lies && shardsIn(sight, value, dim) * shardsIn(sight, part, dim) > 1)
      return insideOne(sight, { value: part, dim, start: start - before, limit: limit - before, size });
    before += size;
  }
  return cut;
}

/** Of a constant of one value, also broadcast. */
export function splatIn({ makers }: Pick<Sight, 'makers'>, value: ValueId | undefined): number | bigint | undefined {
  let op = value === undefined ? undefined : makers.get(value);
  while (op?.kind === 'broadcast_in_dim') op = makers.get(op.operands[0] as ValueId);
  if (op?.kind !== 'constant') return undefined;
  const { data } = op.attrs.value as Elements;
  return isSplat(data, op.attrs.dtype as DType) ? data[0] : undefined;
}
