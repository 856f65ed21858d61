/** Manual computations: arguments that the body does not read go; one over axes of size 1, or an empty one, dissolves. */
import type { EditBlock, EditModule, EditOp, EditValue } from '../../../ir/edit.ts';
import type { Layout } from '../../../ir/layout.ts';
import { axisSize } from '../../../ir/mesh.ts';
import { manualAxes } from '../data-flow.ts';

export function foldComputation(module: EditModule, op: EditOp): boolean {
  return op.kind === 'manual_computation' && (dropUnusedArguments(op) || dissolve(module, op));
}

function dropUnusedArguments(op: EditOp): boolean {
  const { params } = op.regions[0] as EditBlock;
  const kept = params.map((p) => p.useCount > 0);
  if (!kept.includes(false)) return false;
  const of = <X>(list: readonly X[]): X[] => list.filter((_, i) => kept[i]);
  op.attrs = { ...op.attrs, in_layouts: of((op.attrs.in_layouts ?? []) as readonly Layout[]) };
  op.keepOperands(kept);
  (op.regions[0] as EditBlock).keepParams(kept);
  return true;
}

function dissolve(module: EditModule, op: EditOp): boolean {
  const body = op.regions[0] as EditBlock;
  const layouts = [op.attrs.in_layouts, op.attrs.out_layouts].flatMap((l) => (l ?? []) as readonly Layout[]);
  const end = body.terminator;
  if (layouts.length === 0 && body.first === end) {
    op.erase();
    return true;
  }
  const mesh = layouts.map((l) => module.mesh(l.mesh)).find((m) => m.axes.length > 0);
  if (mesh !== undefined && manualAxes(op).some((a) => axisSize(mesh, a) !== 1)) return false;
  const returned = [...end.operands];
  end.erase();
  body.params.forEach((p, i) => p.replaceBy(op.operands[i] as EditValue));
  for (const inner of body.ops()) inner.insertBefore(op);
  op.results.forEach((r, i) => {
    const value = returned[i] as EditValue;
    r.replaceBy((value.owner as unknown) === body ? (op.operands[value.index] as EditValue) : value);
  });
  op.erase();
  return true;
}
