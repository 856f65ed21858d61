/** All laws on one example of one op. */
import type { AnyOpDef, Registry } from '../../../ir/op.ts';
import { checkExpansion } from './checks/expansion.ts';
import { checkLinearity } from './checks/linearity.ts';
import { checkOwed } from './checks/owed.ts';
import { checkPadding } from './checks/padding.ts';
import { checkPartition } from './checks/partition.ts';
import { checkRoundTrip } from './checks/round-trip.ts';
import { checkRule } from './checks/rule.ts';
import { checkTypes } from './checks/types.ts';
import { type Finding, Findings, type LawContext, type LawName } from './law.ts';
import type { OpExample } from './op-example.ts';

export interface LawReport {
  /** Empty where every law holds. */
  readonly findings: readonly Finding[];
  /** Instances looked at, by law. */
  readonly checked: ReadonlyMap<LawName, number>;
}

const CHECKS: readonly (readonly [LawName, (ctx: LawContext, found: Findings) => void])[] = [
  ['kernel', checkTypes],
  ['rule', checkRule],
  ['partition', checkPartition],
  ['padding', checkPadding],
  ['linearity', checkLinearity],
  ['linearity', checkOwed],
  ['round-trip', checkRoundTrip],
  ['expansion', checkExpansion],
];

/** `def` stands for `registry[def.kind]`: a definition can be tried before it is registered. */
export function checkLaws(def: AnyOpDef, registry: Registry, example: OpExample): LawReport {
  const found = new Findings(def.kind, example.name);
  const ctx: LawContext = { def, registry: { ...registry, [def.kind]: def }, example };
  for (const [law, check] of CHECKS) {
    try {
      check(ctx, found);
    } catch (error) {
      // A facet that throws is a finding of the law that first needs it.
      found.check(law, () => {
        throw error;
      });
    }
  }
  return { findings: found.list, checked: found.checked };
}
