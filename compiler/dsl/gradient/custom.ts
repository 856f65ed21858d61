/** customVjp: the user's own forward and backward functions instead of the region. */
import type { Op, ValueId } from '../../../ir/program.ts';
import type { CustomRule } from '../primitives.ts';
import { type Back, orZeros, type Tape } from './tape.ts';

/** `saved`: what a checkpoint kept of the results. */
export function recordCustom({ b, env }: Tape, op: Op, saved?: readonly ValueId[]): Back {
  const rule = op.attrs.rule as CustomRule;
  const { results, back } = rule.apply(env.read(op.operands), saved);
  env.setAll(op.results, results);
  return (cotangents, add) => {
    const given = results.map((r, i) => orZeros(b, cotangents[i], r));
    back(given).forEach((g, i) => {
      if (g !== undefined) add(op.operands[i] as ValueId, g);
    });
  };
}
