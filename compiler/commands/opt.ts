/** `shardc opt`: named passes on text, so that each can be tried and tested alone. */
import type { Command } from 'commander';
import { DiagnosticError, userError } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import { LEVELS, type Module, type SourceText } from '../../ir/program.ts';
import { printTir } from '../../ir/text/print.ts';
import { verify } from '../../ir/verify.ts';
import type { Pass } from '../../passes/pass.ts';
import { passContext, passNamed, PIPELINE } from '../pipeline.ts';
import { registryOf } from '../load.ts';
import { guard, load, printDiagnostics } from './guard.ts';

export function optCommand(program: Command): void {
  const passes = PIPELINE.map((p) => `  ${p.name.padEnd(18)} ${p.doc} (${p.requires} → ${p.ensures})`).join('\n');
  program
    .command('opt')
    .description('run named passes on a program and print it as .tir')
    .argument('<file>', '.tir or StableHLO; - is standard input')
    .option('--passes <names>', 'comma-separated, run in this order; none: only parse and print', '')
    .option('--mesh <sizes>', 'as in shardc FILE')
    .option('--reasons', 'say beside each op that a pass made, why')
    .addHelpText('after', `\nPasses:\n${passes}\n\nExample:\n  shardc opt model.tir --passes propagate`)
    .action((file: string, flags: { passes: string; mesh?: string; reasons?: boolean }) =>
      guard(file, (source) => {
        const names = flags.passes
          .split(',')
          .filter((n) => n !== '')
          .map(passNamed);
        process.stdout.write(
          printTir(runPasses(load(source, flags.mesh), names, source, registryOf(source)), {
            reasons: flags.reasons === true,
          }),
        );
      }),
    );
}

/** Throws when a pass is asked to run on a program of another level than it takes. */
export function runPasses(
  parsed: Module,
  passes: readonly Pass[],
  source?: SourceText,
  registry: Registry = standard,
): Module {
  const mistakes = verify(parsed, registry);
  if (mistakes.length > 0) throw new DiagnosticError(mistakes);
  const ctx = passContext(registry, (d) => printDiagnostics([d], source));
  let module = parsed;
  for (const pass of passes) {
    if (module.level !== pass.requires) {
      throw userError(
        'SH0708',
        `${pass.name} takes a program at the ${pass.requires} level, this one is at the ${module.level} level`,
        { expected: pass.requires, help: help(module, pass) },
      );
    }
    module = pass.run(module, ctx);
  }
  return module;
}

function help(module: Module, pass: Pass): string {
  const between = PIPELINE.filter(
    (p) =>
      LEVELS.indexOf(p.requires) >= LEVELS.indexOf(module.level) &&
      LEVELS.indexOf(p.ensures) <= LEVELS.indexOf(pass.requires),
  );
  return between.length === 0
    ? `start from a program at the ${pass.requires} level`
    : `run before it: ${between.map((p) => p.name).join(',')}`;
}
