/** What shardc emits runs on real XLA (simulated CPU devices), equals the original on numbers, and moves no more bytes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, exportStablehlo, importStablehlo, machine, makeReport } from '../../compiler/index.ts';

const here = import.meta.dirname;
const python = join(here, '../../.venv/bin/python');
const fixtures = readdirSync(join(here, 'fixtures')).filter((f) => f.endsWith('.mlir'));

interface Metered {
  readonly count: Record<string, number>;
  readonly bytes: Record<string, number>;
  readonly total: number;
}

describe.skipIf(!existsSync(python))('emitted programs on XLA (npm run setup:xla makes the environment)', () => {
  it.each(fixtures)('%s', (name) => {
    const file = join(here, 'fixtures', name);
    const compiled = compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));
    const emitted = join(mkdtempSync(join(tmpdir(), 'shardc-')), name);
    writeFileSync(emitted, exportStablehlo(compiled.source, compiled.module));
    const line = execFileSync(python, [join(here, 'check.py'), file, emitted], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const result = JSON.parse(line) as { max_rel_error: number; xla: Metered; shardc: Metered };
    expect(result.max_rel_error).toBeLessThan(2e-5);
    expect(result.shardc.total).toBeLessThanOrEqual(result.xla.total);
    const { report } = makeReport(compiled, machine('tpu-v5e'), {
      mode: 'off',
      devices: 8,
      maxRelError: null,
      verdict: 'not run',
    });
    expect(Math.abs(report.wireBytes - result.shardc.total)).toBeLessThanOrEqual(1);
    const counts: Record<string, { count: number }> = { ...report.collectives };
    // All are collective-permutes to XLA.
    for (const kind of ['collective_shift', 'device_permute']) {
      const count = (counts[kind]?.count ?? 0) + (counts.collective_permute?.count ?? 0);
      if (counts[kind] !== undefined) counts.collective_permute = { count };
      delete counts[kind];
    }
    for (const [kind, c] of Object.entries(counts)) {
      // XLA's CPU pipeline combines all-reduces of the same group that meet; it never splits one.
      if (kind === 'all_reduce') expect(result.shardc.count[kind]).toBeLessThanOrEqual(c.count);
      else expect(result.shardc.count[kind]).toBe(c.count);
    }
  });
});
