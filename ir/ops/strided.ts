/** Moving elements between row-major arrays: the loop under transpose, broadcast, slice, reverse and pad. */
import { type Precision, type Storage, stridesOf, type TensorArray } from '../array.ts';
import type { TensorType } from '../types.ts';
import { allocateReal } from './rounding.ts';

/**
 * out[i0, i1, …] = source[base + Σ i_d · strides[d]] for all indices of `shape`; written at outBase + Σ i_d · outStrides[d].
 * The innermost dim is a tight loop.
 */
export function copyStrided(
  source: Storage,
  base: number,
  strides: readonly number[],
  shape: readonly number[],
  out: Storage,
  outBase: number,
  outStrides: readonly number[],
): void {
  const rank = shape.length;
  if (shape.some((s) => s <= 0)) return;
  const from = source as Float64Array;
  const to = out as Float64Array;
  if (rank === 0) {
    to[outBase] = from[base] as number;
    return;
  }
  const inner = shape[rank - 1] as number;
  const [innerIn, innerOut] = [strides[rank - 1] as number, outStrides[rank - 1] as number];
  const index = new Array<number>(rank - 1).fill(0);
  let at = base;
  let put = outBase;
  for (;;) {
    for (let i = 0, p = at, q = put; i < inner; i++, p += innerIn, q += innerOut) to[q] = from[p] as number;
    let d = rank - 2;
    for (; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      at += strides[d] as number;
      put += outStrides[d] as number;
      if ((index[d] as number) < (shape[d] as number)) break;
      at -= (strides[d] as number) * (shape[d] as number);
      put -= (outStrides[d] as number) * (shape[d] as number);
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/** A dense result of the given type read from `source` with these strides. */
export function gatherStrided(
  type: TensorType,
  source: TensorArray,
  base: number,
  strides: readonly number[],
  precision: Precision,
): TensorArray {
  const data = allocateReal(
    type.dtype,
    type.shape.reduce((n, s) => n * s, 1),
    precision,
  );
  copyStrided(source.data, base, strides, type.shape, data, 0, stridesOf(type.shape));
  return { dtype: type.dtype, shape: type.shape, data };
}

/** A row-major walk over all indices of a shape. */
export function forEachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const count = shape.reduce((n, s) => n * s, 1);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
}
