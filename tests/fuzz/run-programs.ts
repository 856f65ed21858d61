/** The fuzzer in the test suite: 2,000 programs, in shards that vitest runs side by side, all of them within two minutes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundled } from '../bundled.ts';
import type { Ran } from './shard.ts';

/** SHARDC_FUZZ=20000 runs more of the same seeds. */
const CASES = Number(process.env.SHARDC_FUZZ ?? 2000);
/** Test files that call `fuzzShard`, each with a number of its own. */
const SHARDS = 2;

/** One test: a shard's programs, its seed from its number. */
export function fuzzShard(shard: number): void {
  const cases = Math.ceil(CASES / SHARDS);
  it(`${cases} programs, shard ${shard} of ${SHARDS}`, { timeout: 300_000 }, async () => {
    const args = [bundled('tests/fuzz/shard.ts'), String(cases), String(2026 + shard)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: 'utf8' });
    const { ran, communicating, uneven, refused } = JSON.parse(stdout) as Ran;
    expect(ran).toBe(cases);
    expect(communicating).toBeGreaterThan(0.8 * ran);
    expect(uneven).toBeGreaterThan(0.3 * ran);
    expect(refused).toBeLessThan(0.02 * ran);
  });
}
