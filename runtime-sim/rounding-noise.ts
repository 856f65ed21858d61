/**
 * How far rounding alone moves a program's results: the change when its inputs, and the floats it makes of integers, move in
 * their last places. A gradient that is zero but for rounding (the bias before a batch norm) has no digits to compare,
 * however large the numbers on the way are.
 */
import type { TensorArray } from '../ir/array.ts';
import { DiagnosticError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import type { Module } from '../ir/program.ts';
import { runOneDevice } from './interpret.ts';
import { Random } from './random.ts';

/** A few units in the last place of f64. */
const NUDGE = 2 ** -50;
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
  const nudge = (x: TensorArray): TensorArray => nudged(x, random);
  try {
    const moved = runOneDevice(whole, registry, inputs.map(nudge), 'wide', { nudged: nudge });
    return expected.map((want, i) => MARGIN * largestChange(want, moved[i] as TensorArray));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return expected.map(() => 0);
  }
}

/** Floats only: they are f64 in a wide run. Zeros as if they were 1: what is made of them (an exponential) has last places too. */
function nudged(x: TensorArray, random: Random): TensorArray {
  if (!(x.data instanceof Float64Array)) return x;
  return { ...x, data: x.data.map((v) => v + (v === 0 ? 1 : v) * NUDGE * (2 * random.uniform() - 1)) };
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
