/**
 * How far rounding alone moves a program's results: the change when its inputs, the floats it makes of integers, and the
 * constants that were rounded to be written move in their last places. A gradient that is zero but for rounding (the bias
 * before a batch norm) has no digits to compare, however large the numbers on the way are.
 */
import type { TensorArray } from '../ir/array.ts';
import { DiagnosticError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import type { Module, Op } from '../ir/program.ts';
import { runOneDevice } from './interpret.ts';
import { Random } from './random.ts';

/** A few units in the last place of f64. */
const NUDGE = 2 ** -50;
/** Digits, in base 2, of numbers that are meant exactly. */
const SHORT = 20;
/** Sums in another order may differ by this many times what one nudge shows. */
const MARGIN = 100;

/**
 * Per result, what may be rounding: one more run of the one-device program. None is known where that fails, as a loop may
 * that compares its counter as a float.
 */
export function roundingNoise(
  whole: Module,
  registry: Registry,
  inputs: readonly TensorArray[],
  expected: readonly TensorArray[],
): number[] {
  const random = new Random(1);
  const nudge = (x: TensorArray, op?: Op): TensorArray =>
    nudged(x, random, op?.kind === 'constant' ? wasRounded : () => true);
  try {
    const moved = runOneDevice(
      whole,
      registry,
      inputs.map((x) => nudge(x)),
      'wide',
      { nudged: nudge },
    );
    return expected.map((want, i) => MARGIN * largestChange(want, moved[i] as TensorArray));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return expected.map(() => 0);
  }
}

/** Floats only: they are f64 in a wide run. Zeros as if they were 1: what is made of them (an exponential) has last places too. */
function nudged(x: TensorArray, random: Random, moves: (v: number) => boolean): TensorArray {
  if (!(x.data instanceof Float64Array)) return x;
  const move = (v: number): number => v + (v === 0 ? 1 : v) * NUDGE * (2 * random.uniform() - 1);
  return { ...x, data: x.data.map((v) => (moves(v) ? move(v) : v)) };
}

/** 1/13 and 0.1 were, and 0.5 and 100 are as meant, and may be compared with: they have few digits in base 2. */
function wasRounded(v: number): boolean {
  if (v === 0 || !Number.isFinite(v)) return false;
  const digits = v * 2 ** (SHORT - Math.floor(Math.log2(Math.abs(v))));
  return Number.isFinite(digits) && !Number.isInteger(digits);
}

function largestChange(a: TensorArray, b: TensorArray): number {
  if (!(a.data instanceof Float64Array)) return 0;
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const change = Math.abs((a.data[i] as number) - Number(b.data[i]));
    if (change > largest && Number.isFinite(change)) largest = change;
  }
  return largest;
}
