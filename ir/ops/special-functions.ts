/** Functions of no closed form, on f64: error functions, gamma and its kin, Bessel. */

/** Rational approximation to f64 precision by series and continued fraction (Abramowitz & Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 120 && Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  return Math.sign(x) * (1 - erfcTail(a));
}

/** 1 - erf(x) for x ≥ 3. */
export function erfcTail(x: number): number {
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

/** Newton's method on erf from Winitzki's start. */
export function erfInv(x: number): number {
  if (Math.abs(x) >= 1) return Math.abs(x) === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  const ln = Math.log1p(-x * x);
  const t = 2 / (Math.PI * 0.147) + ln / 2;
  let y = Math.sign(x) * Math.sqrt(Math.sqrt(t * t - ln / 0.147) - t);
  for (let i = 0; i < 4; i++) y -= (erf(y) - x) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-y * y));
  return y;
}

/** Stirling's series after shifting up; reflection below 1/2 (Abramowitz & Stegun 6.1.17, 6.1.41). */
export function lgamma(x: number): number {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Number.POSITIVE_INFINITY;
  if (x < 0.5)
    return Number.isInteger(x)
      ? Number.POSITIVE_INFINITY
      : Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x % 2)))) - lgamma(1 - x);
  let [z, shifted] = [x, 0];
  for (; z < 15; z++) shifted += Math.log(z);
  const w = 1 / (z * z);
  const series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - (w * 691) / 360360))))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shifted;
}

/** ψ, the derivative of lgamma (Abramowitz & Stegun 6.3.7, 6.3.18). */
export function digamma(x: number): number {
  if (!Number.isFinite(x)) return x > 0 ? x : Number.NaN;
  if (x <= 0 && Number.isInteger(x)) return Number.NaN;
  if (x < 0.5) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let [z, shifted] = [x, 0];
  for (; z < 15; z++) shifted += 1 / z;
  const w = 1 / (z * z);
  return Math.log(z) - 0.5 / z - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - (w * 5) / 660)))) - shifted;
}

/** Hurwitz's zeta by Euler and Maclaurin's sum (DLMF 25.11.28). */
export function zeta(x: number, q: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  if (x < 1 || Number.isNaN(x) || Number.isNaN(q)) return Number.NaN;
  if (q <= 0 && Number.isInteger(q)) return Number.POSITIVE_INFINITY;
  if (q <= 0 && !Number.isInteger(x)) return Number.NaN;
  const terms = Math.max(12, Math.ceil(12 - q));
  let sum = 0;
  for (let k = 0; k < terms; k++) sum += (q + k) ** -x;
  const a = q + terms;
  sum += a ** (1 - x) / (x - 1) + a ** -x / 2;
  let [factor, power] = [x, a ** (-x - 1)];
  for (const [i, bernoulli] of BERNOULLI.entries()) {
    sum += bernoulli * factor * power;
    factor *= (x + 2 * i + 1) * (x + 2 * i + 2);
    power /= a * a;
  }
  return sum;
}

/** B₂ₖ / (2k)!, k = 1 … */
export const BERNOULLI = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
];

/** ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n + 1, x). */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  if (n < 0 || !Number.isInteger(n)) return Number.NaN;
  return (n % 2 === 0 ? -1 : 1) * Math.exp(lgamma(n + 1)) * zeta(n + 1, x);
}

/**
 * I₁(x) e^-|x| = 1/π ∫ e^(x cos θ - |x|) cos θ dθ over half a turn (DLMF 10.32.3), by the trapezoidal rule; far out by
 * its expansion in 1/x (DLMF 10.40.1).
 */
export function besselI1e(x: number): number {
  if (!Number.isFinite(x) || x === 0) return Number.isNaN(x) ? x : 0;
  const far = 1 / Math.abs(x);
  if (far < 1e-4)
    return Math.sign(x) * Math.sqrt(far / (2 * Math.PI)) * (1 - far * (3 / 8 + far * (15 / 128 + far * (105 / 1024))));
  const steps = 64 + Math.ceil(16 * Math.sqrt(Math.abs(x)));
  let sum = 0;
  for (let k = 0; k <= steps; k++) {
    const c = Math.cos((Math.PI * k) / steps);
    sum += (k === 0 || k === steps ? 0.5 : 1) * c * Math.exp(x * c - Math.abs(x));
  }
  return sum / steps;
}
