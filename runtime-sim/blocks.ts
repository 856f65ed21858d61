/** Copies rectangular blocks between row-major arrays: what slicing, gathering and sharding of data come down to. */
import { type Storage, stridesOf, type TensorArray } from '../ir/array.ts';
import { identityOf } from '../ir/monoid.ts';
import { DTYPES, type DType } from '../ir/types.ts';

/** The `sizes` block at `start`. What lies beyond the array is poison, so that reading padding shows. */
export function cutBlock(from: TensorArray, start: readonly number[], sizes: readonly number[]): TensorArray {
  if (from.shape.every((n, d) => n === sizes[d] && start[d] === 0)) return from;
  const data = emptyLike(from, sizes);
  const inside = sizes.map((n, d) => Math.max(0, Math.min(n, (from.shape[d] as number) - (start[d] as number))));
  if (inside.some((n, d) => n < (sizes[d] as number))) fillPoison(data, from.dtype);
  copyBlock(from, start, { dtype: from.dtype, shape: sizes, data }, sizes.map(() => 0), inside);
  return { dtype: from.dtype, shape: sizes, data };
}

/** Writes `block` at `start` of `into`, leaving out what falls beyond its end. */
export function placeBlock(into: TensorArray, block: TensorArray, start: readonly number[]): void {
  const inside = block.shape.map((n, d) => Math.max(0, Math.min(n, (into.shape[d] as number) - (start[d] as number))));
  copyBlock(block, inside.map(() => 0), into, start, inside);
}

/** An array of zeros of another shape with the same element type and storage. */
export const arrayLike = (like: TensorArray, shape: readonly number[]): TensorArray => ({ dtype: like.dtype, shape, data: emptyLike(like, shape) });

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

function emptyLike(like: TensorArray, shape: readonly number[]): Storage {
  const count = shape.reduce((n, d) => n * d, widthOf(like.dtype));
  return new (like.data.constructor as new (n: number) => Storage)(count);
}

const widthOf = (dtype: DType): number => (DTYPES[dtype].class === 'complex' ? 2 : 1);

function fillPoison(data: Storage, dtype: DType): void {
  const { class: cls } = DTYPES[dtype];
  const poison = cls === 'float' || cls === 'complex' ? Number.NaN : identityOf('min', dtype);
  (data as { fill(value: number | bigint): unknown }).fill(poison);
}

interface Movable {
  set(source: unknown, offset: number): void;
  subarray(start: number, end: number): unknown;
}

/** Runs along the last dim (or whole trailing dims that are contiguous on both sides) are moved by `set`. */
function copyBlock(from: TensorArray, fromStart: readonly number[], into: TensorArray, intoStart: readonly number[], sizes: readonly number[]): void {
  if (sizes.some((n) => n === 0)) return;
  const width = widthOf(from.dtype);
  const rank = sizes.length;
  let inner = rank;
  let run = width;
  while (inner > 0) {
    inner--;
    run *= sizes[inner] as number;
    if (sizes[inner] !== from.shape[inner] || sizes[inner] !== into.shape[inner]) break;
  }
  const fromStrides = stridesOf(from.shape);
  const intoStrides = stridesOf(into.shape);
  const offset = (strides: readonly number[], start: readonly number[]): number => strides.reduce((n, s, d) => n + s * (start[d] as number), 0) * width;
  let a = offset(fromStrides, fromStart);
  let b = offset(intoStrides, intoStart);
  const outer = sizes.slice(0, inner);
  const at = outer.map(() => 0);
  const source = from.data as unknown as Movable;
  const target = into.data as unknown as Movable;
  for (;;) {
    target.set(source.subarray(a, a + run), b);
    let d = inner - 1;
    for (; d >= 0; d--) {
      a += (fromStrides[d] as number) * width;
      b += (intoStrides[d] as number) * width;
      at[d] = (at[d] as number) + 1;
      if ((at[d] as number) < (outer[d] as number)) break;
      a -= (fromStrides[d] as number) * (outer[d] as number) * width;
      b -= (intoStrides[d] as number) * (outer[d] as number) * width;
      at[d] = 0;
    }
    if (d < 0) return;
  }
}
