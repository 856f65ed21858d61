/** customVjp: the user's own forward and backward functions instead of the region. */
import type { Op, ValueId } from '../../../ir/program.ts';
import type { CustomRule } from '../primitives.ts';
import type { Tape } from './tape.ts';
import { orZeros } from './tape.ts';

type Back = (cotangents: readonly (ValueId | undefined)[], add: (of: ValueId, g: ValueId) => void) => void;

export function recordCustom({ b, env }: Tape, op: Op): Back {
  const rule = op.attrs.rule as CustomRule;
  const { results, back } = rule(env.read(op.operands));
  env.setAll(op.results, results);
  return (cotangents, add) => {
    const given = results.map((r, i) => orZeros(b, cotangents[i], r));
    back(given).forEach((g, i) => {
      if (g !== undefined) add(op.operands[i] as ValueId, g);
    });
  };
}
