/** Recognises the reducer region of reduce, scatter and all_reduce as a known monoid. */
import type { Monoid } from '../layout.ts';
import type { Block } from '../program.ts';

const MONOIDS: Readonly<Record<string, Monoid>> = { add: 'sum', multiply: 'prod', maximum: 'max', minimum: 'min', and: 'and', or: 'or' };

/** The monoid of a region of exactly one binary op on its two parameters; null for anything else. */
export function regionMonoid(region: Block | undefined): Monoid | null {
  const [op, end] = region?.ops ?? [];
  if (region === undefined || op === undefined || end?.kind !== 'return' || region.ops.length !== 2 || region.params.length !== 2) return null;
  const onParams = op.operands.length === 2 && region.params.every((p) => op.operands.includes(p)) && op.operands[0] !== op.operands[1];
  return onParams && end.operands[0] === op.results[0] ? (MONOIDS[op.kind] ?? null) : null;
}
