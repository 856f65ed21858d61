/**
 * Text fixtures. A file holds a program and what passes make of it:
 *
 *   // test: propagate, insert-reshards     passes to run, or `compile` for all; nothing: parse and print
 *   // mesh: x=2,y=4                        other sizes than the file's
 *   // numbers                              the result computes what the program does
 *   module @m …
 *   // ---- expect
 *   …                                       the printed result, or CHECK lines instead
 *
 * `// error: SH0210 some words` at the end of a line: that line is refused so, and no other.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, DiagnosticError, position, render, userError } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import type { Module } from '../../ir/program.ts';
import { printTir } from '../../ir/text/print.ts';
import { verify } from '../../ir/verify.ts';
import type { Pass } from '../../passes/pass.ts';
import { parseSource } from '../load.ts';
import { overrideMesh } from '../mesh-override.ts';
import { passContext, passNamed, PIPELINE } from '../pipeline.ts';
import { difference } from './equivalence.ts';
import { fileCheck, hasDirectives } from './file-check.ts';

export interface FixtureOptions {
  /** Beside the compiler's own. */
  readonly passes?: readonly Pass[];
  readonly registry?: Registry;
  /** Write what comes out as what is expected. Default: the environment's BLESS=1. */
  readonly bless?: boolean;
}

export interface FixtureResult {
  readonly file: string;
  /** Undefined: as expected. */
  readonly wrong: string | undefined;
  readonly blessed: boolean;
}

const EXPECT = /^\/\/ ----+ expect[^\n]*\n?/m;

/** Every .tir and .mlir file of a folder and those below it. */
export function fixturesIn(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw userError('SH0001', `there is no folder ${folder}`, { help: 'check the path' });
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.(tir|mlir)$/.test(f))
    .map((f) => join(folder, f))
    .filter((f) => statSync(f).isFile())
    .sort();
}

export function runFixture(file: string, options: FixtureOptions = {}): FixtureResult {
  const { bless = process.env.BLESS === '1' } = options;
  const text = readFileSync(file, 'utf8');
  const cut = EXPECT.exec(text);
  const program = cut === null ? text : text.slice(0, cut.index);
  const expected = cut === null ? undefined : text.slice(cut.index + cut[0].length);
  const outcome = outcomeOf(file, program, options);
  const errors = wantedErrors(program);
  if (errors.length > 0) return { file, wrong: errorsDiffer(errors, outcome.diagnostics, program), blessed: false };
  if (outcome.output === undefined)
    return {
      file,
      wrong: outcome.diagnostics.map((d) => render(d, { file, text: program })).join('\n'),
      blessed: false,
    };
  if (hasDirectives(program))
    return { file, wrong: fileCheck(program, outcome.output) ?? outcome.wrong, blessed: false };
  if (outcome.wrong !== undefined) return { file, wrong: outcome.wrong, blessed: false };
  if (expected?.trim() === outcome.output.trim()) return { file, wrong: undefined, blessed: false };
  if (bless) {
    writeFileSync(file, `${program.trimEnd()}\n\n// ---- expect\n${outcome.output}`);
    return { file, wrong: undefined, blessed: true };
  }
  const wrong =
    expected === undefined
      ? 'nothing is expected yet: BLESS=1 writes what comes out'
      : firstDifference(expected, outcome.output);
  return { file, wrong, blessed: false };
}

interface Outcome {
  readonly output: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly wrong?: string | undefined;
}

function outcomeOf(file: string, program: string, options: FixtureOptions): Outcome {
  const registry = { ...standard, ...options.registry };
  const diagnostics: Diagnostic[] = [];
  try {
    const parsed = parseSource({ file, text: program }, registry);
    const mesh = header(program, 'mesh');
    const source = mesh === undefined ? parsed : overrideMesh(parsed, mesh);
    const mistakes = verify(source, registry);
    if (mistakes.length > 0) throw new DiagnosticError(mistakes);
    const ctx = passContext(registry, (d) => diagnostics.push(d));
    let module: Module = source;
    for (const pass of passesOf(program, options.passes ?? [])) module = pass.run(module, ctx);
    const wrong = /^\/\/ numbers\s*$/m.test(program) ? difference(source, module, { registry }) : undefined;
    return { output: printTir(module), diagnostics, wrong };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return { output: undefined, diagnostics: error.diagnostics };
  }
}

/** `// mesh: x=2,y=4` before the program. */
const header = (text: string, name: string): string | undefined =>
  new RegExp(`^// ${name}:\\s*(.*?)\\s*$`, 'm').exec(text)?.[1];

function passesOf(program: string, own: readonly Pass[]): readonly Pass[] {
  const names =
    header(program, 'test')
      ?.split(/[,\s]+/)
      .filter((n) => n !== '') ?? [];
  return names.flatMap((n) => (n === 'compile' ? PIPELINE : [own.find((p) => p.name === n) ?? passNamed(n)]));
}

interface WantedError {
  readonly line: number;
  readonly text: string;
}

function wantedErrors(program: string): WantedError[] {
  return program.split('\n').flatMap((line, i) => {
    const [, text] = /\/\/ error:\s*(.*?)\s*$/.exec(line) ?? [];
    return text === undefined ? [] : [{ line: i + 1, text }];
  });
}

function errorsDiffer(wanted: readonly WantedError[], got: readonly Diagnostic[], program: string): string | undefined {
  const source = { file: '', text: program };
  const told = got
    .filter((d) => d.severity === 'error')
    .map((d) => ({
      line: d.span === undefined ? 0 : position(source, d.span.start).line,
      text: `${d.code} ${d.message}`,
    }));
  const matches = (w: WantedError, t: (typeof told)[number]): boolean => {
    const [code = '', ...words] = w.text.split(' ');
    return t.line === w.line && t.text.startsWith(code) && t.text.includes(words.join(' '));
  };
  const missing = wanted
    .filter((w) => !told.some((t) => matches(w, t)))
    .map((w) => `line ${w.line}: not told: ${w.text}`);
  const extra = told.filter((t) => !wanted.some((w) => matches(w, t))).map((t) => `line ${t.line}: told: ${t.text}`);
  return missing.length + extra.length === 0 ? undefined : [...missing, ...extra].join('\n');
}

function firstDifference(expected: string, got: string): string {
  const [a, b] = [expected.trim().split('\n'), got.trim().split('\n')];
  const at = Math.max(
    0,
    b.findIndex((line, i) => line !== a[i]),
  );
  return `line ${at + 1} of the result\n  expected: ${a[at] ?? '(the end)'}\n  got:      ${b[at] ?? '(the end)'}`;
}
