/** Rectangular blocks of row-major arrays: what slicing, gathering and sharding of data come down to. */
import { type Storage, stridesOf } from '../ir/array.ts';
import { identityOf } from '../ir/monoid.ts';
import { DTYPES, type DType, widthOf } from '../ir/types.ts';
import { type Move, planMove } from './kernels/move.ts';

/** Moves a block of these sizes out of an array of shape `from` into one of shape `into`; places are the run's bases. */
export function planBlock(
  sizes: readonly number[],
  from: readonly number[],
  into: readonly number[],
  dtype: DType,
): Move {
  const width = widthOf(dtype);
  if (width === 1) return planMove(sizes, stridesOf(from), stridesOf(into));
  const steps = (shape: readonly number[]): number[] => [...stridesOf(shape).map((s) => s * width), 1];
  return planMove([...sizes, width], steps(from), steps(into));
}

/** Storage offset of an element. */
export const offsetIn = (shape: readonly number[], start: readonly number[], dtype: DType): number =>
  stridesOf(shape).reduce((n, s, d) => n + s * (start[d] as number), 0) * widthOf(dtype);

/** Storage elements of an array. */
export const storageCount = (shape: readonly number[], dtype: DType): number =>
  shape.reduce((n, d) => n * d, widthOf(dtype));

/** What lies beyond the end of an array: NaN, or the largest integer, so that reading padding shows. */
export function fillPoison(data: Storage, dtype: DType, start: number, end: number): void {
  const { class: cls } = DTYPES[dtype];
  const poison = cls === 'float' || cls === 'complex' ? Number.NaN : identityOf('min', dtype);
  (data as Float64Array).fill(poison as number, start, end);
}

/** Mixed-radix digits of `index`, the first dim major. */
export function unravel(index: number, sizes: readonly number[]): number[] {
  const digits = new Array<number>(sizes.length);
  let rest = index;
  for (let d = sizes.length - 1; d >= 0; d--) {
    const size = sizes[d] as number;
    digits[d] = rest % size;
    rest = Math.floor(rest / size);
  }
  return digits;
}
