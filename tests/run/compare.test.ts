/** The measure of the check: relative to the element and its result, but not to rounding. */
import { expect, it } from 'vitest';
import { compareResults } from '../../runtime-sim/check.ts';

const array = (...values: number[]) => ({
  dtype: 'f32' as const,
  shape: [values.length],
  data: Float64Array.from(values),
});
const agrees = (a: readonly number[], b: readonly number[]): boolean =>
  compareResults([array(...a)], [array(...b)], 1e-9).first === undefined;

it('takes what is rounding for equal', () => expect(agrees([1e-18, 0], [0, -2e-18])).toBe(true));
it('takes small results as seriously as others', () => {
  expect(agrees([1e-8, 2e-8], [1e-8, 2.001e-8])).toBe(false);
  expect(agrees([1e-3, 2e-3], [1e-3, 2e-3 + 1e-11])).toBe(false);
});
it('asks for nine digits', () => {
  expect(agrees([1, 2], [1, 2 + 1e-8])).toBe(false);
  expect(agrees([1, 2], [1, 2 + 1e-10])).toBe(true);
});
