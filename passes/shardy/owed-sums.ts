/**
 * Sums that are owed (unreduced axes), where a user wants them otherwise (Shardy, explicit_reshards_util.cc).
 *
 *   owed, and wanted whole            %1 = sdy.all_reduce {"x"} %0
 *   whole along x, and wanted owed    %1 = sdy.replicated_to_unreduced {"x"} %0
 *   sharded by x, and wanted owed     %1 = sdy.sharded_to_unreduced [{"x"}, {}] %0
 */
import { difference, inMeshOrder, prefixStatus } from '../../ir/axes.ts';
import { userError } from '../../ir/diagnostics.ts';
import { type EditModule, EditOp, type EditValue, type Use } from '../../ir/edit.ts';
import type { FactorRule } from '../../ir/factors.ts';
import { type Layout, replicatedLayout } from '../../ir/layout.ts';
import { type AxisRef, type Mesh, sameAxes } from '../../ir/mesh.ts';
import type { Projection } from '../propagate/projection.ts';
import { type AxesPerFactor, sharedAxes } from './common-axes.ts';
import { layoutOf } from './data-flow.ts';

export type Place = (made: EditOp) => void;

/** Before the use, an all_reduce over the axes that the operand owes and the user does not take over. */
export function payAt(module: EditModule, { op, index }: Use, wanted: Layout | undefined, place: Place): void {
  const value = op.operands[index] as EditValue;
  const layout = layoutOf(value);
  if (layout === undefined || layout.unreduced.length === 0) return;
  const mesh = module.mesh(layout.mesh);
  const axes = inMeshOrder(difference(layout.unreduced, wanted?.unreduced ?? []), mesh);
  if (axes.length === 0) return;
  const paid = { ...layout, unreduced: inMeshOrder(difference(layout.unreduced, axes), mesh) };
  replaceUse(op, index, collective('sdy.all_reduce', { axes }, op, value, paid), place);
}

function collective(kind: string, attrs: EditOp['attrs'], at: EditOp, value: EditValue, layout: Layout): EditOp {
  return new EditOp(kind, attrs, at.place, [value], [{ type: value.type, layout }]);
}

function replaceUse(op: EditOp, index: number, made: EditOp, place: Place): void {
  place(made);
  op.setOperand(index, made.result);
}

/** An op reads operands that owe what its results do not. */
export function payForResults(module: EditModule, op: EditOp): void {
  const owed = op.operands.some((v) => (layoutOf(v)?.unreduced.length ?? 0) > 0);
  const [first, ...others] = op.results.map(layoutOf);
  if (owed && op.results.length === 0) throw unpaid(op, 'reads a value that owes a sum, and has no result');
  const unreduced = first?.unreduced ?? [];
  if (others.some((l) => !sameAxes(l?.unreduced ?? [], unreduced))) throw unpaid(op, 'owes sums on some results only');
  op.operands.forEach((_, index) => payAt(module, { op, index }, first, (made) => made.insertBefore(op)));
}

const unpaid = (op: EditOp, what: string): Error =>
  userError('SH0228', `${op.kind} ${what}`, {
    span: op.origin.span,
    expected: 'the same unreduced axes on all results, and operands sharded alike along what they owe',
  });

/**
 * After an op that owes part of what its reduction gives, the rest is paid (insertAllReducesForReductionFactors). `common`:
 * the axes that every tensor has been given.
 */
export function payReductions(
  op: EditOp,
  rule: FactorRule,
  { projection, common, mesh }: { projection: Projection; common: AxesPerFactor | undefined; mesh: Mesh },
): void {
  const unreduced = op.results[0] === undefined ? [] : (layoutOf(op.results[0])?.unreduced ?? []);
  if (op.results.length === 0 || (common === undefined && unreduced.length === 0)) return;
  const reduced = rule.factors.flatMap(({ kind }, f) => {
    const axes = kind !== 'reduce' ? [] : common === undefined ? sharedAxes(projection, f) : common[f];
    if (axes === undefined) throw unpaid(op, 'owes a sum of operands that are sharded differently');
    return [...axes];
  });
  const axes = inMeshOrder(difference(reduced, unreduced), mesh);
  if (axes.length === 0) return;
  let last = op;
  for (const r of op.results) {
    const layout = layoutOf(r) ?? replicatedLayout(mesh.name, r.type.shape.length);
    const made = collective('sdy.all_reduce', { axes }, op, r, layout);
    made.insertAfter(last);
    last = made;
    r.replaceBy(made.result, (use) => use.op === made);
  }
}

// --- sums that are wanted owed ----------------------------------------------------------------------------------------

/** A reshard that leaves a sum owed is what Shardy's collectives say; gives whether it was one. */
export function oweByCollectives(module: EditModule, reshard: EditOp): boolean {
  const wanted = layoutOf(reshard.result);
  if (!oweAt(module, { op: reshard, index: 0 }, wanted, (made) => made.insertBefore(reshard))) return false;
  reshard.result.replaceBy(reshard.operands[0] as EditValue);
  reshard.erase();
  return true;
}

/** Before the use, what makes a value owe what the user wants owed: out = in + replicated axes + sharded axes. */
export function oweAt(module: EditModule, { op, index }: Use, wanted: Layout | undefined, place: Place): boolean {
  const value = op.operands[index] as EditValue;
  const layout = layoutOf(value);
  if (layout === undefined || wanted === undefined || wanted.unreduced.length === 0) return false;
  const more = difference(wanted.unreduced, layout.unreduced);
  if (more.length === 0) return false;
  if (difference(layout.unreduced, wanted.unreduced).length > 0)
    throw unpaid(op, 'wants a sum owed over other axes than it is');
  const mesh = module.mesh(layout.mesh);
  const { dims, sharded, needsReshard } = splitDims(layout, wanted, more);
  const kept = wanted.dims.map((d, i) => dims[i] ?? d);
  const before = { value: op.operands[index] as EditValue };
  const add = (kind: string, attrs: EditOp['attrs'], to: Layout): void => {
    const made = collective(kind, attrs, op, before.value, to);
    if (kind === 'reshard') made.result.layout = undefined;
    replaceUse(op, index, made, place);
    before.value = made.result;
  };
  if (needsReshard) add('reshard', { layout: { ...layout, dims: kept } }, layout);
  const replicated = inMeshOrder(difference(more, sharded.flat()), mesh);
  if (replicated.length > 0) {
    const unreduced = inMeshOrder([...layout.unreduced, ...replicated], mesh);
    add(
      'sdy.replicated_to_unreduced',
      { axes: replicated },
      { ...layout, dims: kept, replicated: wanted.replicated, unreduced },
    );
  }
  if (sharded.some((axes) => axes.length > 0)) add('sdy.sharded_to_unreduced', { axes: sharded }, wanted);
  return before.value !== value;
}

/** Dims that end with axes that shall be owed keep them until the last step; others are resharded first. */
function splitDims(
  layout: Layout,
  wanted: Layout,
  owed: readonly AxisRef[],
): { dims: (Layout['dims'][number] | undefined)[]; sharded: AxisRef[][]; needsReshard: boolean } {
  let needsReshard = false;
  const dims: (Layout['dims'][number] | undefined)[] = [];
  const sharded = layout.dims.map((dim, i) => {
    const to = wanted.dims[i]?.axes ?? [];
    dims.push(undefined);
    const status = prefixStatus(to, dim.axes);
    if (status === 'equal') return [];
    const rest = status === 'strict' ? difference(dim.axes, to) : [];
    if (rest.length > 0 && difference(rest, owed).length === 0) {
      dims[i] = dim;
      return rest;
    }
    needsReshard = true;
    return [];
  });
  return { dims, sharded, needsReshard };
}
