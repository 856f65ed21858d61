/** chlo.next_after: the neighbour of a number of its type in the direction of another (IEEE 754, nextUp and nextDown). */
import { allocate, type TensorArray } from '../array.ts';
import { bitsOf, elementOf } from '../element-bits.ts';
import { defineOp, InferError } from '../op.ts';
import { type DType, DTYPES, elementCount, isFloat, type TensorType, typeText } from '../types.ts';
import { pointwiseRule } from './pointwise.ts';

export const nextAfter = defineOp({
  kind: 'next_after',
  infer({ operands }) {
    const [a, b] = operands;
    if (a === undefined || a !== b || !isFloat(a.dtype))
      throw new InferError(`next_after takes two floats of one type, got ${operands.map(typeText).join(' and ')}`);
    return [a];
  },
  factors: pointwiseRule,
  kernel({ results }, [a, b], ctx) {
    const { dtype, shape } = results[0] as TensorType;
    const [x, y] = [(a as TensorArray).data as Float64Array, (b as TensorArray).data as Float64Array];
    const data = allocate(dtype, elementCount(results[0] as TensorType), ctx.precision) as Float64Array;
    for (let i = 0; i < data.length; i++) data[i] = neighbour(dtype, x[i] as number, y[i] as number);
    return [{ dtype, shape, data }];
  },
});

function neighbour(dtype: DType, from: number, to: number): number {
  if (Number.isNaN(from) || Number.isNaN(to)) return Number.NaN;
  if (from === to) return to;
  const sign = 1n << BigInt(DTYPES[dtype].bits - 1);
  if (from === 0) return elementOf(dtype, to > 0 ? 1n : sign | 1n) as number;
  const outward = from > 0 === to > from;
  return elementOf(dtype, bitsOf(dtype, from) + (outward ? 1n : -1n)) as number;
}
