/** Manual and named computations: a sharding per value, a body that takes and gives what the op does, per device. */
import { userError } from '../../../ir/diagnostics.ts';
import type { EditBlock, EditModule, EditOp, EditValue } from '../../../ir/edit.ts';
import type { Layout } from '../../../ir/layout.ts';
import { axesSize, sameMesh } from '../../../ir/mesh.ts';
import { tensor, type TensorType, typeText } from '../../../ir/types.ts';
import { manualAxes } from '../data-flow.ts';
import { verifyLayout } from './layouts.ts';

export function verifyComputation(module: EditModule, op: EditOp, bound: readonly string[]): void {
  const body = op.regions[0] as EditBlock;
  const inner = { params: body.params, results: body.terminator.operands };
  const counts = [op.operands.length, inner.params.length, op.results.length, inner.results.length];
  if (counts[0] !== counts[1] || counts[2] !== counts[3])
    throw wrong(
      op,
      `${op.kind} takes ${counts[0]} values and its body ${counts[1]}; it gives ${counts[2]} and its body ${counts[3]}`,
      'a body that takes and gives as many values as the computation',
    );
  verifyAxes(module, op, bound);
  verifySide(module, op, 'in_layouts', { outer: op.operands, inner: inner.params, bound });
  verifySide(module, op, 'out_layouts', { outer: op.results, inner: inner.results, bound });
}

interface Side {
  readonly outer: readonly EditValue[];
  readonly inner: readonly EditValue[];
  readonly bound: readonly string[];
}

function verifySide(module: EditModule, op: EditOp, key: string, { outer, inner, bound }: Side): void {
  const layouts = op.attrs[key] as readonly Layout[] | undefined;
  if (layouts === undefined && op.kind === 'named_computation') return outer.forEach((v, i) => alike(op, v, inner[i]));
  if (layouts?.length !== outer.length)
    throw wrong(
      op,
      `${op.kind} has ${outer.length} values and ${layouts?.length ?? 0} shardings for them`,
      'one sharding per operand and per result',
    );
  layouts.forEach((layout, i) => {
    const { type } = outer[i] as EditValue;
    verifyLayout(module, layout, type, { span: op.origin.span, manual: bound });
    if (op.kind === 'named_computation') return alike(op, outer[i] as EditValue, inner[i]);
    verifyLocal(op, layout, type, inner[i]?.type);
  });
}

function alike(op: EditOp, outer: EditValue, inner: EditValue | undefined): void {
  if (inner === undefined || inner.type === outer.type) return;
  throw wrong(op, `the body has ${typeText(inner.type)} where ${op.kind} has ${typeText(outer.type)}`, 'the same type');
}

/** Manual axes stand first in a dim and divide it; the body has what one device holds of them. */
function verifyLocal(op: EditOp, layout: Layout, type: TensorType, inner: TensorType | undefined): void {
  const manual = manualAxes(op);
  const shape = type.shape.map((size, d) => {
    const axes = layout.dims[d]?.axes ?? [];
    const free = axes.findIndex((a) => !manual.includes(a.name));
    const late = free < 0 ? undefined : axes.slice(free).find((a) => manual.includes(a.name));
    if (late !== undefined)
      throw wrong(
        op,
        `manual axis "${late.name}" stands behind the free axis "${axes[free]?.name}"`,
        'manual axes first',
      );
    const parts = axesSize(axes.filter((a) => manual.includes(a.name)));
    if (size % parts !== 0)
      throw userError('SH0232', `a dim of ${size} does not divide by its manual axes, ${parts} devices`, {
        span: op.origin.span,
      });
    return size / parts;
  });
  const local = tensor(type.dtype, shape);
  if (inner !== undefined && inner !== local)
    throw wrong(op, `the body has ${typeText(inner)}, each device holds ${typeText(local)}`, typeText(local));
}

function verifyAxes(module: EditModule, op: EditOp, bound: readonly string[]): void {
  const layouts = [op.attrs.in_layouts, op.attrs.out_layouts].flatMap((l) => (l ?? []) as readonly Layout[]);
  const meshes = layouts.map((l) => module.mesh(l.mesh)).filter((m) => m.axes.length > 0);
  const [mesh] = meshes;
  const axes = manualAxes(op);
  const twice = axes.find((a) => bound.includes(a));
  if (twice !== undefined)
    throw userError('SH0231', `axis "${twice}" is manual in the computation around already`, { span: op.origin.span });
  if (mesh === undefined) return;
  if (axes.length > 0 && meshes.some((m) => !sameMesh(m, mesh)))
    throw wrong(op, `${op.kind} has shardings on several meshes`, 'one mesh for all of them');
  const unknown = axes.find((a) => !mesh.axes.some((m) => m.name === a));
  if (unknown !== undefined)
    throw userError('SH0210', `mesh @${mesh.name} has no axis "${unknown}", which the computation names as manual`, {
      span: op.origin.span,
    });
}

const wrong = (op: EditOp, message: string, expected: string): Error =>
  userError('SH0226', message, { span: op.origin.span, expected });
