/** What Shardy's verifier asks of layouts before any pass runs: one entry per dim, one layout per value of a computation. */
import { userError } from '../../ir/diagnostics.ts';
import type { EditBlock, EditModule, EditOp, EditValue } from '../../ir/edit.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Span } from '../../ir/program.ts';
import { type TensorType, typeText } from '../../ir/types.ts';
import { isComputation, manualAxes } from './data-flow.ts';

export function verifyLayouts(module: EditModule): void {
  for (const func of module.functions) {
    for (const p of func.body.params) checkRank(p.layout, p.type, p.origin?.span);
    func.resultLayouts.forEach((l, i) => checkRank(l, func.resultTypes[i] as TensorType, undefined));
  }
  for (const op of module.ops()) {
    for (const r of op.results) checkRank(r.layout, r.type, op.origin.span);
    if (isComputation(op)) checkComputation(module, op);
  }
}

/** A layout on one device says nothing of dims. */
function checkRank(layout: Layout | undefined, type: TensorType, span: Span | undefined): void {
  if (layout === undefined || layout.dims.length === 0 || layout.dims.length === type.shape.length) return;
  throw userError(
    'SH0212',
    `the sharding has ${layout.dims.length} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
    {
      ...(span === undefined ? {} : { span }),
      expected: `${type.shape.length} dims`,
    },
  );
}

function checkComputation(module: EditModule, op: EditOp): void {
  const at = op.origin.span === undefined ? {} : { span: op.origin.span };
  const body = op.regions[0] as EditBlock;
  const sides: readonly (readonly [string, readonly EditValue[]])[] = [
    ['in_layouts', op.operands],
    ['out_layouts', op.results],
  ];
  for (const [key, values] of sides) {
    const layouts = op.attrs[key] as readonly Layout[] | undefined;
    if (layouts === undefined && op.kind === 'named_computation') continue;
    if (layouts?.length !== values.length)
      throw userError(
        'SH0226',
        `${op.kind} has ${values.length} values and ${layouts?.length ?? 0} shardings for them`,
        {
          ...at,
          expected: 'one sharding per operand and per result',
        },
      );
    layouts.forEach((l, i) => checkRank(l, (values[i] as EditValue).type, op.origin.span));
    for (const axis of manualAxes(op))
      for (const { axes, name } of layouts.map((l) => module.mesh(l.mesh)))
        if (axes.length > 0 && !axes.some((a) => a.name === axis))
          throw userError('SH0210', `mesh @${name} has no axis "${axis}", which the computation names as manual`, at);
  }
  const counts = [op.operands.length, body.params.length, op.results.length, body.terminator.operands.length];
  if (counts[0] !== counts[1] || counts[2] !== counts[3])
    throw userError(
      'SH0226',
      `${op.kind} takes ${counts[0]} values and its body ${counts[1]}; it gives ${counts[2]} and its body ${counts[3]}`,
      at,
    );
}
