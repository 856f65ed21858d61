/** Warnings: custom_calls for which a sharded operand is made whole, each named. */
import type { Diagnostic } from '../../ir/diagnostics.ts';
import { waysOf } from '../../ir/layout.ts';
import { mainFunction, type Module, type Op, type ValueId, valueInfo, walkOps } from '../../ir/program.ts';

/** Of a module at the resharded level. */
export function gatheredCalls(module: Module): Diagnostic[] {
  const func = mainFunction(module);
  const maker = new Map<ValueId, Op>();
  const found: Diagnostic[] = [];
  for (const op of walkOps(func.body)) {
    for (const r of op.results) maker.set(r, op);
    if (op.kind !== 'custom_call') continue;
    const shards = (v: ValueId): number => {
      const { layout } = valueInfo(func, v);
      return layout === undefined ? 1 : waysOf(layout);
    };
    const gathered = op.operands.filter((v) => {
      const made = maker.get(v);
      return made?.kind === 'reshard' && shards(made.operands[0] as ValueId) > shards(v);
    });
    if (gathered.length === 0) continue;
    found.push({
      code: 'SH0401',
      severity: 'warning',
      cause: 'user',
      message: `custom_call @${String(op.attrs.target)} does not say how it may be split: ${gathered.length === 1 ? 'one of its operands is' : `${gathered.length} of its operands are`} gathered`,
      span: op.origin.span,
      help: 'an sdy.sharding_rule on the call (jax.experimental.custom_partitioning) names the dims that may be sharded',
    });
  }
  return found;
}
