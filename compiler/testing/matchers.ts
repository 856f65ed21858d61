/** Matchers for vitest and jest: `expect.extend(matchers)`. */
import { registry as standard } from '../../ir/ops/index.ts';
import { isCollective, mainFunction, type Module, walkOps } from '../../ir/program.ts';
import { verify } from '../../ir/verify.ts';
import { difference, type EquivalenceOptions } from './equivalence.ts';

interface Verdict {
  readonly pass: boolean;
  message(): string;
}
const verdict = (wrong: string | undefined, otherwise: string): Verdict => ({
  pass: wrong === undefined,
  message: () => wrong ?? otherwise,
});

export const matchers = {
  /** On numbers, at any level each. */
  toComputeLike: (got: Module, want: Module, options: EquivalenceOptions = {}): Verdict =>
    verdict(difference(want, got, options), 'the programs compute the same'),
  /** Types follow from the ops, layouts fit. */
  toBeWellFormed: (got: Module, registry = standard): Verdict =>
    verdict(verify(got, registry)[0]?.message, 'the program is well formed'),
  /** Exactly these collectives: `{ all_reduce: 1 }`. */
  toHaveCollectives(got: Module, want: Readonly<Record<string, number>>): Verdict {
    const found: Record<string, number> = {};
    for (const op of walkOps(mainFunction(got).body)) if (isCollective(op)) found[op.kind] = (found[op.kind] ?? 0) + 1;
    const text = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .sort()
        .map(([k, n]) => `${k} ${n}`)
        .join(', ') || 'none';
    return verdict(
      text(found) === text(want) ? undefined : `collectives: ${text(found)}; expected: ${text(want)}`,
      `collectives: ${text(found)}`,
    );
  },
};
