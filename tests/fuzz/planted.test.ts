/** Random programs, meshes and layouts: every level computes what one device computes. No more than fit in two minutes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyOpDef } from '../../ir/op.ts';
import { registry } from '../../ir/ops/index.ts';
import { printTir } from '../../ir/text/print.ts';
import { runCase, STREAMS } from './run-case.ts';

/** SHARDC_FUZZ=2000 runs more of the same seed. */
const CASES = Number(process.env.SHARDC_FUZZ ?? 600);

it(`${CASES} programs`, { timeout: 300_000 }, () => {
  let ran = 0;
  let communicating = 0;
  let uneven = 0;
  let refused = 0;
  fc.assert(
    fc.property(STREAMS, (stream) => {
      const outcome = runCase(stream);
      ran++;
      communicating += Number(outcome.communicates);
      uneven += Number(outcome.uneven);
      refused += Number(outcome.refused !== undefined);
      if (outcome.failure !== undefined) throw new Error(`${outcome.failure}\n${printTir(outcome.module)}`);
    }),
    { numRuns: CASES, seed: 20_26, interruptAfterTimeLimit: 110_000 },
  );
  expect(ran).toBeGreaterThan(CASES / 8);
  expect(communicating).toBeGreaterThan(0.7 * ran);
  expect(uneven).toBeGreaterThan(0.3 * ran);
  expect(refused).toBeLessThan(0.02 * ran);
});

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
  it('a shard sorts on its own', () => {
    const rule = registry.sort as AnyOpDef;
    const factors: AnyOpDef['factors'] = (view) => {
      const right = rule.factors(view);
      return { ...right, factors: right.factors.map(({ size }) => ({ size, kind: 'pass' })) };
    };
    expect(found('sort', { factors })).toMatch(/differs/);
  });
});
