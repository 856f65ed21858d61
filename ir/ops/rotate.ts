/**
 * rotate: `result[i] = operand[(i - by) mod n]` along one dim. StableHLO writes it as a concatenation of two slices;
 * as one op, its shards know that they need only their neighbours' borders (passes/partition/shifts.ts makes it). Of a
 * padded dim the first `size` elements turn, the others stay.
 */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder } from '../factors.ts';
import type { AffineWindow } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { defineOp, InferError } from '../op.ts';
import { COPIES } from '../padding.ts';
import { elementCount, type TensorType, typeText } from '../types.ts';
import { movesParts } from './complex.ts';
import { allocateReal } from './rounding.ts';
import { copyStrided } from './strided.ts';

const ofReals = defineOp<OpAttrs['rotate']>({
  kind: 'rotate',
  infer({ operands, attrs }) {
    const [type] = operands as readonly [TensorType];
    if (type.shape[attrs.dim] === undefined)
      throw new InferError(`rotate: ${attrs.dim} is not a dim of ${typeText(type)}`);
    if (attrs.size !== undefined && (attrs.size < 0 || attrs.size > (type.shape[attrs.dim] as number)))
      throw new InferError(`rotate: dim ${attrs.dim} of ${typeText(type)} has no ${attrs.size} elements`);
    return [type];
  },
  factors({ operands, attrs }) {
    const [{ shape }] = operands as readonly [TensorType];
    const rule = new RuleBuilder([shape.length], [shape.length]);
    shape.forEach((size, d) => rule.add([d], [d], size, d === attrs.dim ? 'permute' : 'pass'));
    return rule.build();
  },
  halo({ operands, attrs }, d, shards) {
    if (d !== attrs.dim) return [];
    const extent = operands[0]?.shape[d] as number;
    if (extent % shards !== 0 || extent === 0) return null;
    const padded = paddedRotation(attrs, extent, shards);
    if (padded !== undefined) return [receivedInRotation(padded, extent, shards)];
    return [rotatedPieces(attrs.by, extent, shards).reduce((n, p) => n + (p.from === 0 ? 0 : p.limit - p.start), 0)];
  },
  kernel({ attrs, results }, inputs, ctx) {
    const [x] = inputs as readonly [TensorArray];
    const type = results[0] as TensorType;
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    const strides = stridesOf(type.shape);
    const along = strides[attrs.dim] as number;
    const extent = type.shape[attrs.dim] as number;
    const size = attrs.size ?? extent;
    let put = 0;
    for (const { start, limit } of [...rotatedPieces(attrs.by, size, 1), { start: size, limit: extent }]) {
      const shape = type.shape.map((n, d) => (d === attrs.dim ? limit - start : n));
      copyStrided(x.data, start * along, strides, shape, data, put * along, strides);
      put += limit - start;
    }
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  linearity: () => [[0]],
  padRule: () => COPIES,
  padAttrs: ({ attrs, operands }, padded) => {
    const [before, after] = [operands[0]?.shape[attrs.dim], padded.operands[0]?.shape[attrs.dim]];
    return before === after ? attrs : { ...attrs, size: attrs.size ?? (before as number) };
  },
  flops: () => 0,
});

export const rotate = movesParts(ofReals);

/** Elements [start, limit) of the shard `from` places further along the ring. */
export interface RotatedPiece {
  readonly from: number;
  readonly start: number;
  readonly limit: number;
}

/**
 * What every shard of the result is made of, in order; none of it empty. `from` is the short way round.
 *
 *   8 elements on 2 shards, by 1:  [3, 4) of the shard before, then [0, 3) of its own
 */
export function rotatedPieces(by: number, size: number, shards: number): RotatedPiece[] {
  const extent = size / shards;
  if (extent === 0) return [];
  const places = ((by % size) + size) % size;
  const [whole, rest] = [Math.floor(places / extent), places % extent];
  const shortWay = (from: number): number => {
    const right = ((from % shards) + shards) % shards;
    return right * 2 > shards ? right - shards : right;
  };
  const pieces = [
    { from: shortWay(-whole - 1), start: extent - rest, limit: extent },
    { from: shortWay(-whole), start: 0, limit: extent - rest },
  ];
  return pieces.filter((p) => p.limit > p.start);
}

/** Of a dim with padding: elements that do not pass its end lie in one window, those that come around it in another. */
export interface PaddedRotation {
  /** The short way round; 0 where nothing turns. */
  readonly by: number;
  readonly size: number;
  readonly straight: AffineWindow;
  readonly around: AffineWindow;
  /** Every shard has so many true elements that a single shift around the ring brings both. */
  readonly ring: boolean;
}

/** `extent` = elements of the whole dim; undefined where all of them turn. */
export function paddedRotation(attrs: OpAttrs['rotate'], extent: number, shards: number): PaddedRotation | undefined {
  const { size } = attrs;
  if (size === undefined || size === extent) return undefined;
  const right = size === 0 ? 0 : ((attrs.by % size) + size) % size;
  const by = right * 2 > size ? right - size : right;
  const step = extent / shards;
  const least = Math.min(step, size - (shards - 1) * step);
  return {
    by,
    size,
    straight: { step, start: -by, width: step },
    around: by > 0 ? { step, start: size - by, width: Math.min(step, by) } : { step, start: -by - size, width: step },
    ring: Math.abs(by) <= least,
  };
}

function receivedInRotation({ by, straight, around, ring }: PaddedRotation, extent: number, shards: number): number {
  if (by === 0 || ring) return Math.abs(by);
  const received = (window: AffineWindow): number =>
    receivedBy({ window, padLow: 0, padHigh: 0 }, shards, extent) as number;
  return received(straight) + received(around);
}
