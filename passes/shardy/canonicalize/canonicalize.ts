/** MLIR's canonicalizer on what Shardy has patterns for: ops that nothing reads go, and what folds is folded. */
import type { EditModule, EditOp, EditValue } from '../../../ir/edit.ts';
import { dropUnread, isPure, isUnread } from '../unread.ts';
import { foldCollective } from './collectives.ts';
import { foldComputation } from './computations.ts';

/** `collectives`: those patterns alone, as Shardy's pipeline runs it. */
export function canonicalize(module: EditModule, only: 'collectives' | 'all'): void {
  dropUnread(module);
  for (let changed = true; changed; ) {
    changed = false;
    for (const op of module.ops('post').toReversed()) {
      if (op.block === undefined) continue;
      if (isUnread(op) && isPure(op)) op.erase();
      else if (!foldCollective(module, op) && !(only === 'all' && (foldReshard(op) || foldComputation(module, op))))
        continue;
      changed = true;
    }
  }
}

/** A reshard of a reshard that no one else reads, and the second of two that are alike. */
function foldReshard(op: EditOp): boolean {
  if (op.kind !== 'reshard') return false;
  const input = op.operands[0] as EditValue;
  if (input.maker?.kind === 'reshard' && input.useCount === 1) {
    const inner = input.maker;
    op.setOperand(0, inner.operands[0] as EditValue);
    inner.erase();
    return true;
  }
  const before = input.uses().find((u) => u.op !== op && isSameBefore(u.op, op));
  if (before === undefined) return false;
  op.result.replaceBy(before.op.result);
  op.erase();
  return true;
}

function isSameBefore(other: EditOp, op: EditOp): boolean {
  if (other.kind !== 'reshard' || other.block !== op.block) return false;
  if (JSON.stringify(other.attrs.layout) !== JSON.stringify(op.attrs.layout)) return false;
  for (let next = other.next; next !== undefined; next = next.next) if (next === op) return true;
  return false;
}
