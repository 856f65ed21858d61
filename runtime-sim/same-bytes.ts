/** Equality of rows of a stack by content, and a hash that goes with it. */
import type { Storage, TensorArray } from '../ir/array.ts';
import { rowLength } from './stacked.ts';

/** Same elements; NaN equals NaN, and -0 equals 0 unless `signed`. */
export function equalRows({ data, shape }: TensorArray, a: number, b: number, signed = false): boolean {
  if (a === b) return true;
  const length = data.length / (shape[0] as number);
  if (length > LONG && sameBytes(data, a * length, b * length, length)) return true;
  for (let i = a * length, j = b * length, end = i + length; i < end; i++, j++) {
    const x = data[i];
    const y = data[j];
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return false;
    if (signed && x === 0 && !Object.is(x, y)) return false;
  }
  return true;
}

const LONG = 64;
const SAMPLES = 4096;

/** FNV-1a over the elements (a sample of large rows): equal content gives equal hashes. */
export function hashRow(stack: TensorArray, row: number): number {
  const { data } = stack;
  const length = rowLength(stack);
  const step = Math.max(1, Math.floor(length / SAMPLES));
  let hash = 0x811c9dc5;
  for (let i = row * length, end = i + length; i < end; i += step) {
    const value = data[i] as number | bigint;
    scratch[0] = typeof value === 'bigint' ? Number(BigInt.asIntN(52, value)) : value === 0 ? 0 : value;
    hash = Math.imul(hash ^ (bits[0] as number), 0x01000193);
    hash = Math.imul(hash ^ (bits[1] as number), 0x01000193);
  }
  return hash >>> 0;
}

const scratch = new Float64Array(1);
const bits = new Uint32Array(scratch.buffer);

function sameBytes(data: Storage, a: number, b: number, length: number): boolean {
  const bytes = (at: number): Buffer =>
    Buffer.from(data.buffer, data.byteOffset + at * data.BYTES_PER_ELEMENT, length * data.BYTES_PER_ELEMENT);
  return bytes(a).equals(bytes(b));
}
