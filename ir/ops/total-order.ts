/** The order of sorts and TOTALORDER comparisons: … < -0 < +0 < … < +∞ < NaN (StableHLO spec, "compare"); NaNs are equal. */
export function totalOrder(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : a > b ? 1 : 0;
}
