/** Bit patterns of elements, in both directions: what bitcasts, hex constants and raw bytes come down to. */
import { FLOAT_FORMATS, formatBits, formatValue, roundToFormat, roundToPowerOfTwo } from './float-formats.ts';
import { DTYPES, type DType, partOf } from './types.ts';

const view = new DataView(new ArrayBuffer(8));

/** The pattern of an element of a real type, as an unsigned number of its bits; floats are rounded first. */
export function bitsOf(dtype: DType, value: number | bigint): bigint {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls !== 'float') return BigInt.asUintN(bits, BigInt(value));
  const x = Number(value);
  if (dtype === 'f8e8m0fnu')
    return BigInt(Number.isNaN(roundToPowerOfTwo(x)) ? 255 : Math.log2(roundToPowerOfTwo(x)) + 127);
  const format = FLOAT_FORMATS[dtype];
  if (format !== undefined) return BigInt(formatBits(roundToFormat(bits === 16 ? Math.fround(x) : x, format), format));
  if (bits === 32) {
    view.setFloat32(0, x);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}

/** The element with this pattern; 64-bit integers as bigint. */
export function elementOf(dtype: DType, pattern: bigint): number | bigint {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'signed') return bits === 64 ? BigInt.asIntN(64, pattern) : Number(BigInt.asIntN(bits, pattern));
  if (cls !== 'float') return bits === 64 ? BigInt.asUintN(64, pattern) : Number(BigInt.asUintN(bits, pattern));
  if (dtype === 'f8e8m0fnu') return pattern === 255n ? Number.NaN : 2 ** (Number(pattern) - 127);
  const format = FLOAT_FORMATS[dtype];
  if (format !== undefined) return formatValue(Number(BigInt.asUintN(bits, pattern)), format);
  if (bits === 32) {
    view.setUint32(0, Number(BigInt.asUintN(32, pattern)));
    return view.getFloat32(0);
  }
  view.setBigUint64(0, BigInt.asUintN(64, pattern));
  return view.getFloat64(0);
}

/** Bytes that an element takes in MLIR's raw data: narrow types have one of their own. Complex: of one part. */
export const rawBytes = (dtype: DType): number => Math.max(1, Math.ceil(DTYPES[partOf(dtype)].bits / 8));
