/** Does the per-device program compute what the one-device program computes? Both are run on numbers and compared. */
import type { TensorArray } from '../ir/array.ts';
import type { Layout } from '../ir/layout.ts';
import type { Registry } from '../ir/op.ts';
import { mainFunction, meshOf, type Module } from '../ir/program.ts';
import { DTYPES } from '../ir/types.ts';
import { unravel } from './blocks.ts';
import { blockIndex, DeviceGrid } from './device-grid.ts';
import { ReplicaMismatch } from './distributed.ts';
import { makeInputs } from './inputs.ts';
import { runOneDevice } from './interpret.ts';
import { expectRoomFor } from './memory/footprint.ts';
import { roundingNoise } from './rounding-noise.ts';
import type { OnStep } from './steps.ts';
import { devicesOf, runSpmd, type SpmdRun } from './spmd.ts';

export interface CheckRequest {
  /** At any level with global shapes. */
  readonly whole: Module;
  /** At the local level. */
  readonly local: Module;
  readonly registry: Registry;
  readonly seed: number;
  /** Worst |a-b| / (|a| + rms(a)) that passes. Default 1e-9: floats run as f64, so only order may differ. */
  readonly tolerance?: number;
  /** Hears of every op that is done, of both programs. */
  readonly onStep?: OnStep;
}

export interface Difference {
  readonly result: number;
  /** Row-major index into the global result, and its coordinates. */
  readonly element: number;
  readonly index: readonly number[];
  /** First device that holds the element. */
  readonly device: number;
  readonly expected: number;
  readonly got: number;
}

export interface CheckResult {
  readonly verdict: 'ok' | 'failed';
  /** `full`: every element of every result at the program's true shapes. */
  readonly mode: 'full';
  readonly devices: number;
  readonly maxRelError: number;
  readonly copiesComputed: number;
  readonly firstDifference?: Difference;
  /** Why no numbers could be compared: replicas that differ. */
  readonly reason?: string;
}

export function checkEquivalence(request: CheckRequest): CheckResult {
  const { whole, local, registry, seed, tolerance = 1e-9, onStep } = request;
  expectRoomFor(whole, 1);
  expectRoomFor(local, devicesOf(local));
  const inputs = makeInputs(mainFunction(whole), seed, 'wide');
  const expected = runOneDevice(whole, registry, inputs, 'wide', { onStep });
  const base = { mode: 'full', devices: devicesOf(local) } as const;
  let run: SpmdRun;
  try {
    run = runSpmd(local, registry, inputs, 'wide', { resultShapes: expected.map((e) => e.shape), onStep });
  } catch (error) {
    if (!(error instanceof ReplicaMismatch)) throw error;
    return {
      ...base,
      verdict: 'failed',
      maxRelError: Number.POSITIVE_INFINITY,
      copiesComputed: 0,
      reason: error.message,
    };
  }
  const { worst, first } = compareResults(expected, run.results, tolerance, () =>
    roundingNoise(whole, registry, inputs, expected),
  );
  const seen = { ...base, copiesComputed: run.copiesComputed, maxRelError: worst };
  if (first === undefined) return { ...seen, verdict: 'ok' };
  return {
    ...seen,
    verdict: 'failed',
    firstDifference: {
      ...first,
      device: holderOf(local, first.result, first.index, expected[first.result]?.shape ?? []),
    },
  };
}

type Found = Omit<Difference, 'device'>;

/**
 * The largest error that rounding excuses, beside the element or beside the size of the inputs, 0.1: a result that is zero but for
 * rounding (a sum of deviations from a mean) has no digits of its own. Above it a difference counts, whatever the program
 * does to rounding: where it makes a jump of it (a floor, a comparison), the noise is as large as a wrong answer.
 */
const isForgivable = (difference: number, size: number): boolean => difference <= 1e-5 * size + 1e-11;

/**
 * Worst relative error over all results, and the first element that is off by more than the tolerance.
 * `noise`: per result, absolute; asked for once something differs.
 */
export function compareResults(
  expected: readonly TensorArray[],
  got: readonly TensorArray[],
  tolerance: number,
  noise?: () => readonly number[],
): { readonly worst: number; readonly first: Found | undefined } {
  let worst = 0;
  let first: Found | undefined;
  let floor: readonly number[] | undefined;
  if (got.length > expected.length) {
    worst = Number.POSITIVE_INFINITY;
    first = {
      result: expected.length,
      element: 0,
      index: [],
      expected: 0,
      got: got[expected.length]?.data.length ?? 0,
    };
  }
  expected.forEach((want, result) => {
    const have = got[result];
    if (have === undefined || have.data.length !== want.data.length) {
      worst = Number.POSITIVE_INFINITY;
      first ??= { result, element: 0, index: [], expected: want.data.length, got: have?.data.length ?? 0 };
      return;
    }
    const { class: cls } = DTYPES[want.dtype];
    const exact = cls !== 'float' && cls !== 'complex';
    let rms: number | undefined;
    const isFloat = want.data instanceof Float64Array;
    const width = cls === 'complex' ? 2 : 1;
    for (let i = 0; i < want.data.length; i++) {
      if (want.data[i] === have.data[i]) continue;
      const [a, b] = [Number(want.data[i]), Number(have.data[i])];
      rms ??= rootMeanSquare(want);
      const size = Math.abs(a) + rms;
      const e = errorOf(a, b, size, exact);
      if (e > tolerance && isFloat && noise !== undefined && isForgivable(Math.abs(a - b), size)) {
        floor ??= noise();
        if (Math.abs(a - b) <= (floor[result] ?? 0)) continue;
      }
      if (e > worst) worst = e;
      if (e <= tolerance || first !== undefined) continue;
      const element = Math.floor(i / width);
      first = {
        result,
        element,
        index: unravel(element, want.shape),
        expected: a,
        got: b,
      };
    }
  });
  return { worst, first };
}

/**
 * |a-b| / (|a| + rms(a)), however small the result: that of a deep model may be of size 1e-30. NaN and infinities must match;
 * integers and preds exactly (an error counts at least 1).
 */
function errorOf(a: number, b: number, size: number, exact: boolean): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.POSITIVE_INFINITY;
  const relative = Math.abs(a - b) / size;
  return exact ? Math.max(1, relative) : relative;
}

function rootMeanSquare({ data }: TensorArray): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (!Number.isFinite(value)) continue;
    sum += value * value;
    count++;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/** First device whose block of the result holds the element. */
function holderOf(local: Module, result: number, index: readonly number[], shape: readonly number[]): number {
  const func = mainFunction(local);
  const layout: Layout | undefined = func.resultLayouts[result];
  const extents = func.resultTypes[result]?.shape;
  if (layout === undefined || extents === undefined || index.length !== shape.length) return 0;
  const grid = new DeviceGrid(meshOf(local, layout.mesh));
  const wanted = index.map((i, d) => Math.floor(i / (extents[d] as number)));
  for (let device = 0; device < grid.size; device++) {
    if (blockIndex(grid, layout, device).every((b, d) => b === wanted[d])) return device;
  }
  return 0;
}
