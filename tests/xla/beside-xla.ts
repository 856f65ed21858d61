/** Emitted programs on real XLA (simulated CPU devices) beside XLA's own partitioning of what they were made of. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Report } from '../../compiler/index.ts';

const here = import.meta.dirname;
const python = join(here, '../../.venv/bin/python');

/** What one device moves, by kind of collective. */
interface Metered {
  readonly count: Record<string, number>;
  readonly bytes: Record<string, number>;
  readonly total: number;
}

export interface BesideXla {
  readonly max_rel_error: number;
  readonly xla: Metered;
  readonly shardc: Metered;
}

/** Both as StableHLO. One Python process for all. */
export function besideXla(pairs: readonly { readonly original: string; readonly emitted: string }[]): BesideXla[] {
  const folder = mkdtempSync(join(tmpdir(), 'shardc-'));
  const files = pairs.flatMap(({ original, emitted }, i) =>
    [original, emitted].map((text, which) => {
      const file = join(folder, `${i}.${which}.mlir`);
      writeFileSync(file, text);
      return file;
    }),
  );
  const lines = execFileSync(python, [join(here, 'check.py'), ...files], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BesideXla);
}

/** XLA's optimised program moves what the report says. */
export function expectAsReported({ shardc }: BesideXla, report: Report): void {
  expect(Math.abs(report.wireBytes - shardc.total)).toBeLessThanOrEqual(1);
  const counts: Record<string, { count: number }> = { ...report.collectives };
  // All are collective-permutes to XLA.
  for (const kind of ['collective_shift', 'device_permute']) {
    const count = (counts[kind]?.count ?? 0) + (counts.collective_permute?.count ?? 0);
    if (counts[kind] !== undefined) counts.collective_permute = { count };
    delete counts[kind];
  }
  for (const [kind, c] of Object.entries(counts)) {
    // XLA's CPU pipeline combines all-reduces of the same group that meet; it never splits one.
    if (kind === 'all_reduce') expect(shardc.count[kind]).toBeLessThanOrEqual(c.count);
    else expect(shardc.count[kind]).toBe(c.count);
  }
}
