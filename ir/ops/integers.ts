/** Arithmetic of integers as StableHLO has it: of at most 32 bits as numbers, of 64 as bigints. */

/** Shifts by the width or more, or by a negative count, leave zeros (or, arithmetic, the sign). */
export const shift = (by: number, bits: number, f: () => number): number => (by >= 0 && by < bits ? f() : 0);
/** An integer of this many bits as the unsigned number with the same pattern. */
export const pattern = (a: number, bits: number): number => (bits === 32 ? a : a & (2 ** bits - 1)) >>> 0;
export const shiftWide = (by: bigint, f: () => bigint): bigint => (by >= 0n && by < 64n ? f() : 0n);
export const quotient = (a: number, b: number): number => (b === 0 ? -1 : Math.trunc(a / b));

export function wideLeadingZeros(a: bigint): bigint {
  const high = Number(a >> 32n);
  return BigInt(high !== 0 ? Math.clz32(high) : 32 + Math.clz32(Number(a & 0xffffffffn)));
}

export function bitCount(word: number): number {
  let n = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) n++;
  return n;
}

export function wideBitCount(a: bigint): bigint {
  return BigInt(bitCount(Number(a & 0xffffffffn)) + bitCount(Number((a >> 32n) & 0xffffffffn)));
}

/** Modulo 2³², by squaring. A negative exponent truncates towards 0, as division does. */
export function intPower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let rest = exponent, square = base; rest >= 1; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

export function widePower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let rest = exponent, square = base; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}
