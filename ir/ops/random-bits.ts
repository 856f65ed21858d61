/**
 * Counter-based generators (Salmon et al., SC 2011): Threefry-2x32 with 20 rounds and Philox-4x32 with 10, laid over an
 * array as XLA does, bit for bit. Element i depends on the state and on i alone, which is what partitioning builds on.
 */
export interface Generated {
  /** The words of each element: one of 32 bits, or low and high of 64. */
  readonly word: (element: number) => bigint;
  /** The state after all elements. */
  readonly state: readonly bigint[];
}

const U32 = 0xffffffffn;
const U64 = 0xffffffffffffffffn;
const low = (x: bigint): number => Number(x & U32);
const high = (x: bigint): number => Number((x >> 32n) & U32);
const joined = (a: number, b: number): bigint => BigInt(a) | (BigInt(b) << 32n);

/** Counters that an array takes: of 32-bit and narrower elements, pairs along its first even dim (else its longest). */
export function threefryCounters(shape: readonly number[], bits: number): { half: number[]; dim: number } {
  if (bits === 64) return { half: [...shape], dim: -1 };
  if (shape.length === 0) return { half: [1], dim: -1 };
  const even = shape.findIndex((n) => n % 2 === 0);
  const dim = even >= 0 ? even : shape.indexOf(Math.max(...shape));
  return { half: shape.map((n, d) => (d === dim ? Math.ceil(n / 2) : n)), dim };
}

export function threefryBits(state: readonly bigint[], shape: readonly number[], bits: number): Generated {
  const [key, counter] = state as readonly [bigint, bigint];
  const { half, dim } = threefryCounters(shape, bits);
  const taken = half.reduce((n, s) => n * s, 1);
  const inner = dim < 0 ? 1 : shape.slice(dim + 1).reduce((n, s) => n * s, 1);
  const [size, halved] = [shape[dim] ?? 1, half[dim] ?? 1];
  const words = (at: number): readonly [number, number] => threefry(key, (counter + BigInt(at)) & U64);
  return {
    state: [key, (counter + BigInt(taken)) & U64],
    word(element) {
      if (bits === 64) return joined(...words(element));
      const place = Math.floor(element / inner);
      const [outer, at] = [Math.floor(place / size), place % size];
      const pair = words((outer * halved + Math.floor(at / 2)) * inner + (element % inner));
      return BigInt(dim < 0 ? pair[0] : (pair[at % 2] as number));
    },
  };
}

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

function threefry(key: bigint, counter: bigint): readonly [number, number] {
  const ks = [low(key), high(key), (0x1bd11bda ^ low(key) ^ high(key)) >>> 0] as const;
  let [a, b] = [(low(counter) + ks[0]) >>> 0, (high(counter) + ks[1]) >>> 0];
  for (let block = 0; block < 5; block++) {
    for (const by of ROTATIONS[block % 2] as readonly number[]) {
      a = (a + b) >>> 0;
      b = (((b << by) | (b >>> (32 - by))) ^ a) >>> 0;
    }
    a = (a + (ks[(block + 1) % 3] as number)) >>> 0;
    b = (b + (ks[(block + 2) % 3] as number) + block + 1) >>> 0;
  }
  return [a, b];
}

/** Elements that one counter of Philox gives. */
export const philoxElements = (bits: number): number => (bits === 64 ? 2 : 4);

/** State: key, and a counter of 128 bits as [key, low, high], or [key, low] where the key is the high part as well. */
export function philoxBits(state: readonly bigint[], count: number, bits: number): Generated {
  const [key, first, third] = state as readonly [bigint, bigint, bigint?];
  const start = first | ((third ?? key) << 64n);
  const per = philoxElements(bits);
  const end = start + BigInt(Math.ceil(count / per));
  const after = [key, end & U64, (end >> 64n) & U64];
  let counter = -1;
  let words: readonly number[] = [];
  return {
    state: third === undefined ? after.slice(0, 2) : after,
    word(element) {
      const at = element % per;
      const mine = (element - at) / per;
      if (mine !== counter) [counter, words] = [mine, philox(key, start + BigInt(mine))];
      return bits === 64 ? joined(words[2 * at] as number, words[2 * at + 1] as number) : BigInt(words[at] as number);
    },
  };
}

function philox(key: bigint, counter: bigint): readonly number[] {
  let [a, b, c, d] = [low(counter), high(counter), low(counter >> 64n), high(counter >> 64n)];
  let [k0, k1] = [low(key), high(key)];
  for (let round = 0; round < 10; round++) {
    const [p, q] = [Math.imul(a, M0) >>> 0, Math.imul(c, M1) >>> 0];
    const [upperP, upperQ] = [upperHalf(a, M0), upperHalf(c, M1)];
    [a, b, c, d] = [(upperQ ^ b ^ k0) >>> 0, q, (upperP ^ d ^ k1) >>> 0, p];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

const [M0, M1] = [0xd2511f53, 0xcd9e8d57];

/** Of the 64 bits of a product of two words; no number on the way has more than 32. */
function upperHalf(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return a1 * b1 + (middle >>> 16) + ((a0 * b1 + (middle & 0xffff)) >>> 16);
}
