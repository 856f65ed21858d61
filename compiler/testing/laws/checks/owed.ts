/**
 * linearity on the mesh: a sum still owed over x passes through the op, alone and beside a factor sharded over y.
 *
 *   %1 = reduce %0 {x, _, _}, add over dim 0   {_, _; unreduced=x}
 *   %2 = transpose %1                          {_, _; unreduced=x}
 *   %3 = all_reduce %2 axes=[x]
 */
import type { TensorArray } from '../../../../ir/array.ts';
import { FuncBuilder } from '../../../../ir/build.ts';
import { type FactorRule, factorName } from '../../../../ir/factors.ts';
import { layoutOf } from '../../../../ir/layout.ts';
import { type AxisRef, fullAxis, type Mesh } from '../../../../ir/mesh.ts';
import type { Module, ValueId } from '../../../../ir/program.ts';
import { tensor, type TensorType } from '../../../../ir/types.ts';
import { type Assignment, dimsUnder } from '../../../../passes/partition/assignment.ts';
import { axesKey } from '../../../../ir/axes.ts';
import { localize } from '../../../../passes/partition/localize.ts';
import { splatElements } from '../../../../ir/elements.ts';
import { compareResults } from '../../../../runtime-sim/check.ts';
import { makeInputs } from '../../../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import { runSpmd } from '../../../../runtime-sim/spmd.ts';
import { cases, MESHES } from '../assignments.ts';
import type { Findings, LawContext } from '../law.ts';
import { filledWith, type OpExample, opOf, reducer, viewOf } from '../op-example.ts';

export function checkOwed({ def, registry, example }: LawContext, found: Findings): void {
  const view = viewOf(example);
  const rule = def.factors(view);
  const sums = def.combiner?.(view) === 'sum' && example.options.noPartials === undefined;
  const mesh = MESHES[0] as Mesh;
  const y = fullAxis(mesh, 'y');
  const allowed = (f: number): boolean =>
    rule.factors[f]?.whole !== true &&
    (rule.factors[f]?.kind === 'pass' || (sums && rule.factors[f]?.kind === 'reduce'));
  const overY = cases(rule, view, allowed)
    .filter((c) => c.mesh === mesh && axesKey(c.assignment.flat()) === axesKey([y]))
    .map((c) => c.assignment);
  for (const set of def.linearity?.(view) ?? []) {
    for (const assignment of [rule.factors.map((): readonly AxisRef[] => []), ...overY]) {
      const sharded = assignment.findIndex((axes) => axes.length > 0);
      const beside = sharded < 0 ? '' : ` and factor ${factorName(sharded)} over y`;
      const where = `operands {${set.join(', ')}} owed over x${beside}`;
      found.check(
        'linearity',
        () => {
          const module = owing(example, rule, set, assignment, mesh);
          const inputs = stacked(example, set);
          const whole = runOneDevice(module, registry, inputs, 'wide');
          const { results } = runSpmd(localize(module, registry), registry, inputs, 'wide');
          const { first } = compareResults(whole, results, 1e-9);
          if (first === undefined) return undefined;
          const place = `result ${first.result} at [${first.index.join(', ')}]`;
          return `${place} is ${first.got}, on one device ${first.expected}`;
        },
        where,
      );
    }
  }
}

/** At the collective level: operands of the set are sums of two terms, one on each half of the mesh. */
function owing(
  example: OpExample,
  rule: FactorRule,
  set: readonly number[],
  assignment: Assignment,
  mesh: Mesh,
): Module {
  const { func } = example;
  const op = opOf(example);
  const b = new FuncBuilder(func.values);
  const x = fullAxis(mesh, 'x');
  const operands = func.body.params.map((p, i) => {
    const dims = dimsUnder(rule.operands[i] ?? [], assignment);
    if (set.includes(i)) return sumOfTwo(b, b.typeOf(p), dims, mesh);
    b.paramAt(p);
    b.setLayout(p, layoutOf(mesh.name, dims));
    return p;
  });
  b.push({ ...op, operands });
  const owed = rule.factors.flatMap((f, i) => (f.kind === 'reduce' ? (assignment[i] ?? []) : []));
  const axes = [...owed, x];
  const returned = op.results.map((r, i) => {
    const dims = dimsUnder(rule.results[i] ?? [], assignment);
    b.setLayout(r, layoutOf(mesh.name, dims, axes));
    const [paid] = b.op('all_reduce', [r], [b.typeOf(r)], {}, { mesh: mesh.name, axes, monoid: 'sum' });
    b.setLayout(paid as ValueId, layoutOf(mesh.name, dims));
    return paid as ValueId;
  });
  b.push({ kind: 'return', operands: returned, results: [], attrs: {}, regions: [], origin: {} });
  const resultLayouts = returned.map((v) => b.layoutOf(v));
  const main = b.finish({ ...func, resultLayouts });
  return { name: 'example', level: 'collective', meshes: [mesh], functions: [main] };
}

type DimAxes = readonly (readonly AxisRef[])[];

/** A parameter of two terms, one per shard of x, summed where it lies: the sum is owed over x. */
function sumOfTwo(b: FuncBuilder, type: TensorType, dims: DimAxes, mesh: Mesh): ValueId {
  const x = fullAxis(mesh, 'x');
  const { dtype, shape } = type;
  const terms = b.param(tensor(dtype, [2, ...shape]), { layout: layoutOf(mesh.name, [[x], ...dims]) });
  const attrs = { value: { data: splatElements(dtype, 0) }, dtype, shape: [] };
  const [zero] = b.op('constant', [], [tensor(dtype, [])], {}, attrs);
  b.setLayout(zero as ValueId, layoutOf(mesh.name, []));
  const [sum] = b.op('reduce', [terms, zero as ValueId], [type], {}, { dims: [0] }, reducer('add', dtype)(b));
  b.setLayout(sum as ValueId, layoutOf(mesh.name, dims, [x]));
  return sum as ValueId;
}

/** For operands of the set the example's numbers, then others; the same again where it states them. */
function stacked(example: OpExample, set: readonly number[]): TensorArray[] {
  const others = makeInputs(example.func, 13, 'wide');
  return example.inputs.map((a, i) => {
    if (!set.includes(i)) return a;
    const n = a.data.length;
    const b = example.options.inputs?.[i] === undefined ? (others[i] as TensorArray) : a;
    const at = (k: number): number | bigint => (k < n ? a.data[k] : b.data[k - n]) as number | bigint;
    return filledWith(a.dtype, [2, ...a.shape], at);
  });
}
