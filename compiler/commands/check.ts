/** `shardc check`: is a per-device program free of deadlock, and does it compute what another program computes? */
import type { Command } from 'commander';
import { DiagnosticError, userError } from '../../ir/diagnostics.ts';
import { registry } from '../../ir/ops/index.ts';
import { mainFunction, type Module } from '../../ir/program.ts';
import { perDevice } from '../../ir/stablehlo/per-device.ts';
import { verify } from '../../ir/verify.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';
import { compile } from '../compile.ts';
import { parseSource } from '../load.ts';
import { guard, integer, load } from './guard.ts';

const HELP = `
A per-device program is .tir at the local level, StableHLO as shardc emits it, or StableHLO whose @main holds the
collectives. Any other program is compiled first.

Examples:
  shardc check out.mlir                          groups, pairs, and that all devices get to every collective
  shardc check out.mlir --against model.mlir     and on numbers: the same as the program it was made from`;

export function checkCommand(program: Command): void {
  program
    .command('check')
    .description('look for deadlocks in a per-device program; compare it with its origin on numbers')
    .argument('<file>', '.tir or StableHLO; - is standard input')
    .option('--against <file>', 'the one-device program that it should compute')
    .option('--seed <n>', 'of the numbers', integer, 1)
    .option('--mesh <sizes>', 'as in shardc FILE')
    .addHelpText('after', HELP)
    .action((file: string, flags: { against?: string; seed: number; mesh?: string }) =>
      guard(file, async (source) => {
        const given = load(source, flags.mesh);
        const local = perDevice(given) ?? compile(given).module;
        const { diagnostics, collectives, devices } = findDeadlocks(local, registry);
        if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
        console.log(`no deadlock  ${collectives} collectives on ${devices} devices, each reached by all that it joins`);
        const { against } = flags;
        if (against !== undefined) await guard(against, (origin) => compare(parseSource(origin), local, flags.seed));
      }),
    );
}

/** One was not made from the other where they differ in what they take or give. */
function expectSameSignature(whole: Module, local: Module): void {
  const [origin, made] = [mainFunction(whole), mainFunction(local)];
  for (const [what, there, here] of [
    ['arguments', origin.body.params.length, made.body.params.length],
    ['results', origin.resultTypes.length, made.resultTypes.length],
  ] as const)
    if (there !== here)
      throw userError('SH0714', `it has ${there} ${what}, the per-device program ${here}`, {
        help: 'is it the program that the other was made from?',
      });
}

/** Prints the verdict; a difference is exit code 1. */
function compare(whole: Module, local: Module, seed: number): void {
  const mistakes = verify(whole, registry);
  if (mistakes.length > 0) throw new DiagnosticError(mistakes);
  expectSameSignature(whole, local);
  const { verdict, devices, maxRelError, firstDifference, reason } = checkEquivalence({ whole, local, registry, seed });
  if (verdict === 'ok') {
    console.log(
      `check ok  one device = ${devices} devices on numbers, worst relative error ${maxRelError.toExponential(1)}`,
    );
    return;
  }
  const first = firstDifference;
  const where =
    first === undefined
      ? reason
      : `result ${first.result}, element [${first.index.join(', ')}] on device ${first.device}: expected ${first.expected}, got ${first.got}`;
  console.log(`check FAILED  ${where}`);
  process.exitCode = 1;
}
