/** All laws on one example of one op. */
import type { AnyOpDef, Registry } from '../../ir/op.ts';
import { checkLinearity } from './checks/linearity.ts';
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

/** `def` stands for `registry[def.kind]`: a definition can be tried before it is registered. */
export function checkLaws(def: AnyOpDef, registry: Registry, example: OpExample): LawReport {
  const found = new Findings(def.kind, example.name);
  const ctx: LawContext = { def, registry: { ...registry, [def.kind]: def }, example };
  for (const check of [checkTypes, checkRule, checkPartition, checkLinearity, checkRoundTrip])
    check(ctx, found);
  return { findings: found.list, checked: found.checked };
}
