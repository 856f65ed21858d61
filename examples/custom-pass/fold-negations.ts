// A pass: −(−x) is x. Blocks are plain data, so a pass maps one module to another; what nobody reads any more goes too.
import { definePass, type Func, type Module, type Op, type ValueId } from 'shardc';

/**
 *   %1 = negate %0
 *   %2 = negate %1      →   uses of %2 read %0
 */
export const foldNegations = definePass({
  name: 'fold-negations',
  doc: '−(−x) is x',
  requires: 'parsed',
  ensures: 'parsed',
  run: (module: Module): Module => ({ ...module, functions: module.functions.map(fold) }),
});

function fold(func: Func): Func {
  const makers = new Map<ValueId, Op>();
  const now = new Map<ValueId, ValueId>();
  const read = (id: ValueId): ValueId => now.get(id) ?? id;
  const ops: Op[] = [];
  for (const op of func.body.ops) {
    const renamed = { ...op, operands: op.operands.map(read) };
    const inner = op.kind === 'negate' ? makers.get(renamed.operands[0] as ValueId) : undefined;
    if (inner?.kind === 'negate') {
      now.set(op.results[0] as ValueId, inner.operands[0] as ValueId);
      continue;
    }
    for (const r of op.results) makers.set(r, renamed);
    ops.push(renamed);
  }
  const used = new Set(ops.flatMap((op) => op.operands));
  return {
    ...func,
    body: { ...func.body, ops: ops.filter((op) => op.kind !== 'negate' || used.has(op.results[0] as ValueId)) },
  };
}

export const passes = [foldNegations];
export { registry } from './softsign.ts';
