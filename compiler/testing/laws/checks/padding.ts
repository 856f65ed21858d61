/**
 * padding: with a factor longer than it truly is, the op still gives what it gives, whatever stands in the padding that
 * it needs nothing of (poison), and its results hold in their padding what is claimed; and the same sharded unevenly,
 * through the partitioner, on the simulated mesh.
 */
import { isSplat } from '../../../../ir/elements.ts';
import type { TensorArray } from '../../../../ir/array.ts';
import { type FactorRule, factorName } from '../../../../ir/factors.ts';
import { layoutOf } from '../../../../ir/layout.ts';
import { type AxisRef, fullAxis, type Mesh } from '../../../../ir/mesh.ts';
import { satisfies } from '../../../../ir/padding.ts';
import { type Func, mainFunction, type Module } from '../../../../ir/program.ts';
import { isInteger } from '../../../../ir/types.ts';
import { verify } from '../../../../ir/verify.ts';
import { dimsUnder } from '../../../../passes/partition/assignment.ts';
import { decideLayouts } from '../../../../passes/partition/insert-reshards.ts';
import { localize } from '../../../../passes/partition/localize.ts';
import { lowerReshards } from '../../../../passes/partition/lower-reshards.ts';
import { padDims, paddedFunction } from '../../../../passes/partition/pad-dims.ts';
import { type PadView, padView } from '../../../../passes/partition/pad-dims/joins.ts';
import type { Known } from '../../../../passes/partition/pad-dims/padded-values.ts';
import { compareResults } from '../../../../runtime-sim/check.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import { runSpmd } from '../../../../runtime-sim/spmd.ts';
import { unravel } from '../../../../runtime-sim/blocks.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf } from '../one-op-module.ts';
import { type OpExample, opOf, viewOf } from '../op-example.ts';

const MESH: Mesh = {
  name: 'mesh',
  axes: [
    { name: 'a', size: 2 },
    { name: 'b', size: 3 },
    { name: 'c', size: 5 },
    { name: 'd', size: 7 },
  ],
};

/** Floats run as f64: only the order of sums may differ. */
const TOLERANCE = 1e-9;

export function checkPadding(ctx: LawContext, found: Findings): void {
  const { def, registry, example } = ctx;
  const padding = padView(def, viewOf(example));
  const whole = runOneDevice(moduleOf(example), registry, example.inputs, 'wide');
  for (const axes of uneven(padding)) {
    const factors = axes.flatMap((list, f) => (list.length > 0 ? [f] : []));
    const where = factors
      .map(
        (f) =>
          `factor ${factorName(f)} (${padding.rule.factors[f]?.kind}, ${padding.rule.factors[f]?.size}) over ${axes[f]?.[0]?.name}=${axes[f]?.[0]?.size}`,
      )
      .join(' and ');
    const func = laidOut(example, padding.rule, axes);
    // Integers have no NaN: one that is an index, and one that is none.
    for (const integer of example.func.values.some((v) => isInteger(v.type.dtype)) ? [3, 77_777] : [0])
      found.check('padding', () => leak(ctx, func, whole, integer), where);
    found.check('padding', () => falseClaim(ctx, func), where);
    if (factors.length === 1) found.check('padding', () => partitioned(ctx, func, whole), where);
  }
}

/** Each factor alone, and beside the one after it, over the smallest axis that does not divide it. */
function uneven({ rule, pads }: PadView): (readonly AxisRef[])[][] {
  const axisFor = (f: number, taken: string): AxisRef | undefined => {
    const size = rule.factors[f]?.size ?? 1;
    const axis = MESH.axes.find((a) => size % a.size !== 0 && a.size <= 2 * size && a.name !== taken);
    return axis === undefined ? undefined : fullAxis(MESH, axis.name);
  };
  const found: (readonly AxisRef[])[][] = [];
  pads.forEach((pad, f) => {
    const first = axisFor(f, '');
    if (pad === null || first === undefined) return;
    found.push(rule.factors.map((_, i) => (i === f ? [first] : [])));
    const g = pads.findIndex((other, i) => i > f && other !== null);
    const second = g < 0 ? undefined : axisFor(g, first.name);
    if (second !== undefined) found.push(rule.factors.map((_, i) => (i === f ? [first] : i === g ? [second] : [])));
  });
  return found;
}

/** At the propagated level, every dim over the axes of the factors that it holds. */
function laidOut(example: OpExample, rule: FactorRule, axes: readonly (readonly AxisRef[])[]): Func {
  const { func } = example;
  const op = opOf(example);
  const layouts = new Map(
    [
      ...op.operands.map((v, i) => [v, rule.operands[i]] as const),
      ...op.results.map((v, i) => [v, rule.results[i]] as const),
    ].map(([v, dims]) => [v, layoutOf(MESH.name, dimsUnder(dims ?? [], axes))] as const),
  );
  return {
    ...func,
    values: func.values.map((v, id) => {
      const layout = layouts.get(id as (typeof op.operands)[number]);
      return layout === undefined ? v : { ...v, layout };
    }),
    resultLayouts: op.results.map((r) => layouts.get(r)),
  };
}

const moduleWith = (func: Func): Module => {
  const used = new Set(func.values.flatMap((v) => v.layout?.dims.flatMap((d) => d.axes.map((a) => a.name)) ?? []));
  const mesh = { ...MESH, axes: MESH.axes.filter((a) => used.has(a.name)) };
  return { name: 'example', level: 'propagated', meshes: [mesh], functions: [func] };
};

/** Is anything of the poison seen? */
function leak(
  { registry, example }: LawContext,
  func: Func,
  whole: readonly TensorArray[],
  poison: number,
): string | undefined {
  const padded = paddedFunction(func, registry, 'cut', { poison });
  if (padded === undefined) return 'nothing is padded';
  const module = moduleWith(padded.func);
  const mistake = verify(module, registry)[0]?.message;
  return (
    mistake ?? difference(whole, runOneDevice(module, registry, example.inputs, 'wide'), 'with padding poisoned, ')
  );
}

/** Where operands are padded with 0, and with 1, do results hold what is claimed? */
function falseClaim({ registry, example }: LawContext, func: Func): string | undefined {
  for (const value of [0, 1]) {
    const padded = paddedFunction(func, registry, 'whole', { value });
    if (padded === undefined) return 'nothing is padded';
    const results = runOneDevice(moduleWith(padded.func), registry, example.inputs, 'wide');
    for (const [i, result] of results.entries()) {
      const wrong = claimBroken(result, func.resultTypes[i]?.shape ?? [], padded.claims[i] ?? { contents: [] });
      if (wrong !== undefined) return `result ${i} of operands padded with ${value} ${wrong}`;
    }
  }
  return undefined;
}

function claimBroken(
  { data, shape, dtype }: TensorArray,
  size: readonly number[],
  { contents }: Known,
): string | undefined {
  if (!isSplat(data.slice(0, 1), dtype)) return undefined;
  for (let at = 0; at < data.length; at++) {
    const index = unravel(at, shape);
    const d = index.findIndex(
      (i, dim) => i >= (size[dim] as number) && !satisfies({ value: data[at] as number }, contents[dim]),
    );
    const claim = contents[d];
    if (d >= 0)
      return `holds ${data[at]} at [${index.join(', ')}], where ${typeof claim === 'object' ? claim.value : 'a finite number'} is claimed`;
  }
  return undefined;
}

function partitioned({ registry, example }: LawContext, func: Func, whole: readonly TensorArray[]): string | undefined {
  const decided = decideLayouts(padDims(moduleWith(func), registry), registry).module;
  const local = localize(lowerReshards(decided), registry);
  const shapes = whole.map((r) => r.shape);
  const { results } = runSpmd(local, registry, example.inputs, 'wide', { resultShapes: shapes });
  return mainFunction(local).resultTypes.length === whole.length
    ? difference(whole, results, 'partitioned, ')
    : 'results are missing';
}

function difference(whole: readonly TensorArray[], got: readonly TensorArray[], how: string): string | undefined {
  const { first } = compareResults(whole, got, TOLERANCE);
  if (first === undefined) return undefined;
  return `${how}result ${first.result} at [${first.index.join(', ')}] is ${first.got}, at its true size ${first.expected}`;
}
