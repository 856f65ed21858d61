/** Elements of constants: from numbers, and to and from bytes. */
import type { ElementArray } from './program.ts';
import { DTYPES, type DType, isComplex, widthOf } from './types.ts';

type ElementArrayClass = (new (buffer: ArrayBuffer) => ElementArray) & { readonly BYTES_PER_ELEMENT: number };

/** Storage of a constant's elements: floats (and re, im of complex) as f64, integers in their own width, pred as u8. */
export function storageOf(dtype: DType): ElementArrayClass {
  const { class: cls, bits } = DTYPES[dtype];
  switch (cls) {
    case 'pred':
    case 'token':
      return Uint8Array;
    case 'signed':
      return bits <= 8 ? Int8Array : bits === 16 ? Int16Array : bits === 32 ? Int32Array : BigInt64Array;
    case 'unsigned':
      return bits <= 8 ? Uint8Array : bits === 16 ? Uint16Array : bits === 32 ? Uint32Array : BigUint64Array;
    case 'float':
    case 'complex':
      return Float64Array;
  }
}

export const isWide = (dtype: DType): boolean =>
  storageOf(dtype) === BigInt64Array || storageOf(dtype) === BigUint64Array;

/** Row-major elements; 64-bit integers may come as bigint, others must be numbers. */
export function elementsOf(dtype: DType, values: readonly (number | bigint)[]): ElementArray {
  const storage = storageOf(dtype) as unknown as { from(items: Iterable<number | bigint>): ElementArray };
  return storage.from(isWide(dtype) ? values.map((v) => BigInt(v)) : values.map(Number));
}

/** One number for all elements. */
export const splatElements = (dtype: DType, value: number | bigint): ElementArray =>
  elementsOf(dtype, isComplex(dtype) ? [value, 0] : [value]);

/** Does a constant of this type hold one element for all? */
export const isSplat = (data: ElementArray, dtype: DType): boolean => data.length === widthOf(dtype);

/** The storage's bytes in base64, as .tir writes long constants. */
export const toBase64 = (data: ElementArray): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

/** Null where the bytes are not a whole number of elements. */
export function fromBase64(dtype: DType, text: string): ElementArray | null {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  const Storage = storageOf(dtype);
  return bytes.length % Storage.BYTES_PER_ELEMENT === 0 ? new Storage(bytes.buffer) : null;
}
