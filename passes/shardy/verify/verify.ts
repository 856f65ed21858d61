/**
 * What Shardy's verifier asks of a module before any pass runs (verifiers.cc): layouts that fit what they lay out, sums owed
 * alike, computations and edges that are whole, collectives that do what their axes say, rules that name every dim.
 */
import type { EditModule, EditOp, EditValue } from '../../../ir/edit.ts';
import { userError } from '../../../ir/diagnostics.ts';
import { collectiveForm } from '../../../ir/stablehlo/sdy-collectives.ts';
import type { Layout } from '../../../ir/layout.ts';
import { isComputation, manualAxes } from '../data-flow.ts';
import { verifyCollective } from './collectives.ts';
import { verifyComputation } from './computations.ts';
import { verifyEdge } from './edges.ts';
import { verifyLayout } from './layouts.ts';
import { verifyRule } from './rules.ts';

export function verifyModule(module: EditModule): void {
  for (const func of module.functions) {
    for (const p of func.body.params) verifyLayout(module, p.layout, p.type, { span: p.origin?.span });
    func.resultLayouts.forEach((l, i) => {
      const type = func.resultTypes[i];
      if (type !== undefined) verifyLayout(module, l, type, { span: undefined });
    });
  }
  for (const op of module.ops()) verifyOp(module, op);
}

function verifyOp(module: EditModule, op: EditOp): void {
  const at = { span: op.origin.span, manual: boundAxes(op) };
  for (const r of op.results) verifyLayout(module, r.layout, r.type, at);
  for (const l of (op.attrs.effect_layouts ?? []) as readonly Layout[]) verifyLayout(module, l, undefined, at);
  if (op.attrs.layout !== undefined)
    verifyLayout(module, op.attrs.layout as Layout, (op.operands[0] as EditValue).type, at);
  if (typeof op.attrs.rule === 'string') verifyRule(op);
  if (isComputation(op)) verifyComputation(module, op, at.manual);
  if (collectiveForm(op.kind) !== undefined) verifyCollective(module, op);
  if (op.kind === 'data_flow_edge' || op.kind === 'func_data_flow_edge') verifyEdge(op);
  if (op.kind === 'propagation_barrier' && !DIRECTIONS.has(op.attrs.direction as string))
    throw userError('SH0205', `a propagation barrier lets ${String(op.attrs.direction)} through`, {
      span: op.origin.span,
      expected: 'FORWARD, BACKWARD or NONE: one that stops nothing says nothing',
    });
}

const DIRECTIONS: ReadonlySet<string> = new Set(['FORWARD', 'BACKWARD', 'NONE']);

/** Axes that the manual computations around an op have in their hands. */
function boundAxes(op: EditOp): readonly string[] {
  const found: string[] = [];
  for (let around = op.parent; around !== undefined; around = around.parent)
    if (around.kind === 'manual_computation') found.push(...manualAxes(around));
  return found;
}
