/**
 * Binary floating-point formats of at most 16 bits: rounding to them, their bit patterns and back. Names say what is
 * special: `fn` has no infinities (finite, with NaN, but for the 4- and 6-bit ones, which have neither), `fnuz` has
 * besides no negative zero and one NaN in its place, `fnu` is unsigned. (StableHLO spec, "Types"; OCP MX 1.0.)
 */
import type { DType } from './types.ts';

export interface FloatFormat {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** What lies beyond the largest number: ∞; NaN (all ones, or the pattern of -0); or nothing: it saturates. */
  readonly beyond: 'infinity' | 'nan' | 'nan-for-negative-zero' | 'saturate';
}

type Beyond = FloatFormat['beyond'];
const format = (exponent: number, mantissa: number, beyond: Beyond, bias = 2 ** (exponent - 1) - 1): FloatFormat => ({
  exponent,
  mantissa,
  bias,
  beyond,
});

export const FLOAT_FORMATS: Readonly<Partial<Record<DType, FloatFormat>>> = {
  f4e2m1fn: format(2, 1, 'saturate'),
  f6e2m3fn: format(2, 3, 'saturate'),
  f6e3m2fn: format(3, 2, 'saturate'),
  f8e3m4: format(3, 4, 'infinity'),
  f8e4m3: format(4, 3, 'infinity'),
  f8e4m3b11fnuz: format(4, 3, 'nan-for-negative-zero', 11),
  f8e4m3fn: format(4, 3, 'nan'),
  f8e4m3fnuz: format(4, 3, 'nan-for-negative-zero', 8),
  f8e5m2: format(5, 2, 'infinity'),
  f8e5m2fnuz: format(5, 2, 'nan-for-negative-zero', 16),
  f16: format(5, 10, 'infinity'),
  bf16: format(8, 7, 'infinity'),
};

/** The largest finite number. */
export function largest({ exponent, mantissa, bias, beyond }: FloatFormat): number {
  const top = 2 ** exponent - 1 - (beyond === 'infinity' ? 1 : 0);
  const fraction = beyond === 'nan' ? 2 - 2 ** (1 - mantissa) : 2 - 2 ** -mantissa;
  return fraction * 2 ** (top - bias);
}

/** To the nearest number of the format, ties to even. */
export function roundToFormat(x: number, f: FloatFormat): number {
  if (Number.isNaN(x)) return f.beyond === 'saturate' ? -0 : x;
  const max = largest(f);
  const rounded = Number.isFinite(x) ? nearest(x, f.mantissa, 1 - f.bias) : x;
  if (rounded === 0) return f.beyond === 'nan-for-negative-zero' ? 0 : rounded;
  if (Math.abs(rounded) <= max) return rounded;
  switch (f.beyond) {
    case 'infinity':
      return Math.sign(x) * Number.POSITIVE_INFINITY;
    case 'saturate':
      return Math.sign(x) * max;
    default:
      return Number.NaN;
  }
}

/** Ties to even at this many mantissa bits, exponents from `least` on; the sign of a zero is that of x. */
export function nearest(x: number, mantissa: number, least: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const quantum = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), least) - mantissa);
  const scaled = x / quantum;
  const low = Math.floor(scaled);
  const rest = scaled - low;
  const rounded = (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low) * quantum;
  return rounded === 0 ? Math.sign(x) * 0 : rounded;
}

/** f8e8m0fnu, a scale: powers of two alone; what is negative, zero or not finite is NaN. Ties go up. */
export function roundToPowerOfTwo(x: number): number {
  if (!(x > 0) || !Number.isFinite(x)) return Number.NaN;
  const low = 2 ** Math.max(-127, Math.floor(Math.log2(x)));
  const rounded = x >= 1.5 * low ? 2 * low : low;
  return rounded > 2 ** 127 ? Number.NaN : rounded;
}

/** The pattern of a number of the format. */
export function formatBits(x: number, f: FloatFormat): number {
  const { exponent, mantissa, bias } = f;
  const negative = (x < 0 || Object.is(x, -0) ? 1 : 0) << (exponent + mantissa);
  const ones = (2 ** exponent - 1) << mantissa;
  if (Number.isNaN(x)) return nanBits(f);
  if (!Number.isFinite(x)) return negative | ones;
  const magnitude = Math.abs(x);
  if (magnitude === 0) return negative;
  const e = Math.max(Math.floor(Math.log2(magnitude)), 1 - bias);
  const scaled = magnitude / 2 ** (e - mantissa);
  return negative | (scaled < 2 ** mantissa ? scaled : ((e + bias) << mantissa) | (scaled - 2 ** mantissa));
}

function nanBits({ exponent, mantissa, beyond }: FloatFormat): number {
  if (beyond === 'nan-for-negative-zero') return 1 << (exponent + mantissa);
  const ones = (2 ** exponent - 1) << mantissa;
  return ones | (beyond === 'nan' ? 2 ** mantissa - 1 : 2 ** (mantissa - 1));
}

/** The number with this pattern. */
export function formatValue(bits: number, f: FloatFormat): number {
  const { exponent, mantissa, bias, beyond } = f;
  const negative = (bits >> (exponent + mantissa)) & 1;
  const e = (bits >> mantissa) & (2 ** exponent - 1);
  const fraction = bits & (2 ** mantissa - 1);
  const top = e === 2 ** exponent - 1;
  if (beyond === 'nan-for-negative-zero' && bits === 1 << (exponent + mantissa)) return Number.NaN;
  if (beyond === 'nan' && top && fraction === 2 ** mantissa - 1) return Number.NaN;
  if (beyond === 'infinity' && top)
    return fraction !== 0 ? Number.NaN : negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const magnitude = e === 0 ? fraction * 2 ** (1 - bias - mantissa) : (1 + fraction / 2 ** mantissa) * 2 ** (e - bias);
  return negative ? -magnitude : magnitude;
}
