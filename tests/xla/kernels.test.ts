/** The reference kernels against XLA: every example of every op, in the element types' own precision. */
import { expect, test } from 'vitest';
import { allocate, type TensorArray } from '../../ir/array.ts';
import { ELEMENTWISE } from '../../ir/ops/elementwise.ts';
import { registry } from '../../ir/ops/index.ts';
import { typeOf } from '../../ir/program.ts';
import { tensorText } from '../../ir/stablehlo/print-op.ts';
import { DTYPES, type DType, partOf, typeText, widthOf } from '../../ir/types.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { printedExample } from '../../compiler/testing/laws/checks/round-trip.ts';
import { examples } from '../laws/examples/index.ts';
import { moduleOf } from '../../compiler/testing/laws/one-op-module.ts';
import type { OpExample } from '../../compiler/testing/laws/op-example.ts';
import { edgeExamples } from './edge-examples.ts';
import { hasXla, runOnXla, type XlaJob } from './on-xla.ts';

/** What XLA itself cannot run on CPU, and what it may answer as it likes. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  after_all: 'tokens are no arrays',
  custom_call: 'the examples name no call that XLA knows',
  rotate: 'two slices joined, to XLA',
  rng: 'no two machines draw the same',
};
/** Ops that XLA computes by approximations of its own, or whose sums it orders its own way. */
const APPROXIMATE: ReadonlySet<string> = new Set([
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atan2',
  'atanh',
  'bessel_i1e',
  'cbrt',
  'cosh',
  'cosine',
  'digamma',
  'erf',
  'erf_inv',
  'erfc',
  'exponential',
  'exponential_minus_one',
  'lgamma',
  'log',
  'log_plus_one',
  'logistic',
  'power',
  'rsqrt',
  'sine',
  'sinh',
  'tan',
  'tanh',
  'abs',
  'divide',
  'multiply',
  'sign',
  'sqrt',
  'dot_general',
  'convolution',
  'reduce',
  'reduce_window',
  'scatter',
  'select_and_scatter',
  'batch_norm_inference',
  'fft',
  'cholesky',
  'triangular_solve',
]);
/** At poles and far out XLA answers as its series happen to, with NaN or an infinity. */
const NO_EDGES: ReadonlySet<string> = new Set(['polygamma', 'zeta']);
/** Of the result's largest element. */
const TOLERANCE: Partial<Readonly<Record<DType, number>>> = {
  f32: 1e-5,
  f64: 1e-12,
  bf16: 1.6e-2,
  f16: 2e-3,
  c64: 1e-5,
  c128: 1e-12,
};

/** XLA's CPU programs take smaller numbers for zero. */
const DENORMAL = 1.2e-38;

const GROUP = 60;

/** Conversions between all types are 40 % of the edges: one in four, unless `npm run test:kernels` asks for all. */
const all = process.env.SHARDC_XLA_KERNELS === '1';
const taken = (e: OpExample, i: number): boolean =>
  !NO_EDGES.has(e.kind) && (all || e.kind !== 'convert' || i % 4 === 0);

test.skipIf(!hasXla())('kernels equal XLA on the examples of the laws', { timeout: 600_000 }, () => {
  // Elementwise ops have the edges below.
  const others = examples.filter((e) => LEFT_OUT[e.kind] === undefined && ELEMENTWISE[e.kind] === undefined);
  expect(differences(others)).toEqual([]);
});

test.skipIf(!hasXla())('kernels equal XLA on edge values of every element type', { timeout: 600_000 }, () => {
  expect(differences(edgeExamples.filter(taken))).toEqual([]);
});

function differences(wanted: readonly OpExample[]): string[] {
  const groups = Array.from({ length: Math.ceil(wanted.length / GROUP) }, (_, i) =>
    wanted.slice(i * GROUP, (i + 1) * GROUP),
  );
  const answers = runOnXla(groups.map(jobOf));
  return groups.flatMap((group, g) => {
    const answer = answers[g] as TensorArray[] | string;
    if (typeof answer === 'string') return [answer];
    let next = 0;
    return group.flatMap((e) =>
      runOneDevice(moduleOf(e), registry, e.inputs.map(inTrue), 'true').flatMap((ours) => {
        const found = difference(e, ours, answer[next++] as TensorArray);
        return found === undefined ? [] : [`${e.kind} ${e.name}: ${found}`];
      }),
    );
  });
}

/** One module that calls them all. */
function jobOf(group: readonly OpExample[]): XlaJob {
  const functions = group.map((e, i) => printedExample(e).replace('public @main', `private @f${i}`));
  const types = group.map(({ func }) => func.body.params.map((p) => typeOf(func, p)));
  const results = group.map((e) => e.func.resultTypes);
  const list = (all: readonly (typeof types)[number][]): string => all.flat().map(tensorText).join(', ');
  let next = 0;
  const calls = group.map((_, i) => {
    const of = types[i] ?? [];
    const made = results[i] ?? [];
    const args = of.map(() => `%a${next++}`).join(', ');
    return `  %r${i}${made.length > 1 ? `:${made.length}` : ''} = call @f${i}(${args}) : (${list([of])}) -> (${list([[...made]])})`;
  });
  const returned = results.flatMap((made, i) => made.map((_, r) => (made.length > 1 ? `%r${i}#${r}` : `%r${i}`)));
  const params = types.flat().map((t, i) => `%a${i}: ${tensorText(t)}`);
  const all = results.map((r) => [...r]);
  return {
    devices: 1,
    inputs: group.flatMap((e) => e.inputs.map(inTrue)),
    results: results.flat(),
    module: [
      'module @m {',
      `func.func public @main(${params.join(', ')}) -> (${list(all)}) {`,
      ...calls,
      `  return ${returned.join(', ')} : ${list(all)}`,
      '}',
      ...functions,
      '}',
    ].join('\n'),
  };
}

function inTrue(x: TensorArray): TensorArray {
  const data = allocate(x.dtype, x.data.length / widthOf(x.dtype), 'true');
  for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = x.data[i] as number;
  return { ...x, data };
}

function difference({ kind, inputs }: OpExample, ours: TensorArray, theirs: TensorArray): string | undefined {
  const real = partOf(ours.dtype);
  const inexact = DTYPES[real].class === 'float' && APPROXIMATE.has(kind);
  const finite = Array.from(ours.data as Float64Array, Number)
    .filter(Number.isFinite)
    .map(Math.abs);
  const tolerance = inexact ? (TOLERANCE[ours.dtype] ?? 0.25) : 0;
  const most = Math.max(1e-30, ...finite);
  for (let i = 0; i < ours.data.length; i++) {
    const [a, b] = [ours.data[i] as number, theirs.data[i] as number];
    // Sums are as wrong as their largest term; elementwise results as the element itself.
    const slack = tolerance * (ELEMENTWISE[kind] !== undefined ? Math.abs(Number(a)) : most) + (inexact ? DENORMAL : 0);
    if (Object.is(a, b) || Math.abs(Number(a) - Number(b)) <= slack) continue;
    return `element ${i} of ${typeText(ours as never)} is ${a}, XLA has ${b} (of ${inputs.map((x) => x.data[i]).join(', ')})`;
  }
  return undefined;
}
