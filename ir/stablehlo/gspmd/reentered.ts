/**
 * What enters after something has left, into values that went in before: a region for each time, from what then leaves
 * back to what entered for it.
 *
 *   %1 = enter %a;  %2 = tanh %1;  %3 = leave %2;  %4 = enter (exponential %3);  %5 = leave (multiply %1, %4)
 *   →  { tanh } of %a, and { multiply } of %a and %4: %a enters twice
 */
import { unsupported } from '../../diagnostics.ts';
import { type Op, readsOf, type ValueId } from '../../program.ts';

export interface Crossings {
  readonly ops: readonly Op[];
  readonly maker: ReadonlyMap<ValueId, number>;
  isEntry(op: Op): boolean;
  isExit(op: Op): boolean;
}

/** Members of every region, in order; an op that several need is in each. */
export function separated(members: readonly number[], at: Crossings): readonly (readonly number[])[] {
  const times = exitsBefore(at);
  const exits = new Map<number, number[]>();
  for (const i of members)
    if (at.isExit(at.ops[i] as Op)) exits.set(times[i] as number, [...(exits.get(times[i] as number) ?? []), i]);
  const inside = new Set(members);
  const regions = [...exits.values()].map((ends) => behind(ends, inside, at));
  for (const i of members) expectOnce(at.ops[i] as Op, regions.filter((r) => r.includes(i)).length);
  return regions;
}

/** Per op, how many times one after another something has left before it. */
function exitsBefore({ ops, maker, isExit }: Crossings): readonly number[] {
  const times: number[] = [];
  for (const op of ops) {
    const known = readsOf(op).map((v) => {
      const made = maker.get(v);
      return made === undefined ? 0 : (times[made] ?? 0) + (isExit(ops[made] as Op) ? 1 : 0);
    });
    times.push(known.reduce((a, b) => Math.max(a, b), 0));
  }
  return times;
}

function behind(ends: readonly number[], inside: ReadonlySet<number>, at: Crossings): number[] {
  const found = new Set(ends);
  const stack = [...ends];
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const op = at.ops[i] as Op;
    if (at.isEntry(op)) continue;
    for (const v of readsOf(op)) {
      const made = at.maker.get(v);
      if (made === undefined || !inside.has(made) || found.has(made) || at.isExit(at.ops[made] as Op)) continue;
      found.add(made);
      stack.push(made);
    }
  }
  return [...found].sort((a, b) => a - b);
}

const EFFECTS: ReadonlySet<string> = new Set(['infeed', 'outfeed', 'recv', 'rng', 'send']);

/** What does more than give its results is done once. */
function expectOnce(op: Op, times: number): void {
  const effect = EFFECTS.has(op.kind) || /has_side_effect = true/.test(String(op.attrs.verbatim ?? ''));
  if (effect && times !== 1)
    throw unsupported(`${op.kind} between shards that are entered more than once`, { span: op.origin.span });
}
