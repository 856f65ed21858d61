/**
 * The fuzzer in the test suite: 2,000 programs, in shards that vitest runs side by side, and no more of them than fit in two
 * minutes.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printTir } from '../../ir/text/print.ts';
import { runCase, STREAMS } from './run-case.ts';

/** SHARDC_FUZZ=20000 runs more of the same seeds. */
const CASES = Number(process.env.SHARDC_FUZZ ?? 2000);
/** Test files that call `fuzzShard`, each with a number of its own. */
const SHARDS = 2;

/** One test: a shard's programs, its seed from its number. */
export function fuzzShard(shard: number): void {
  const cases = Math.ceil(CASES / SHARDS);
  it(`${cases} programs, shard ${shard} of ${SHARDS}`, { timeout: 300_000 }, () => {
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
      { numRuns: cases, seed: 2026 + shard, interruptAfterTimeLimit: 110_000 },
    );
    expect(ran).toBeGreaterThan(cases / 8);
    expect(communicating).toBeGreaterThan(0.8 * ran);
    expect(uneven).toBeGreaterThan(0.3 * ran);
    expect(refused).toBeLessThan(0.02 * ran);
  });
}
