/**
 * What Shardy's pipeline writes down after propagation (insert_explicit_reshards.cc): what is owed is paid where it is
 * wanted so, calls and concatenates get operands in the layouts they take, and dots whose contracting axes are wanted on
 * their result are resharded. `full`: every op gets tensors that agree along its factors.
 */
import { type EditModule, EditOp, type EditValue, type Use } from '../../ir/edit.ts';
import type { FactorRule } from '../../ir/factors.ts';
import { isWhole, type Layout, replicatedLayout } from '../../ir/layout.ts';
import { type Mesh, sameAxes } from '../../ir/mesh.ts';
import type { Registry } from '../../ir/op.ts';
import { elementCount } from '../../ir/types.ts';
import { layoutOfProjection, type Projection, projectTensor, type TensorProjection } from '../propagate/projection.ts';
import { RuleTable } from '../propagate/rules.ts';
import { equivalent } from './calls.ts';
import { type AxesPerFactor, commonAxes } from './common-axes.ts';
import { beforeEdge, edgeSources, layoutOf, ownsEdges, parameterOwners, resultOwners, setLayout } from './data-flow.ts';
import { oweAt, oweByCollectives, payAt, payForResults, payReductions, type Place } from './owed-sums.ts';
import { resharesDot } from './reshard-dot.ts';

export function insertExplicitReshards(module: EditModule, registry: Registry, full = false): void {
  const rules = new RuleTable(registry);
  for (const op of [...module.ops('post')]) {
    if (op.kind === 'return') continue;
    if (ownsEdges(op)) dataFlow(module, op, full);
    else if (op.kind === 'call') callOperands(module, op);
    else if (op.kind !== 'reshard' || !oweByCollectives(module, op)) tensorOp(module, op, rules, full);
  }
  for (const func of module.functions) {
    const end = func.body.terminator;
    end.operands.forEach((_, index) =>
      adapt(module, { op: end, index }, func.resultLayouts[index], full, (made) => made.insertBefore(end)),
    );
  }
}

/** Before a use, what turns the operand's layout into the one that is wanted. */
function adapt(module: EditModule, use: Use, wanted: Layout | undefined, reshards: boolean, place: Place): void {
  payAt(module, use, wanted, place);
  oweAt(module, use, wanted, place);
  const { op, index } = use;
  const value = op.operands[index] as EditValue;
  const layout = layoutOf(value);
  if (!reshards || equivalent(layout, wanted)) return;
  reshardOperand(op, index, wanted ?? replicatedLayout((layout as Layout).mesh, value.type.shape.length), place);
}

function reshardOperand(op: EditOp, index: number, layout: Layout, place: Place): void {
  const value = op.operands[index] as EditValue;
  const made = new EditOp('reshard', { layout }, op.place, [value], [{ type: value.type }]);
  place(made);
  op.setOperand(index, made.result);
}

const after =
  (value: EditValue): Place =>
  (made) =>
    made.insertAfterValue(value);

function dataFlow(module: EditModule, op: EditOp, full: boolean): void {
  for (const owner of [...resultOwners(op), ...parameterOwners(op)]) {
    const wanted = beforeEdge(owner, layoutOf(owner));
    for (const source of edgeSources(owner)) {
      let last = source.op.operands[source.index] as EditValue;
      adapt(module, source, wanted, full, (made) => {
        after(last)(made);
        last = made.result;
      });
    }
  }
}

function callOperands(module: EditModule, call: EditOp): void {
  const params = module.func(call.attrs.callee as string).body.params.map((p) => p.layout);
  const mesh = [...params, ...call.operands.map(layoutOf)].find((l) => l !== undefined)?.mesh;
  if (mesh === undefined) return;
  call.operands.forEach((v, index) => {
    let last = v;
    const wanted = params[index] ?? replicatedLayout(mesh, v.type.shape.length);
    adapt(module, { op: call, index }, wanted, true, (made) => {
      after(last)(made);
      last = made.result;
    });
  });
}

// --- ops with a rule --------------------------------------------------------------------------------------------------

function tensorOp(module: EditModule, op: EditOp, rules: RuleTable, full: boolean): void {
  payForResults(module, op);
  if (!full && !mayNeedReshards(op)) return;
  const rule = rules.of(op);
  if (rule === undefined || isCustom(op)) return;
  const layouts = [...op.operands, ...op.results].map((v) => layoutOf(beforeBarriers(v)));
  const mesh = commonMesh(module, layouts);
  if (mesh === undefined) return;
  const projection = project(op, rule, mesh, layouts);
  const common =
    full || joins(op) ? agree(module, op, rule, { projection, layouts, mesh }) : reshardDot(op, rule, projection, mesh);
  payReductions(op, rule, { projection, common, mesh });
}

/** All others stay as they are, unless every op shall agree with its operands. */
const mayNeedReshards = (op: EditOp): boolean =>
  op.kind === 'dot_general' || op.kind === 'concatenate' || (op.results[0]?.layout?.unreduced.length ?? 0) > 0;

const isCustom = (op: EditOp): boolean => typeof op.attrs.rule === 'string' && /,\s*custom/.test(op.attrs.rule);

/** A concatenation of operands that are laid out otherwise than its result. */
const joins = (op: EditOp): boolean =>
  op.kind === 'concatenate' && op.operands.some((v) => !equalLayouts(layoutOf(v), layoutOf(op.result)));
const equalLayouts = (a: Layout | undefined, b: Layout | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What a value is behind propagation barriers. */
function beforeBarriers(value: EditValue): EditValue {
  let found = value;
  while (found.maker?.kind === 'propagation_barrier') found = found.maker.operands[0] as EditValue;
  return found;
}

/** The mesh that most sharded tensors are on; undefined: they are on meshes of different axes, or on one device. */
function commonMesh(module: EditModule, layouts: readonly (Layout | undefined)[]): Mesh | undefined {
  const meshes = layouts.flatMap((l) => (l === undefined ? [] : [module.mesh(l.mesh)]));
  const held = meshes.filter((m) => m.axes.length > 0 || m.deviceIds !== undefined);
  const axesOf = (m: Mesh): string => JSON.stringify([m.axes, m.axes.length === 0 ? m.deviceIds : []]);
  const [first] = held;
  if (first === undefined || first.axes.length === 0 || held.some((m) => axesOf(m) !== axesOf(first))) return undefined;
  let best = held.find((m) => m.deviceIds === undefined) ?? first;
  let most = 0;
  const counts = new Map<string, number>();
  for (const l of layouts) {
    if (l === undefined || isWhole(l)) continue;
    const name = l.mesh;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count <= most) continue;
    most = count;
    best = module.mesh(name);
  }
  return best;
}

/** What has no layout is whole. */
function project(op: EditOp, rule: FactorRule, mesh: Mesh, layouts: readonly (Layout | undefined)[]): Projection {
  const count = op.operands.length;
  const layout = (v: EditValue, at: number): Layout => layouts[at] ?? replicatedLayout(mesh.name, v.type.shape.length);
  return {
    operands: op.operands.map((v, i) => projectTensor(rule, rule.operands[i] ?? [], layout(v, i))),
    results: op.results.map((v, i) => projectTensor(rule, rule.results[i] ?? [], layout(v, count + i))),
  };
}

function reshardDot(op: EditOp, rule: FactorRule, projection: Projection, mesh: Mesh): undefined {
  if (op.kind !== 'dot_general' || op.result.layout === undefined) return;
  if (!resharesDot(op, rule, projection)) return;
  reshardResult(
    op,
    op.result,
    layoutOfProjection(rule, projection.results[0] as TensorProjection, mesh.name, undefined),
  );
}

/** Reshards until every tensor has the common axes of each factor, on one mesh. */
function agree(
  module: EditModule,
  op: EditOp,
  rule: FactorRule,
  { projection, layouts, mesh }: { projection: Projection; layouts: readonly (Layout | undefined)[]; mesh: Mesh },
): AxesPerFactor {
  const sizes = [...op.operands, ...op.results].map((v) => elementCount(v.type));
  const axes = commonAxes(rule, projection, sizes);
  const count = op.operands.length;
  const moves = (at: number): boolean => {
    const layout = layouts[at];
    const ids = layout === undefined ? undefined : module.mesh(layout.mesh).deviceIds;
    return layout !== undefined && !isWhole(layout) && ids?.join() !== mesh.deviceIds?.join();
  };
  const made = (t: TensorProjection): Layout => layoutOfProjection(rule, t, mesh.name, undefined);
  const changed = [...projection.operands, ...projection.results].map((t, i) => update(t, axes) || moves(i));
  projection.operands.forEach((t, i) => {
    if (changed[i]) reshardOperand(op, i, made(t), (reshard) => reshard.insertBefore(op));
  });
  let last = op;
  projection.results.forEach((t, i) => {
    if (changed[count + i]) last = reshardResult(op, op.results[i] as EditValue, made(t), last);
  });
  return axes;
}

function update(tensor: TensorProjection, axes: AxesPerFactor): boolean {
  let changed = false;
  tensor.factors.forEach((held, f) => {
    if (held === undefined || (sameAxes(held.axes, axes[f] ?? []) && held.overflow.length === 0)) return;
    (tensor.factors as (typeof held | undefined)[])[f] = { ...held, axes: axes[f] ?? [], overflow: [] };
    changed = true;
  });
  return changed;
}

/** The op computes with `layout`; its users get what they had. */
function reshardResult(op: EditOp, result: EditValue, layout: Layout, last = op): EditOp {
  const kept = layoutOf(result) ?? replicatedLayout(layout.mesh, result.type.shape.length);
  setLayout(result, layout);
  const made = new EditOp('reshard', { layout: kept }, op.place, [result], [{ type: result.type }]);
  made.insertAfter(last);
  result.replaceBy(made.result, (use) => use.op === made);
  return made;
}
