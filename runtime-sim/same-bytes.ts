/** Equality of arrays by content, and a hash that goes with it. */
import type { Storage, TensorArray } from '../ir/array.ts';

/** Same elements; NaN equals NaN, and -0 equals 0. */
export function sameContent(a: TensorArray, b: TensorArray): boolean {
  return a === b || a.data === b.data || firstDifference(a.data, b.data) === -1;
}

/** Index of the first storage element that differs, or -1. */
export function firstDifference(a: Storage, b: Storage): number {
  if (sameBytes(a, b)) return -1;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i];
    const y = b[i];
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return i;
  }
  return -1;
}

const SAMPLES = 4096;

/** FNV-1a over the elements (a sample of large arrays): equal content gives equal hashes. */
export function contentHash({ data }: TensorArray): number {
  const step = Math.max(1, Math.floor(data.length / SAMPLES));
  let hash = 0x811c9dc5;
  for (let i = 0; i < data.length; i += step) {
    const value = data[i] as number | bigint;
    scratch[0] = typeof value === 'bigint' ? Number(BigInt.asIntN(52, value)) : value === 0 ? 0 : value;
    hash = Math.imul(hash ^ (bits[0] as number), 0x01000193);
    hash = Math.imul(hash ^ (bits[1] as number), 0x01000193);
  }
  return hash >>> 0;
}

const scratch = new Float64Array(1);
const bits = new Uint32Array(scratch.buffer);

function sameBytes(a: Storage, b: Storage): boolean {
  if (a.byteLength !== b.byteLength || a.length !== b.length) return false;
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
