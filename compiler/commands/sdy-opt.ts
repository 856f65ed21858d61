/** `shardc sdy-opt`: Shardy's passes by their own flags, on a module from standard input (as Shardy's sdy_opt). */
import type { Command } from 'commander';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { printSdy } from '../../ir/stablehlo/print-sdy.ts';
import { SDY_PASSES, runSdyPasses } from '../../passes/shardy/pipeline.ts';
import { verifyModule } from '../../passes/shardy/verify/verify.ts';
import { describeModule } from '../describe-layouts.ts';
import { guard, printDiagnostics } from './guard.ts';

export function sdyOptCommand(program: Command): void {
  const passes = Object.entries(SDY_PASSES)
    .map(([name, { doc }]) => `  -${name.padEnd(46)} ${doc}`)
    .join('\n');
  program
    .command('sdy-opt')
    .description("run Shardy's passes, by sdy_opt's own flags, on a StableHLO module from standard input")
    .allowUnknownOption()
    .allowExcessArguments()
    .option('--json', 'print the shardings alone')
    .argument(
      '[flags...]',
      "sdy_opt's flags: -sdy-propagation-pipeline, -sdy-basic-propagate=conservative-propagation=true, …",
    )
    .addHelpText('after', `\nPasses:\n${passes}\n\nExample:\n  shardc sdy-opt -sdy-propagation-pipeline < model.mlir`)
    .action((flags: readonly string[], options: { json?: boolean }) =>
      guard('-', (source) => {
        const module = edit(importStablehlo(source, { asWritten: true }));
        verifyModule(module);
        runSdyPasses(module, flags, registry, (d) => printDiagnostics([d], source));
        process.stdout.write(
          options.json === true ? `${JSON.stringify(describeModule(module), null, 1)}\n` : printSdy(module),
        );
      }),
    );
}
