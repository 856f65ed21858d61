/**
 * What Shardy's own pipeline writes down after propagation (insert_explicit_reshards.cc, not the full version): all_reduces
 * where a sum is owed and the user wants it paid, reshards of what calls and concatenates take, and of dots whose
 * contracting axes its result is wanted on.
 */
import { without } from '../../ir/axes.ts';
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import type { FactorRule } from '../../ir/factors.ts';
import { type Layout, replicatedLayout } from '../../ir/layout.ts';
import { type AxisRef, overlaps, sameAxes } from '../../ir/mesh.ts';
import type { Registry } from '../../ir/op.ts';
import { elementCount } from '../../ir/types.ts';
import { layoutOfProjection, type Projection, projectTensor, type TensorProjection } from '../propagate/projection.ts';
import { RuleTable } from '../propagate/rules.ts';
import { equivalent } from './calls.ts';
import { type AxesPerFactor, commonAxes } from './common-axes.ts';
import { edgeSources, layoutOf, ownsEdges, parameterOwners, resultOwners, setLayout } from './data-flow.ts';

export function insertExplicitReshards(module: EditModule, registry: Registry): void {
  const rules = new RuleTable(registry);
  for (const op of [...module.ops('post')]) {
    if (op.kind === 'return') continue;
    if (ownsEdges(op)) dataFlow(op);
    else if (op.kind === 'call') callOperands(module, op);
    else tensorOp(module, op, rules);
  }
  for (const func of module.functions) {
    const end = func.body.terminator;
    end.operands.forEach((_, i) => payAt(end, i, func.resultLayouts[i], (op) => op.insertBefore(end)));
  }
}

// --- sums that are owed -----------------------------------------------------------------------------------------------

/** An all_reduce before the use, over the axes that the operand owes and the user does not take over. */
function payAt(op: EditOp, index: number, wanted: Layout | undefined, place: (made: EditOp) => void): void {
  const value = op.operands[index] as EditValue;
  const layout = layoutOf(value);
  if (layout === undefined || layout.unreduced.length === 0) return;
  const axes = without(layout.unreduced, wanted?.unreduced ?? []);
  if (axes.length === 0) return;
  const paid = { ...layout, unreduced: without(layout.unreduced, axes) };
  const made = new EditOp(
    'all_reduce',
    { axes },
    { ...op.origin, spelled: 'sdy.all_reduce' },
    [value],
    [{ type: value.type, layout: paid }],
  );
  place(made);
  op.setOperand(index, made.result);
}

function dataFlow(op: EditOp): void {
  for (const owner of [...resultOwners(op), ...parameterOwners(op)])
    for (const source of edgeSources(owner)) {
      const value = source.op.operands[source.index] as EditValue;
      payAt(source.op, source.index, layoutOf(owner), (made) => made.insertAfterValue(value));
    }
}

function callOperands(module: EditModule, call: EditOp): void {
  const params = module.func(call.attrs.callee as string).body.params.map((p) => p.layout);
  const mesh = [...params, ...call.operands.map(layoutOf)].find((l) => l !== undefined)?.mesh;
  if (mesh === undefined) return;
  call.operands.forEach((v, i) => {
    const wanted = params[i] ?? replicatedLayout(mesh, v.type.shape.length);
    payAt(call, i, wanted, (made) => made.insertAfterValue(v));
    if (!equivalent(layoutOf(call.operands[i] as EditValue), wanted)) reshardOperand(call, i, wanted, true);
  });
}

function reshardOperand(op: EditOp, index: number, layout: Layout, afterValue: boolean): void {
  const value = op.operands[index] as EditValue;
  const made = new EditOp('reshard', { layout }, op.origin, [value], [{ type: value.type }]);
  if (afterValue) made.insertAfterValue(value);
  else made.insertBefore(op);
  op.setOperand(index, made.result);
}

/** The op computes with `layout`; its users get what they had. */
function reshardResult(op: EditOp, result: EditValue, layout: Layout): void {
  const kept = layoutOf(result) ?? replicatedLayout(layout.mesh, result.type.shape.length);
  setLayout(result, layout);
  const made = new EditOp('reshard', { layout: kept }, op.origin, [result], [{ type: result.type }]);
  made.insertAfter(op);
  result.replaceBy(made.result, (use) => use.op === made);
}

// --- ops with a rule --------------------------------------------------------------------------------------------------

function tensorOp(module: EditModule, op: EditOp, rules: RuleTable): void {
  const wanted = op.results[0] === undefined ? undefined : layoutOf(op.results[0]);
  op.operands.forEach((_, i) => payAt(op, i, wanted, (made) => made.insertBefore(op)));
  const isDot = op.kind === 'dot_general';
  const joins = op.kind === 'concatenate' && op.operands.some((v) => !equalLayouts(layoutOf(v), wanted));
  if (!isDot && !joins) return;
  const rule = rules.of(op);
  const mesh = [...op.operands, ...op.results].map(layoutOf).find((l) => l !== undefined)?.mesh;
  if (rule === undefined || mesh === undefined || module.mesh(mesh).axes.length === 0) return;
  const projection = project(op, rule, mesh);
  if (isDot) dot(op, rule, projection, mesh);
  else agree(op, rule, projection, mesh);
}

const equalLayouts = (a: Layout | undefined, b: Layout | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What has no layout is whole. */
function project(op: EditOp, rule: FactorRule, mesh: string): Projection {
  const layout = (v: EditValue): Layout => layoutOf(v) ?? replicatedLayout(mesh, v.type.shape.length);
  return {
    operands: op.operands.map((v, i) => projectTensor(rule, rule.operands[i] ?? [], layout(v))),
    results: op.results.map((v, i) => projectTensor(rule, rule.results[i] ?? [], layout(v))),
  };
}

/** Reshards until every tensor has the common axes of each factor. */
function agree(op: EditOp, rule: FactorRule, projection: Projection, mesh: string): void {
  const sizes = [...op.operands, ...op.results].map((v) => elementCount(v.type));
  const axes = commonAxes(rule, projection, sizes);
  projection.operands.forEach((t, i) => {
    if (update(t, axes)) reshardOperand(op, i, closed(layoutOfProjection(rule, t, mesh, undefined)), false);
  });
  projection.results.forEach((t, i) => {
    if (update(t, axes))
      reshardResult(op, op.results[i] as EditValue, closed(layoutOfProjection(rule, t, mesh, undefined)));
  });
}

function update(tensor: TensorProjection, axes: AxesPerFactor): boolean {
  let changed = false;
  tensor.factors.forEach((held, f) => {
    if (held === undefined || sameAxes(held.axes, axes[f] ?? [])) return;
    held.axes = axes[f] ?? [];
    changed = true;
  });
  return changed;
}

const closed = (layout: Layout): Layout => ({ ...layout, dims: layout.dims.map((d) => ({ ...d, open: false })) });

/**
 * `dot {x, y} · {y, z?} → {x, y}`: the axes that contract are wanted on a free dim whose operand has others. The dot
 * computes with the operand's axes there, and its result is resharded, which becomes a reduce_scatter (processDot).
 */
function dot(op: EditOp, rule: FactorRule, projection: Projection, mesh: string): void {
  const [left, right] = projection.operands as [TensorProjection, TensorProjection];
  const [result] = projection.results as [TensorProjection];
  const [sizeL, sizeR] = op.operands.map((v) => elementCount(v.type)) as [number, number];
  const reduced: AxisRef[] = [];
  const seen: AxisRef[] = [];
  let conflict: { factor: number; axes: readonly AxisRef[] } | undefined;
  for (const [f, { kind }] of rule.factors.entries()) {
    const [l, r] = [left.factors[f]?.axes, right.factors[f]?.axes];
    const axes = l ?? r ?? [];
    if (l !== undefined && r !== undefined) {
      if (!sameAxes(l, r)) return;
      if (kind === 'reduce') {
        reduced.push(...axes);
        continue;
      }
    } else {
      if (axes.some((a) => seen.some((b) => overlaps(a, b)))) return;
      seen.push(...axes);
    }
    if (sameAxes(result.factors[f]?.axes ?? [], axes)) continue;
    const largest = l !== undefined && r !== undefined ? Math.max(sizeL, sizeR) : l !== undefined ? sizeL : sizeR;
    if (axes.length === 0 || conflict !== undefined || elementCount(op.result.type) > largest) return;
    conflict = { factor: f, axes };
  }
  const held = conflict === undefined ? undefined : result.factors[conflict.factor];
  if (conflict === undefined || held === undefined || held.axes.length === 0 || !sameAxes(held.axes, reduced)) return;
  held.axes = conflict.axes;
  reshardResult(op, op.result, closed(layoutOfProjection(rule, result, mesh, undefined)));
}
