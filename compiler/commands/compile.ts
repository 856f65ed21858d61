/** `shardc FILE`: the whole job, and what it emits. */
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { userError } from '../../ir/diagnostics.ts';
import type { Module, SourceText } from '../../ir/program.ts';
import { printTir } from '../../ir/text/print.ts';
import { suggestion } from '../../ir/text/problems.ts';
import { type CheckMode, runCheck } from '../check.ts';
import { compile, type Compiled } from '../compile.ts';
import { exceeded, type Limit, parseLimit } from '../limits.ts';
import type { Input } from '../load.ts';
import { PIPELINE } from '../pipeline.ts';
import { reductionDrift } from '../reduction-drift.ts';
import { makeReport } from '../report.ts';
import type { ReductionOrder } from '../../runtime-sim/reduction-order.ts';
import { summaryText } from '../summary.ts';
import { compileOptions, type Target, type TargetFlags, targetOf, withTargetOptions } from '../target.ts';
import { EachPassVerifier } from '../verify-each.ts';
import { type Emit, parseEmit, writeEmit } from './emit.ts';
import { collect, guard, integer, load, printDiagnostics } from './guard.ts';

interface Flags extends TargetFlags {
  readonly check: CheckMode;
  readonly seed: number;
  readonly reductionOrder?: ReductionOrder;
  readonly limit: readonly string[];
  readonly emit: readonly string[];
  readonly device?: number;
  readonly stopAfter?: string;
  readonly printAfter: readonly string[];
  readonly verifyEach?: boolean;
  readonly timePasses?: boolean;
}

const EXAMPLES = `
Examples:
  shardc model.mlir                                   the file's own mesh
  shardc model.ts --mesh 32x64 --check off            a model in TypeScript, another mesh, cost only
  shardc model.mlir --emit stablehlo=out.mlir         the per-device program, for XLA
  shardc model.mlir --emit tir                        the per-device program, for people, with reasons
  shardc model.mlir --emit report | jq .wireBytes     figures for a CI job
  shardc model.mlir --limit wire=2GB --limit step=90ms exit code 1 where the program exceeds them
  shardc explain model.mlir %13                       why a value has its layout
  shardc opt model.tir --passes propagate             one pass on text

Exit codes: 0 ok · 1 your program is wrong, over a limit, or the check failed · 2 not supported yet · 70 a bug in shardc`;

export function compileCommand(program: Command): void {
  program.argument(
    '<file>',
    '.tir, .ts, or StableHLO text as jax.jit(f).lower(...).as_text() prints it; - is standard input',
  );
  withTargetOptions(program)
    .addOption(
      new Option('--check <mode>', 'compare with one device on numbers')
        .choices(['auto', 'full', 'shrunk', 'off'])
        .default('auto'),
    )
    .option('--seed <n>', 'seed of the inputs of the check', integer, 0)
    .addOption(
      new Option(
        '--reduction-order <order>',
        'also run in the element types, collectives adding in this order',
      ).choices(['rank', 'ring', 'tree']),
    )
    .option(
      '--limit <figure=bound>',
      'exit 1 above it: wire=1GB, memory=15GiB, step=20ms, all_gather=0; repeatable',
      collect,
      [],
    )
    .option(
      '--emit <kind[=file]>',
      'tir, stablehlo, sdy, report, trace (Perfetto), memory, ops (CSV) or chakra=NAME; repeatable; without a file to standard output',
      collect,
      [],
    )
    .option('--device <n>', 'with --emit tir: the program of this one device', integer)
    .option('--stop-after <pass>', `run the pipeline up to this pass: ${PIPELINE.map((p) => p.name).join(', ')}`)
    .option('--print-after <pass>', 'print the program after this pass, or after all', collect, [])
    .option('--verify-each', 'after every pass: types, text and numbers')
    .option('--time-passes', 'print what each pass took')
    .addHelpText('after', EXAMPLES)
    // Where somebody expects --json, as diff and plan-cost have it.
    .addOption(new Option('--json').hideHelp())
    .on('option:json', () => program.error("error: unknown option '--json'\n(--emit report prints JSON)"))
    .allowExcessArguments()
    .action((file: string, flags: Flags) => {
      refuseOtherWords(program, file);
      return guard(file, (source) => run(source, flags));
    });
}

/** A word that is no file was meant as a command; what follows a file is too much. */
function refuseOtherWords(program: Command, file: string): void {
  if (/^[a-z-]+$/.test(file) && file !== '-' && !existsSync(file)) {
    const near = suggestion(
      file,
      program.commands.map((c) => c.name()),
    );
    program.error(`error: there is no command and no file '${file}'${near === undefined ? '' : `\n(${near})`}`);
  }
  if (program.args.length > 1)
    program.error(`error: too many arguments. Expected 1 argument but got ${program.args.length}.`);
}

function run(source: Input, flags: Flags): void {
  const emits = flags.emit.map(parseEmit);
  const limits = flags.limit.map(parseLimit);
  const target = targetOf(flags, source);
  const started = performance.now();
  const parsed = load(source, flags.mesh);
  const compiled = compileWith(parsed, performance.now() - started, target, flags);
  printDiagnostics(compiled.diagnostics, source);
  if (flags.timePasses === true)
    for (const p of compiled.passes) console.error(`${p.name.padEnd(16)} ${p.ms.toFixed(1).padStart(9)} ms`);
  if (compiled.local === undefined) stopped(compiled, emits, flags);
  else finish(source, compiled, { emits, limits }, target, flags);
}

function compileWith(parsed: Module, parseMs: number, target: Target, flags: Flags): Compiled {
  const names = new Set(flags.printAfter);
  for (const name of names) {
    if (name !== 'all' && !PIPELINE.some((p) => p.name === name))
      throw userError('SH0701', `there is no pass "${name}"`, {
        expected: `all, ${PIPELINE.map((p) => p.name).join(', ')}`,
      });
  }
  let verifier: EachPassVerifier | undefined;
  const result = compile(parsed, {
    ...compileOptions(parsed, target),
    ...(flags.stopAfter === undefined ? {} : { stopAfter: flags.stopAfter }),
    onPass(pass, module) {
      if (names.has('all') || names.has(pass.name))
        process.stdout.write(`// after ${pass.name}\n${printTir(module, { reasons: true })}\n`);
      if (flags.verifyEach !== true) return;
      verifier ??= new EachPassVerifier(parsed, target.registry, flags.seed);
      verifier.after(pass.name, module);
    },
  });
  if (verifier !== undefined)
    console.error(
      `verified after each of ${result.passes.length} passes: types, text${verifier.skipped === undefined ? ', numbers' : `; not numbers: ${verifier.skipped}`}`,
    );
  return { ...result, passes: [{ name: 'parse', ms: parseMs }, ...result.passes] };
}

/** `--stop-after`: what can be printed of a program that is not finished. */
function stopped(compiled: Compiled, emits: readonly Emit[], flags: Flags): void {
  for (const emit of emits) writeEmit(emit, { compiled, report: undefined, costed: undefined, device: flags.device });
  console.error(
    `stopped after ${compiled.passes.at(-1)?.name ?? ''}: the program is at the ${compiled.module.level} level`,
  );
}

function finish(
  source: SourceText,
  compiled: Compiled,
  { emits, limits }: { readonly emits: readonly Emit[]; readonly limits: readonly Limit[] },
  { machine, wish }: Target,
  flags: Flags,
): void {
  const check = runCheck(compiled, flags.check, flags.seed);
  const made = makeReport(compiled, machine, check, wish);
  const { costed } = made;
  const { reductionOrder } = flags;
  const report =
    reductionOrder === undefined
      ? made.report
      : { ...made.report, drift: reductionDrift(compiled, reductionOrder, flags.seed) };
  for (const emit of emits) writeEmit(emit, { compiled, report, costed, device: flags.device });
  if (!emits.some((e) => e.file === undefined) && flags.printAfter.length === 0)
    console.log(summaryText(source.file, report));
  const over = exceeded(limits, report);
  printDiagnostics(over, undefined);
  if (check.verdict === 'failed' || over.length > 0) process.exitCode = 1;
}
