/** `shardc explain`: why a value has its layout, why a collective is there, what a code means. */
import type { Command } from 'commander';
import { userError } from '../../ir/diagnostics.ts';
import { compile } from '../compile.ts';
import { explainValue } from '../explain.ts';
import { explainCode } from '../explain-code.ts';
import { registryOf } from '../load.ts';
import { guard, load } from './guard.ts';

export function explainCommand(program: Command): void {
  program
    .command('explain')
    .description('why a value has its layout and what moves because of it; or what an error code means')
    .argument('<file|code>', 'the program, or a code such as SH0211')
    .argument('[value]', 'its name in the file, as %13')
    .option('--mesh <sizes>', 'as in shardc FILE')
    .addHelpText('after', '\nExamples:\n  shardc explain model.mlir %13\n  shardc explain SH0211')
    .action((file: string, value: string | undefined, flags: { mesh?: string }) => {
      if (/^SH\d{4}$/.test(file)) {
        console.log(explainCode(file));
        return undefined;
      }
      return guard(file, (source) => {
        if (value === undefined)
          throw userError('SH0707', 'explain what?', {
            expected: 'a value of the program, as %13',
            help: `shardc explain ${file} %NAME`,
          });
        console.log(explainValue(compile(load(source, flags.mesh), { registry: registryOf(source) }), value));
      });
    });
}
