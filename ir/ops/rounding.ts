/** Rounding to the element type: f32 by typed array, narrower floats to nearest even, narrow integers by wrapping. */
import { allocate, type Precision, type Storage } from '../array.ts';
import { internalError } from '../diagnostics.ts';
import { FLOAT_FORMATS, nearest, roundToFormat, roundToPowerOfTwo } from '../float-formats.ts';
import { type DType, DTYPES, isComplex } from '../types.ts';

const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

export function roundBf16(x: number): number {
  f32[0] = x;
  if (Number.isNaN(x)) return x;
  const u = bits[0] as number;
  bits[0] = (u + 0x7fff + ((u >>> 16) & 1)) & 0xffff0000;
  return f32[0] as number;
}

/** Nearest even in the IEEE format with these exponent and mantissa bits. */
export function roundFormat(x: number, exponentBits: number, mantissaBits: number): number {
  const top = 2 ** (exponentBits - 1) - 1;
  const rounded = nearest(x, mantissaBits, 1 - top);
  return Math.abs(rounded) > (2 - 2 ** -mantissaBits) * 2 ** top ? Math.sign(x) * Number.POSITIVE_INFINITY : rounded;
}

/** To the nearest number of a float type; undefined for f64. */
export function rounderOf(dtype: DType): ((x: number) => number) | undefined {
  if (dtype === 'f32' || dtype === 'c64') return Math.fround;
  if (dtype === 'bf16') return roundBf16;
  if (dtype === 'f8e8m0fnu') return roundToPowerOfTwo;
  const format = FLOAT_FORMATS[dtype];
  return format === undefined ? undefined : (x) => roundToFormat(x, format);
}

/** Rounds or wraps in place where the element type is narrower than its storage. */
export function roundAll(dtype: DType, precision: Precision, data: Storage): Storage {
  const { class: cls, bits: width } = DTYPES[dtype];
  if (cls === 'float') return precision === 'wide' || width >= 32 ? data : roundFloats(dtype, data as Float32Array);
  if (cls !== 'pred' && width < 8) wrapNarrow(cls === 'signed', width, data as Int8Array);
  return data;
}

function roundFloats(dtype: DType, floats: Float32Array): Storage {
  const round = rounderOf(dtype);
  if (round !== undefined) for (let i = 0; i < floats.length; i++) floats[i] = round(floats[i] as number);
  return floats;
}

function wrapNarrow(signed: boolean, width: number, data: Int8Array): void {
  const drop = 32 - width;
  for (let i = 0; i < data.length; i++) {
    const high = (data[i] as number) << drop;
    data[i] = signed ? high >> drop : high >>> drop;
  }
}

/** Storage of a result. Kernels that call this know real numbers only: complex ones would be computed wrong in silence. */
export function allocateReal(dtype: DType, count: number, precision: Precision): Storage {
  if (isComplex(dtype)) throw internalError(`a kernel for real numbers was given ${dtype}`);
  return allocate(dtype, count, precision);
}

/** Allocates a result, fills it, rounds it. */
export function filled(dtype: DType, count: number, precision: Precision, fill: (out: Storage) => void): Storage {
  const out = allocateReal(dtype, count, precision);
  fill(out);
  return roundAll(dtype, precision, out);
}
