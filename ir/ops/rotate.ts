/**
 * rotate: `result[i] = operand[(i - by) mod n]` along one dim. StableHLO writes it as a concatenation of two slices;
 * as one op, its shards know that they need only their neighbours' borders (passes/partition/shifts.ts makes it).
 */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { elementCount, type TensorType, typeText } from '../types.ts';
import { allocateReal } from './rounding.ts';
import { copyStrided } from './strided.ts';

export const rotate = defineOp<OpAttrs['rotate']>({
  kind: 'rotate',
  infer({ operands, attrs }) {
    const [type] = operands as readonly [TensorType];
    if (type.shape[attrs.dim] === undefined)
      throw new InferError(`rotate: ${attrs.dim} is not a dim of ${typeText(type)}`);
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
    const size = operands[0]?.shape[d] as number;
    if (size % shards !== 0 || size === 0) return null;
    return [rotatedPieces(attrs.by, size, shards).reduce((n, p) => n + (p.from === 0 ? 0 : p.limit - p.start), 0)];
  },
  kernel({ attrs, results }, inputs, ctx) {
    const [x] = inputs as readonly [TensorArray];
    const type = results[0] as TensorType;
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    const strides = stridesOf(type.shape);
    const along = strides[attrs.dim] as number;
    let put = 0;
    for (const { start, limit } of rotatedPieces(attrs.by, type.shape[attrs.dim] as number, 1)) {
      const shape = type.shape.map((n, d) => (d === attrs.dim ? limit - start : n));
      copyStrided(x.data, start * along, strides, shape, data, put * along, strides);
      put += limit - start;
    }
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  linearity: () => [[0]],
  flops: () => 0,
});

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
