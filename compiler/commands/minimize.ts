/** `shardc minimize FILE -- CMD`: the smallest program on which a command still fails as it does. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { userError } from '../../ir/diagnostics.ts';
import type { Module } from '../../ir/program.ts';
import { printTir } from '../../ir/text/print.ts';
import { minimize } from '../testing/minimize.ts';
import { guard, load } from './guard.ts';

export function minimizeCommand(program: Command): void {
  program
    .command('minimize')
    .description('shrink a program while a command keeps failing on it; prints the smallest as .tir')
    .argument('<file>', 'the program')
    .argument('<command...>', 'what fails, after --; {} stands for the file')
    .addHelpText('after', '\nExample:\n  shardc minimize model.tir -- shardc {} --verify-each')
    .action((file: string, command: readonly string[]) =>
      guard(file, (source) => {
        const folder = mkdtempSync(join(tmpdir(), 'shardc-minimize-'));
        const at = join(folder, 'program.tir');
        const statusOn = (module: Module): number | null => {
          writeFileSync(at, printTir(module));
          const [name = '', ...args] = command.map((word) => word.replaceAll('{}', at));
          return spawnSync(name, args, { stdio: 'ignore' }).status;
        };
        try {
          const start = load(source, undefined);
          const status = statusOn(start);
          if (status === 0 || status === null)
            throw userError('SH0719', `the command does not fail on ${file}`, {
              expected: 'an exit code other than 0',
              help: `it was: ${command.join(' ')}`,
            });
          process.stdout.write(printTir(minimize(start, (candidate) => statusOn(candidate) === status)));
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
    );
}
