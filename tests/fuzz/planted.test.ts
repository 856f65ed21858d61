/** Wrong facets planted in the compiler's registry are found by random programs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyOpDef } from '../../ir/op.ts';
import { registry } from '../../ir/ops/index.ts';
import { runCase, STREAMS } from './run-case.ts';

describe('a wrong facet is found', () => {
  const found = (kind: string, facets: Partial<AnyOpDef>): string => {
    const wrong = { ...registry, [kind]: { ...registry[kind], ...facets } as AnyOpDef };
    const check = fc.check(
      fc.property(STREAMS, (stream) => runCase(stream, wrong).failure === undefined),
      { numRuns: 1500, seed: 7, endOnFailure: true },
    );
    return check.counterexample === null ? 'nothing' : (runCase(check.counterexample[0], wrong).failure ?? 'nothing');
  };

  it('partial products are combined by max', () => {
    expect(found('dot_general', { combiner: () => 'max' })).toMatch(/differs/);
  });
  it('what is no part of a sum is added on every shard', () => {
    expect(found('add', { linearity: () => [[0], [1], [0, 1]] })).toMatch(/differs/);
  });
});
