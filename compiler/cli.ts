/** The command line. */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DiagnosticError, exitCode, internalError, render, unsupported, userError } from '../ir/diagnostics.ts';
import type { SourceText } from '../ir/program.ts';
import { exportStablehlo } from '../ir/stablehlo/export.ts';
import { machine as presetMachine, machineNames, parseMachine, type Machine } from '../runtime-sim/cost/machine.ts';
import { compile, type Compiled } from './compile.ts';
import { explainValue } from './explain.ts';
import { parseSource, readSource } from './load.ts';
import { overrideMesh } from './mesh-override.ts';
import { type CheckMode, makeReport, type Report, runCheck } from './report.ts';
import { summaryText } from './summary.ts';

interface Flags {
  readonly mesh?: string;
  readonly check: CheckMode;
  readonly seed: number;
  readonly machine: string;
  readonly emit: readonly string[];
  readonly stopAfter?: string;
  readonly timePasses?: boolean;
}

const EXAMPLES = `
Examples:
  shardc model.mlir                                   the file's own mesh
  shardc model.mlir --mesh 32x64 --check off          another mesh, cost only
  shardc model.mlir --emit stablehlo=out.mlir         the per-device program, for XLA
  shardc model.mlir --emit report | jq .wireBytes     figures for a CI job
  shardc explain model.mlir %13                       why a value has its layout

Exit codes: 0 ok · 1 your program is wrong, or the check failed · 2 not supported yet · 70 a bug in shardc`;

const program = new Command('shardc')
  .description('A sharding compiler: a tensor program for one device and a few annotations in, the verified program of every device out.')
  .argument('<file>', 'StableHLO text, as jax.jit(f).lower(...).as_text() prints it')
  .option('--mesh <sizes>', 'other sizes for the mesh axes: 32x64 by position, x=2,y=4 by name')
  .addOption(new Option('--check <mode>', 'compare with one device on numbers').choices(['auto', 'full', 'shrunk', 'off']).default('auto'))
  .option('--seed <n>', 'seed of the inputs of the check', integer, 0)
  .option('--machine <name|file>', `one of ${machineNames().join(', ')}, or a JSON file`, 'tpu-v5e')
  .option('--emit <kind[=file]>', 'stablehlo or report; repeatable; without a file to standard output', collect, [])
  .option('--stop-after <pass>', 'run the pipeline up to this pass')
  .option('--time-passes', 'print what each pass took')
  .addHelpText('after', EXAMPLES)
  .action((file: string, flags: Flags) => guard(file, (source) => main(source, flags)));

program.command('explain').description('why a value has its layout, back to the annotation')
  .argument('<file>').argument('<value>', 'its name in the file, as %13')
  .option('--mesh <sizes>')
  .action((file: string, value: string, flags: { mesh?: string }) => guard(file, (source) => {
    const parsed = parseSource(source);
    const compiled = compile(flags.mesh === undefined ? parsed : overrideMesh(parsed, flags.mesh), { stopAfter: 'propagate' });
    console.log(explainValue(compiled, value));
  }));

program.parse();

function main(source: SourceText, flags: Flags): void {
  const started = performance.now();
  const parsed = parseSource(source);
  const parseMs = performance.now() - started;
  const machine = loadMachine(flags.machine);
  const emits = flags.emit.map(parseEmit);
  const result = compile(flags.mesh === undefined ? parsed : overrideMesh(parsed, flags.mesh), flags.stopAfter === undefined ? {} : { stopAfter: flags.stopAfter });
  const compiled: Compiled = { ...result, passes: [{ name: 'parse', ms: parseMs }, ...result.passes] };
  if (flags.timePasses === true) for (const p of compiled.passes) console.error(`${p.name.padEnd(16)} ${p.ms.toFixed(1).padStart(9)} ms`);
  if (compiled.module.level !== 'local') {
    console.error(`stopped after ${flags.stopAfter ?? ''}`);
    return;
  }
  const check = runCheck(compiled, flags.check, flags.seed);
  const { report, cost } = makeReport(compiled, machine, check);
  for (const emit of emits) write(emit, compiled, report);
  if (!emits.some((e) => e.file === undefined)) console.log(summaryText(source.file, report, cost));
  if (check.verdict === 'failed') process.exitCode = 1;
}

interface Emit {
  readonly kind: 'stablehlo' | 'report';
  readonly file: string | undefined;
}

function parseEmit(text: string): Emit {
  const at = text.indexOf('=');
  const [kind, file] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (kind === 'tir' || kind === 'sdy') throw unsupported(`--emit ${kind}`);
  if (kind !== 'stablehlo' && kind !== 'report') throw userError('SH0704', `--emit does not know "${kind}"`, { expected: 'stablehlo or report' });
  return { kind, file };
}

function write(emit: Emit, compiled: Compiled, report: Report): void {
  const text = emit.kind === 'stablehlo' ? exportStablehlo(compiled.source, compiled.module) : `${JSON.stringify(report, null, 2)}\n`;
  if (emit.file === undefined) process.stdout.write(text);
  else writeFileSync(emit.file, text);
}

function loadMachine(name: string): Machine {
  if (!name.endsWith('.json')) return presetMachine(name);
  const { text } = readSource(name);
  try {
    return parseMachine(JSON.parse(text), name);
  } catch (error) {
    if (error instanceof SyntaxError) throw userError('SH0803', `${name} is not JSON: ${error.message}`);
    throw error;
  }
}

/** Runs, and turns whatever goes wrong into diagnostics and an exit code. */
function guard(file: string, run: (source: SourceText) => void): void {
  let source: SourceText | undefined;
  try {
    source = readSource(file);
    run(source);
  } catch (error) {
    if (process.env.SHARDC_DEBUG === '1') throw error;
    const { diagnostics } = error instanceof DiagnosticError ? error : internalError(error instanceof Error ? error.message : String(error), { help: 'this is a bug in shardc; SHARDC_DEBUG=1 shows where' });
    for (const d of diagnostics) console.error(render(d, source));
    process.exitCode = exitCode(diagnostics);
  }
}

function integer(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('a whole number');
  return n;
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

