/** `shardc explain`: why a value has its layout, why a collective is there, what a code means. */
import type { Command } from 'commander';
import { compile } from '../compile.ts';
import { explainOverview, explainValue } from '../explain.ts';
import { explainCode } from '../explain-code.ts';
import { compileOptions, type TargetFlags, targetOf, withTargetOptions } from '../target.ts';
import { guard, guardRun, load } from './guard.ts';

export function explainCommand(program: Command): void {
  withTargetOptions(program.command('explain'))
    .description('why a value has its layout and what moves because of it; or what an error code means')
    .argument('<file|code>', 'the program, or a code such as SH0211')
    .argument(
      '[value]',
      'its name in the file, as %13; or a line, as :12 or model.py:12; absent: the whole at a glance',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  shardc explain model.mlir\n  shardc explain model.mlir %13\n  shardc explain model.mlir model.py:42\n  shardc explain SH0211',
    )
    .action((file: string, value: string | undefined, flags: TargetFlags) => {
      if (/^SH\d{4}$/i.test(file)) return guardRun(() => console.log(explainCode(file.toUpperCase())));
      return guard(file, (source) => {
        const parsed = load(source, flags.mesh);
        const compiled = compile(parsed, { ...compileOptions(parsed, targetOf(flags, source)), stopAfter: 'localize' });
        console.log(value === undefined ? explainOverview(compiled) : explainValue(compiled, value));
      });
    });
}
