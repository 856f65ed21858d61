/** Commands on absurd questions, names of passes, fixtures and pairs of programs: an answer or diagnostics, in time. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runPasses } from '../../compiler/commands/opt.ts';
import { runCheck } from '../../compiler/check.ts';
import { compile } from '../../compiler/compile.ts';
import { difference } from '../../compiler/difference.ts';
import { explainCode } from '../../compiler/explain-code.ts';
import { explainValue } from '../../compiler/explain.ts';
import { parseSource } from '../../compiler/load.ts';
import { DEFAULT_MACHINE, passNamed } from '../../compiler/pipeline.ts';
import { makeReport } from '../../compiler/report.ts';
import { readReport } from '../../compiler/report-file.ts';
import { fixturesIn, runFixture } from '../../compiler/testing/fixtures.ts';
import { minimize } from '../../compiler/testing/minimize.ts';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Module } from '../../ir/program.ts';
import { perDevice } from '../../ir/stablehlo/per-device.ts';
import { verify } from '../../ir/verify.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';
import { machine } from '../../runtime-sim/machine/machine.ts';
import { Random } from '../../runtime-sim/random.ts';
import { mutated } from './mutations.ts';

const MUTANTS = Number(process.env.SHARDC_MUTANTS ?? 40);
const LONGEST_MS = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'shardc-hostile-'));
const MLP = 'examples/mlp.mlir';
const parsed = parseSource({ file: MLP, text: readFileSync(MLP, 'utf8') });
const compiled = compile(parsed);

/** Codes of what is refused; nothing where there is an answer. */
function told(run: () => unknown): string[] {
  const started = performance.now();
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.length).toBeGreaterThan(0);
    for (const d of error.diagnostics) expect(d.cause, d.message).not.toBe('internal');
    return error.diagnostics.map((d) => d.code);
  } finally {
    expect(performance.now() - started).toBeLessThan(LONGEST_MS);
  }
}

const each = (run: (seed: number, random: Random) => readonly string[]): string[] =>
  Array.from({ length: MUTANTS }, (_, seed) => {
    try {
      return run(seed, new Random(seed));
    } catch (error) {
      throw new Error(`mutant ${seed}: ${error instanceof Error ? error.stack : error}`);
    }
  }).flat();

describe('explain', () => {
  const QUESTIONS = ['', '%', '__proto__', '%constructor', ':', ':0', ':-1', ':99999999999999999999', 'a.py:', ':1e3'];
  it.each([...QUESTIONS, 'x'.repeat(1e5), '\u0000', "params['", '[[[', '.*', `${'a:'.repeat(1e4)}1`])(
    '%#',
    (question) => {
      expect(told(() => explainValue(compiled, question))).toEqual(['SH0703']);
    },
  );
  it.each(['SH9999', 'SH0000', '__proto__', 'constructor', 'toString'])('the code %s', (code) => {
    expect(told(() => explainCode(code))).toEqual(['SH0715']);
  });
});

describe('opt', () => {
  const run = (names: readonly string[]): unknown => runPasses(parsed, names.map(passNamed));
  it.each<[string[], string]>([
    [['__proto__'], 'SH0701'],
    [['constructor', 'propagate'], 'SH0701'],
    [['propagate '], 'SH0701'],
    [['x'.repeat(1e5)], 'SH0701'],
    [['schedule'], 'SH0708'],
    [['propagate', 'propagate'], 'SH0708'],
    [['split-constants', 'localize'], 'SH0708'],
  ])('%#', (names, code) => expect(told(() => run(names))).toEqual([code]));
});

describe('test', () => {
  const GOOD = `// test: propagate
// mesh: x=4
// numbers
module @m
mesh @mesh {x=2}
func @main(%a: f32[8, 16] @{x, _}, %w: f32[16, 4]) {
  %y = matmul %a, %w
  return %y // error: SH0210 words
}
// CHECK-LABEL: func
// CHECK: %y = {{.*}}
// CHECK-NEXT: [[NAME:.+]]
// ---- expect
module @m
`;
  it(`${MUTANTS} damaged copies of a fixture`, { timeout: 60_000 }, () => {
    each((seed, random) => {
      const file = join(folder, `f${seed}.tir`);
      writeFileSync(file, mutated(GOOD, random));
      return told(() => runFixture(file, { bless: false }));
    });
    expect(fixturesIn(folder)).toHaveLength(MUTANTS);
  });
  it.each<[string, string]>([
    ['a pattern that does not parse', '// CHECK: {{[}}'],
    ['a name that is none', '// CHECK: [[1a:.*]]'],
    ['a name of every object', '// CHECK: [[__proto__:.*]] [[__proto__]]'],
    ['a name twice', '// CHECK: [[A:.*]] [[A:.*]]'],
    ['no such pass', '// test: constructor'],
    ['no such mesh', '// mesh: x=99999999999999999999'],
    ['a mesh of a name of every object', '// mesh: __proto__=2'],
  ])('%s', (name, line) => {
    const file = join(mkdtempSync(join(folder, 'one-')), `${name.replaceAll(' ', '-')}.tir`);
    writeFileSync(file, `${line}\n${GOOD.replace('// mesh: x=4\n', '').replace(' // error: SH0210 words', '')}`);
    expect(runFixture(file, { bless: false }).wrong).toBeTypeOf('string');
  });
  it('no such folder', () => expect(told(() => fixturesIn(join(folder, 'nothing')))).toEqual(['SH0001']));
});

describe('two programs', () => {
  const text = readFileSync(MLP, 'utf8');
  it(`check: ${MUTANTS} damaged per-device programs, and origins`, { timeout: 120_000 }, () => {
    const local = compiled.module;
    const codes = each((_, random) =>
      told(() => {
        const whole = parseSource({ file: MLP, text: mutated(text, random) });
        const mistakes = verify(whole, registry);
        if (mistakes.length > 0) throw new DiagnosticError(mistakes);
        const device = perDevice(whole) ?? compile(whole).module;
        findDeadlocks(device, registry);
        checkEquivalence({ whole, local, registry, seed: 1 });
      }),
    );
    expect(codes.length).toBeGreaterThan(MUTANTS / 3);
  });
  it(`diff: ${MUTANTS} damaged reports`, () => {
    const { report } = makeReport(compiled, machine(DEFAULT_MACHINE), runCheck(compiled, 'off', 0));
    const whole = JSON.stringify(report, null, 1);
    const codes = each((_, random) =>
      told(() => {
        const read = readReport({ file: 'r.json', text: mutated(whole, random) });
        // What does not begin as JSON is a program.
        if (read === undefined) return;
        for (const found of [difference(read, report), difference(report, read)])
          expect(JSON.stringify(found), 'null is what JSON makes of NaN').not.toContain('null');
      }),
    );
    expect(new Set(codes)).toContain('SH0713');
  });
  it('diff: reports of absurd figures', () => {
    const report = (figure: number, name: string): string =>
      JSON.stringify({
        mesh: { [name]: 2 },
        machine: name,
        wireBytes: figure,
        flops: figure,
        peakMemoryBytes: 0,
        stepSeconds: figure,
        collectives: { [name]: { count: figure, bytes: figure } },
        layouts: { arguments: [{ name, type: name, layout: name }], results: [] },
        timeBySource: [{ place: name, wireBytes: figure }],
      });
    const figures = [0, 1e308, 5e-324, 2 ** 62];
    for (const name of ['__proto__', 'constructor', 'toString', ''])
      for (const figure of figures) {
        const [a, b] = [report(figure, name), report(1, 'x')].map((json) => readReport({ file: 'r.json', text: json }));
        if (a === undefined || b === undefined) throw new Error('a report was read as a program');
        for (const found of [difference(a, b), difference(b, a)])
          expect(found.figures.find((f) => f.name === 'wire')).toMatchObject(
            found.figures.length === 0 ? {} : { name: 'wire' },
          );
      }
  });
});

describe('minimize', () => {
  it('a test that throws, always fails or never does', { timeout: 60_000 }, () => {
    expect(minimize(parsed, () => false)).toBe(parsed);
    const bad = minimize(parsed, () => {
      throw new Error('no');
    });
    expect(bad).toBe(parsed);
    const least = minimize(parsed, (m) => verify(m, registry).length === 0);
    expect(least.functions[0]?.body.ops.length).toBeLessThanOrEqual(2);
  });
  it('damaged programs, by the codes that they are refused with', { timeout: 120_000 }, () => {
    const text = readFileSync(MLP, 'utf8');
    const codesOf = (module: Module): string => told(() => compile(module)).join();
    let shrunk = 0;
    for (let seed = 0; seed < MUTANTS; seed++) {
      const started = performance.now();
      told(() => {
        const whole = parseSource({ file: MLP, text: mutated(text, new Random(seed)) });
        const codes = codesOf(whole);
        const until = performance.now() + LONGEST_MS / 4;
        const least = minimize(whole, (m) => performance.now() < until && codesOf(m) === codes);
        expect(codesOf(least), `mutant ${seed}`).toBe(codes);
        shrunk++;
      });
      expect(performance.now() - started, `mutant ${seed}`).toBeLessThan(LONGEST_MS);
    }
    expect(shrunk, 'most are refused when they are read').toBeGreaterThan(0);
  });
  it('a program without results', () => {
    const empty = parseSource({
      file: 'e.tir',
      text: 'module @m\nmesh @mesh {x=2}\nfunc @main(%a: f32[2]) {\n  return\n}\n',
    });
    expect(told(() => minimize(empty, () => true))).toEqual([]);
  });
});
