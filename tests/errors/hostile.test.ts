/** Damaged programs are refused with diagnostics, or still compile: no other error, no stack trace, no hang. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, DiagnosticError } from '../../compiler/index.ts';
import { parseSource } from '../../compiler/load.ts';
import { render } from '../../ir/diagnostics.ts';
import { Random } from '../../runtime-sim/random.ts';
import { mutated } from './mutations.ts';

const PROGRAMS = [
  'examples/block.tir',
  'examples/mlp.mlir',
  'tests/xla/fixtures/argmax.mlir',
  'tests/xla/fixtures/conv_grad.mlir',
  'tests/xla/fixtures/embedding.mlir',
];
const PER_PROGRAM = Number(process.env.SHARDC_MUTANTS ?? 200);
const LONGEST_MS = 10_000;

/** What a damaged program comes to: its diagnostics as a user reads them, or undefined where it compiles. */
function told(file: string, text: string): string | undefined {
  try {
    compile(parseSource({ file, text }));
    return undefined;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.length).toBeGreaterThan(0);
    for (const d of error.diagnostics) {
      expect(d.cause).not.toBe('internal');
      expect(d.message.length).toBeGreaterThan(5);
    }
    return error.diagnostics.map((d) => render(d, { file, text })).join('\n');
  }
}

describe(`${PER_PROGRAM} damaged copies of each program`, () => {
  it.each(PROGRAMS)('%s', { timeout: 300_000 }, (file) => {
    const good = readFileSync(file, 'utf8');
    expect(told(file, good)).toBeUndefined();
    let refused = 0;
    for (let seed = 0; seed < PER_PROGRAM; seed++) {
      const text = mutated(good, new Random(seed));
      const started = performance.now();
      try {
        refused += told(file, text) === undefined ? 0 : 1;
      } catch (error) {
        throw new Error(
          `mutant ${seed} of ${file}: ${error instanceof Error ? error.stack : error}\n${text.slice(0, 4000)}`,
        );
      }
      expect(performance.now() - started, `mutant ${seed}`).toBeLessThan(LONGEST_MS);
    }
    expect(refused).toBeGreaterThan(PER_PROGRAM / 2);
  });
});

describe('too much of it', () => {
  it.each<[string, string, string, RegExp]>([
    ['200 MB of brackets', 'a.mlir', `module @m {${'('.repeat(2e8)}`, /SH0006/],
    ['200 MB of tokens', 'a.tir', '[ '.repeat(1e8), /SH0006/],
    ['one word of 200 MB', 'a.mlir', 'x'.repeat(2e8), /SH0102/],
    ['a list 100,000 deep', 'a.tir', `func @f(%a: f32[2]) { %b = add ${'['.repeat(1e5)}`, /SH0104/],
    ['20,000 mistakes', 'a.tir', `func @f(%a: f32[2]) {\n${'%b = foo %zz\n'.repeat(2e4)} return %a }`, /SH0202/],
  ])('%s', { timeout: 60_000 }, (_, file, text, expected) => {
    // Of this process: what else the machine does while 200 MB are read is not the reader's.
    const started = process.cpuUsage();
    expect(told(file, text)).toMatch(expected);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(LONGEST_MS);
  });
});
