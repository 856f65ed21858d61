/** A sharding rule on an op names the dims of all that the op takes and gives. */
import { userError } from '../../../ir/diagnostics.ts';
import type { EditOp, EditValue } from '../../../ir/edit.ts';
import { type FactorRule, factorName } from '../../../ir/factors.ts';
import { parseRule } from '../../../ir/parse-rule.ts';

export function verifyRule(op: EditOp): void {
  const rule = parseRule(op.attrs.rule as string);
  if (rule === undefined) throw wrong(op, 'does not read as one', EXAMPLE);
  verifySide(op, rule, op.operands, rule.operands, 'operand');
  verifySide(op, rule, op.results, rule.results, 'result');
  const used = new Set([...rule.operands, ...rule.results].flat(2));
  const unused = rule.factors.findIndex((_, f) => !used.has(f));
  if (unused >= 0) throw wrong(op, `has a factor ${factorName(unused)} that no dim has`);
  const given = new Set(rule.results.flat(2));
  const summed = rule.factors.findIndex(({ kind }, f) => kind === 'reduce' && given.has(f));
  if (summed >= 0) throw wrong(op, `reduces factor ${factorName(summed)}, which a result has`);
}

const EXAMPLE = '#sdy.op_sharding_rule<([i, k], [k, j])->([i, j]) {i=8, j=16, k=32} reduction={k}>';

function verifySide(
  op: EditOp,
  rule: FactorRule,
  values: readonly EditValue[],
  mappings: FactorRule['operands'],
  what: string,
): void {
  if (values.length !== mappings.length)
    throw wrong(op, `maps ${mappings.length} ${what}s, the op has ${values.length}`);
  if (values.length === 0) throw wrong(op, `is on an op without ${what}s`);
  values.forEach(({ type }, i) => {
    const dims = mappings[i] ?? [];
    if (dims.length !== type.shape.length)
      throw wrong(op, `gives ${what} ${i} ${dims.length} dims, it has ${type.shape.length}`);
    const seen = new Set<number>();
    for (const factors of dims) {
      if (factors.length === 0) throw wrong(op, `has a dim of ${what} ${i} without factors`);
      for (const f of factors) {
        if (seen.has(f)) throw wrong(op, `has factor ${factorName(f)} twice in ${what} ${i}`);
        seen.add(f);
        if (factors.length > 1 && rule.factors[f]?.size === 1)
          throw wrong(op, `has factor ${factorName(f)} of size 1 beside others`);
      }
    }
  });
}

const wrong = (op: EditOp, what: string, expected?: string): Error =>
  userError('SH0219', `the sharding rule of ${op.kind} ${what}`, {
    span: op.origin.span,
    expected,
  });
