/** The examples in TypeScript as StableHLO on real XLA: the same numbers, the bytes of the report, no more than XLA's own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { exportSdy } from '../../compiler/index.ts';
import { examples, programOf } from '../dsl/example-programs.ts';
import { type BesideXla, besideXla, expectAsReported } from './beside-xla.ts';
import { hasXla } from './on-xla.ts';

/** XLA takes 10 s of a core to compile a decoder: `SHARDC_XLA_EXAMPLES=all` has them too (npm run test:examples). */
const LONG = /decoder|llama|circular/;
const chosen = examples.filter(
  (x) => x.traced !== undefined && (process.env.SHARDC_XLA_EXAMPLES === 'all' || !LONG.test(x.command)),
);

describe.skipIf(!hasXla())('examples on XLA', () => {
  let results: BesideXla[] = [];
  beforeAll(() => {
    const programs = chosen.map(programOf);
    results = besideXla(programs.map((p) => ({ original: exportSdy(p.source), emitted: p.toStableHLO() })));
  }, 240_000);
  it.each(chosen.map((example, i) => ({ ...example, i })))('$command', ({ i }) => {
    const result = results[i] as BesideXla;
    expect(result.max_rel_error).toBeLessThan(2e-5);
    expect(result.shardc.total).toBeLessThanOrEqual(result.xla.total);
    expectAsReported(result, programOf(chosen[i] as (typeof chosen)[number]).report());
  });
});
