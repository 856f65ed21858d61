/** The command line. Each command is a file in commands/. */
import { Command } from 'commander';
import { checkCommand } from './commands/check.ts';
import { compileCommand } from './commands/compile.ts';
import { explainCommand } from './commands/explain.ts';
import { minimizeCommand } from './commands/minimize.ts';
import { optCommand } from './commands/opt.ts';
import { sdyOptCommand } from './commands/sdy-opt.ts';
import { testCommand } from './commands/test.ts';

const program = new Command('shardc').description(
  'A sharding compiler: a tensor program for one device and a few annotations in, the verified program of every device out.',
);
program.showHelpAfterError('shardc --help says more.');
compileCommand(program);
explainCommand(program);
checkCommand(program);
optCommand(program);
sdyOptCommand(program);
testCommand(program);
minimizeCommand(program);
// A reader that has seen enough (| head) is no mistake.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
await program.parseAsync();
