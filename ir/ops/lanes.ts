/** Elements of an array picked by offset, as a vector: what regions are run on, many lanes at once. */
import type { Storage, TensorArray } from '../array.ts';
import { widthOf } from '../types.ts';

type Numbers = Float64Array;

/** Elements at these offsets; -1 takes the scalar `outside`. */
export function lanes(x: TensorArray, offsets: ArrayLike<number>, outside?: TensorArray): TensorArray {
  const n = offsets.length;
  const width = widthOf(x.dtype);
  const data = new (x.data.constructor as new (n: number) => Storage)(n * width) as Numbers;
  const [from, other] = [x.data as Numbers, outside?.data as Numbers | undefined];
  for (let i = 0; i < n; i++) {
    const at = offsets[i] as number;
    for (let w = 0; w < width; w++)
      data[i * width + w] = (at === -1 && other !== undefined ? other[w] : from[at * width + w]) as number;
  }
  return { dtype: x.dtype, shape: [n], data };
}

/** One element, as a scalar. */
export const laneAt = (x: TensorArray, offset: number): TensorArray => {
  const width = widthOf(x.dtype);
  return { dtype: x.dtype, shape: [], data: x.data.slice(offset * width, (offset + 1) * width) };
};

/** Writes a scalar's element over the one at this offset. */
export function setLane(to: TensorArray, offset: number, scalar: TensorArray): void {
  const width = widthOf(to.dtype);
  for (let w = 0; w < width; w++) (to.data as Numbers)[offset * width + w] = scalar.data[w] as number;
}
