/** The measure of the check: relative to the element and its result, but not to rounding. */
import { expect, it } from 'vitest';
import { compareResults } from '../../runtime-sim/check.ts';

const array = (...values: number[]) => ({
  dtype: 'f32' as const,
  shape: [values.length],
  data: Float64Array.from(values),
});
const agrees = (a: readonly number[], b: readonly number[], noise?: number): boolean =>
  compareResults([array(...a)], [array(...b)], 1e-9, noise === undefined ? undefined : () => [noise]).first ===
  undefined;

it('takes for equal what rounding may cause, and nothing else of that size', () => {
  expect(agrees([1e-18, 0], [0, -2e-18], 1e-17)).toBe(true);
  expect(agrees([1e-18, 0], [0, -2e-18], 1e-19)).toBe(false);
  expect(agrees([1e-18, 0], [0, -2e-18])).toBe(false);
});
it('takes small results as seriously as others', () => {
  expect(agrees([1e-40, 2e-40], [1e-40, 3e-40])).toBe(false);
  expect(agrees([1e-40, 2e-40], [1e-40, 2e-40 + 1e-50])).toBe(true);
  expect(agrees([1e-8, 2e-8], [1e-8, 2.001e-8])).toBe(false);
  expect(agrees([1e-3, 2e-3], [1e-3, 2e-3 + 1e-11])).toBe(false);
});
it('asks for nine digits', () => {
  expect(agrees([1, 2], [1, 2 + 1e-8])).toBe(false);
  expect(agrees([1, 2], [1, 2 + 1e-10])).toBe(true);
});
