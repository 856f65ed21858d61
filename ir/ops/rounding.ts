/** Rounding to the element type: f32 by typed array, bf16/f16 to nearest even on f32 bits. */
import { allocate, type Precision, type Storage } from '../array.ts';
import { unsupported } from '../diagnostics.ts';
import { type DType, DTYPES } from '../types.ts';

const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

export function roundBf16(x: number): number {
  f32[0] = x;
  if (Number.isNaN(x)) return x;
  const u = bits[0] as number;
  bits[0] = (u + 0x7fff + ((u >>> 16) & 1)) & 0xffff0000;
  return f32[0] as number;
}

/** Nearest even in a binary format with this many mantissa bits and exponents; overflow to infinity. */
function roundTo(x: number, mantissa: number, minExponent: number, max: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), minExponent);
  const quantum = 2 ** (exponent - mantissa);
  const scaled = x / quantum;
  const low = Math.floor(scaled);
  const rest = scaled - low;
  const rounded = (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low) * quantum;
  if (rounded === 0) return Math.sign(x) * 0;
  return Math.abs(rounded) > max ? Math.sign(x) * Number.POSITIVE_INFINITY : rounded;
}

/** Nearest even in the IEEE format with these exponent and mantissa bits. */
export const roundFormat = (x: number, exponentBits: number, mantissaBits: number): number => {
  const top = 2 ** (exponentBits - 1) - 1;
  return roundTo(x, mantissaBits, 1 - top, (2 - 2 ** -mantissaBits) * 2 ** top);
};
export const roundF16 = (x: number): number => roundTo(x, 10, -14, 65504);

/** Rounds or wraps in place where the element type is narrower than its storage. */
export function roundAll(dtype: DType, precision: Precision, data: Storage): Storage {
  if (dtype === 'i4' || dtype === 'u4') return wrapFourBits(dtype, data as Int8Array | Uint8Array);
  if (precision === 'wide' || (dtype !== 'bf16' && dtype !== 'f16')) return data;
  const round = dtype === 'bf16' ? roundBf16 : roundF16;
  const floats = data as Float32Array;
  for (let i = 0; i < floats.length; i++) floats[i] = round(floats[i] as number);
  return floats;
}

function wrapFourBits(dtype: 'i4' | 'u4', data: Int8Array | Uint8Array): Storage {
  const wrap = (v: number): number => (dtype === 'u4' ? v & 15 : (v << 28) >> 28);
  for (let i = 0; i < data.length; i++) data[i] = wrap(data[i] as number);
  return data;
}

/** Storage of a result. Kernels here know real numbers only: complex ones would be computed wrong in silence. */
export function allocateReal(dtype: DType, count: number, precision: Precision): Storage {
  if (DTYPES[dtype].class === 'complex') throw unsupported(`computing with ${dtype}`);
  return allocate(dtype, count, precision);
}

/** Allocates a result, fills it, rounds it. */
export function filled(dtype: DType, count: number, precision: Precision, fill: (out: Storage) => void): Storage {
  const out = allocateReal(dtype, count, precision);
  fill(out);
  return roundAll(dtype, precision, out);
}
