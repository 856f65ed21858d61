/** Numbers in memory: what kernels take and give. */
import { DTYPES, type DType, elementCount, type TensorType } from './types.ts';

/** Storage by element type. bf16/f16/f8 are held as f32 already rounded; in the f64 check every float is held as f64. */
export type Storage =
  | Float64Array
  | Float32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export interface TensorArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major. Complex values interleave (re, im). */
  readonly data: Storage;
}

/** `wide`: floats in f64 without intermediate rounding (the check); `true`: the element type's own precision. */
export type Precision = 'wide' | 'true';

export function allocate(dtype: DType, count: number, precision: Precision): Storage {
  const { class: cls, bits } = DTYPES[dtype];
  switch (cls) {
    case 'token':
      return new Uint8Array(count);
    case 'float':
      return precision === 'wide' || bits === 64 ? new Float64Array(count) : new Float32Array(count);
    case 'complex':
      return precision === 'wide' || bits === 128 ? new Float64Array(2 * count) : new Float32Array(2 * count);
    case 'pred':
      return new Uint8Array(count);
    case 'signed':
      return bits <= 8
        ? new Int8Array(count)
        : bits === 16
          ? new Int16Array(count)
          : bits === 32
            ? new Int32Array(count)
            : new BigInt64Array(count);
    case 'unsigned':
      return bits <= 8
        ? new Uint8Array(count)
        : bits === 16
          ? new Uint16Array(count)
          : bits === 32
            ? new Uint32Array(count)
            : new BigUint64Array(count);
  }
}

export const zeros = (type: TensorType, precision: Precision): TensorArray => ({
  dtype: type.dtype,
  shape: type.shape,
  data: allocate(type.dtype, elementCount(type), precision),
});

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] as number;
  }
  return strides;
}
