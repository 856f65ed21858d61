/**
 * The one-op program that laws run: whole, and partitioned by an assignment of mesh axes to factors, as
 * insert-reshards and lower-reshards would leave it.
 *
 *   %2 = dot_general %0 {_, x}, %1 {x, _}  {_, _; unreduced=x}      // k over x
 *   %3 = all_reduce %2 axes=[x]            {_, _}
 */
import { FuncBuilder } from '../../../ir/build.ts';
import type { FactorRule } from '../../../ir/factors.ts';
import { type Layout, layoutOf, type Monoid } from '../../../ir/layout.ts';
import type { AxisRef, Mesh } from '../../../ir/mesh.ts';
import type { Module, ValueId } from '../../../ir/program.ts';
import { type Assignment, dimsUnder } from '../../../passes/partition/assignment.ts';
import { type OpExample, opOf } from './op-example.ts';

/** As a user would write it. */
export const moduleOf = ({ func }: OpExample): Module => ({
  name: 'example',
  level: 'parsed',
  meshes: [],
  functions: [func],
});

/** At the collective level: what reduce factors leave owed is paid right after the op. */
export function partitioned(
  example: OpExample,
  rule: FactorRule,
  monoid: Monoid,
  assignment: Assignment,
  mesh: Mesh,
): Module {
  const { func } = example;
  const op = opOf(example);
  const b = new FuncBuilder(func.values);
  const owed = rule.factors.flatMap((f, i) => (f.kind === 'reduce' ? (assignment[i] ?? []) : []));
  func.body.params.forEach((p, i) => {
    b.paramAt(p);
    b.setLayout(p, layoutOf(mesh.name, dimsUnder(rule.operands[i] ?? [], assignment)));
  });
  b.push(op);
  const returned = op.results.map((r, i) => {
    const dims = dimsUnder(rule.results[i] ?? [], assignment);
    b.setLayout(r, layoutOf(mesh.name, dims, owed, monoid));
    return owed.length === 0 ? r : allReduce(b, r, mesh, owed, monoid, layoutOf(mesh.name, dims));
  });
  b.push({ kind: 'return', operands: returned, results: [], attrs: {}, regions: [], origin: {} });
  const resultLayouts = returned.map((v) => b.layoutOf(v));
  return {
    name: 'example',
    level: 'collective',
    meshes: [mesh],
    functions: [b.finish({ ...func, resultLayouts })],
  };
}

function allReduce(
  b: FuncBuilder,
  value: ValueId,
  mesh: Mesh,
  axes: readonly AxisRef[],
  monoid: Monoid,
  layout: Layout,
): ValueId {
  const [sum] = b.op('all_reduce', [value], [b.typeOf(value)], {}, { mesh: mesh.name, axes, monoid });
  b.setLayout(sum as ValueId, layout);
  return sum as ValueId;
}
