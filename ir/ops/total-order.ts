/** IEEE 754's totalOrder: -NaN < -∞ < … < -0 < +0 < … < +∞ < NaN (StableHLO spec, "compare", TOTALORDER). */
import type { TensorArray } from '../array.ts';

const scratch = new Float64Array(1);
const bits = new BigInt64Array(scratch.buffer);

/** A number that is ordered by `<` as the element is by totalOrder. */
export function totalOrder(x: TensorArray, at: number): number | bigint {
  const value = x.data[at] as number | bigint;
  if (!(x.data instanceof Float64Array || x.data instanceof Float32Array)) return value;
  scratch[0] = value as number;
  const raw = bits[0] as bigint;
  return raw < 0n ? -(raw & 0x7fffffffffffffffn) - 1n : raw;
}
