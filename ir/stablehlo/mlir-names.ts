/** The name that MLIR has for an op. */
import type { EditOp } from '../edit.ts';

const SDY: ReadonlySet<string> = new Set([
  'sharding_constraint',
  'reshard',
  'manual_computation',
  'sharding_group',
  'propagation_barrier',
  'named_computation',
  'data_flow_edge',
  'func_data_flow_edge',
]);

/** `stablehlo.add`, `sdy.reshard`, `func.call`; a return's follows from what it ends. */
export function mlirName(op: EditOp): string {
  if (op.origin.spelled !== undefined) return op.origin.spelled;
  if (op.kind === 'return') return returnName(op);
  if (op.kind === 'call') return 'func.call';
  if (op.kind === 'case' && op.operands[0]?.type.dtype === 'pred') return 'stablehlo.if';
  if (SDY.has(op.kind)) return `sdy.${op.kind}`;
  if (op.kind.includes('.')) return op.kind;
  return op.kind === 'top_k' || op.kind === 'rotate' ? 'stablehlo.custom_call' : `stablehlo.${op.kind}`;
}

function returnName(op: EditOp): string {
  const { parent } = op;
  if (parent === undefined) return 'return';
  return parent.kind === 'manual_computation' || parent.kind === 'named_computation'
    ? 'sdy.return'
    : 'stablehlo.return';
}
