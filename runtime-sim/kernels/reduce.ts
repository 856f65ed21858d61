/** reduce over floats by a known monoid, on stacks: one walk over the operand in memory order. */
import { type Storage, stridesOf } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { combineOn, regionMonoid } from '../../ir/ops/monoid.ts';
import { roundAll } from '../../ir/ops/rounding.ts';
import { elementCount, isFloat, type TensorType } from '../../ir/types.ts';
import { room } from '../memory/room.ts';
import { aligned, type Rows } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';

export const reduceKernels: Readonly<Record<string, StackedKernel>> = { reduce };

type Combine = (a: number, b: number) => number;

/** Accumulates in f64 and rounds once, as the reference does. */
function reduce({ view, operands, copies, precision }: StackedCall): Storage | undefined {
  const monoid = view.results.length === 1 ? regionMonoid(view.regions[0]) : null;
  const [from] = view.operands as readonly [TensorType];
  const type = view.results[0] as TensorType;
  if (monoid === null || !isFloat(type.dtype)) return undefined;
  const [x, init] = operands as readonly [Rows, Rows];
  const n = elementCount(type);
  const sums = new Float64Array(copies * n);
  const starts = aligned(init).data as Float64Array;
  for (let c = 0; c < copies; c++) sums.fill(starts[c] as number, c * n, (c + 1) * n);
  const steps = resultSteps(from.shape, (view.attrs as OpAttrs['reduce']).dims);
  const data = aligned(x).data as Float64Array;
  const combine = combineOn(monoid, type.dtype);
  accumulate([copies, ...from.shape], [n, ...steps], data, sums, monoid === 'sum' ? undefined : combine);
  if (precision === 'wide' || type.dtype === 'f64') return sums;
  const out = room(type.dtype, sums.length, precision) as Float32Array;
  out.set(sums);
  return roundAll(type.dtype, precision, out);
}

/** How far the result moves per step along each dim of the operand: nothing along reduced ones. */
function resultSteps(shape: readonly number[], dims: readonly number[]): number[] {
  const kept = stridesOf(shape.filter((_, d) => !dims.includes(d)));
  let next = 0;
  return shape.map((_, d) => (dims.includes(d) ? 0 : (kept[next++] as number)));
}

/** Without `combine`, sums. */
function accumulate(
  shape: readonly number[],
  steps: readonly number[],
  from: Float64Array,
  to: Float64Array,
  combine: Combine | undefined,
): void {
  if (shape.includes(0)) return;
  const rank = shape.length - 1;
  const [n, step] = [shape[rank] as number, steps[rank] as number];
  const index = new Array<number>(rank).fill(0);
  let put = 0;
  for (let at = 0; ; at += n) {
    if (combine !== undefined)
      for (let i = 0, p = put; i < n; i++, p += step) to[p] = combine(to[p] as number, from[at + i] as number);
    else if (step === 0) to[put] = sumRun(to[put] as number, from, at, n);
    else for (let i = 0, p = put; i < n; i++, p += step) to[p] = (to[p] as number) + (from[at + i] as number);
    let d = rank - 1;
    for (; d >= 0; d--) {
      put += steps[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      put -= (steps[d] as number) * (shape[d] as number);
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

function sumRun(start: number, from: Float64Array, at: number, n: number): number {
  let sum = start;
  for (let i = at; i < at + n; i++) sum += from[i] as number;
  return sum;
}
