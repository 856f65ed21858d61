/** What shardc emits runs on real XLA (simulated CPU devices), equals the original on numbers, and moves no more bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Compiled, compile, exportStablehlo, importStablehlo, machine, makeReport } from '../../compiler/index.ts';
import { type BesideXla, besideXla, expectAsReported } from './beside-xla.ts';
import { hasXla } from './on-xla.ts';

const here = join(import.meta.dirname, 'fixtures');
const fixtures = readdirSync(here).filter((f) => f.endsWith('.mlir'));

describe.skipIf(!hasXla())('emitted programs on XLA (npm run setup:xla makes the environment)', () => {
  let compiled: Compiled[] = [];
  let results: BesideXla[] = [];
  beforeAll(() => {
    const originals = fixtures.map((name) => readFileSync(join(here, name), 'utf8'));
    compiled = originals.map((text, i) => compile(importStablehlo({ file: fixtures[i] as string, text })));
    const emitted = compiled.map((c) => exportStablehlo(c.source, c.module));
    results = besideXla(originals.map((original, i) => ({ original, emitted: emitted[i] as string })));
  }, 300_000);

  it.each(fixtures.map((name, i) => ({ name, i })))('$name', ({ i }) => {
    const result = results[i] as BesideXla;
    expect(result.max_rel_error).toBeLessThan(2e-5);
    expect(result.shardc.total).toBeLessThanOrEqual(result.xla.total);
    const { report } = makeReport(compiled[i] as Compiled, machine('tpu-v5e'), {
      mode: 'off',
      devices: 8,
      maxRelError: null,
      verdict: 'not run',
    });
    expectAsReported(result, report);
  });
});
