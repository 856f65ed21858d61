/** The command line. Each command is a file in commands/. */
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { checkCommand } from './commands/check.ts';
import { compileCommand } from './commands/compile.ts';
import { diffCommand } from './commands/diff.ts';
import { explainCommand } from './commands/explain.ts';
import { minimizeCommand } from './commands/minimize.ts';
import { optCommand } from './commands/opt.ts';
import { planCostCommand } from './commands/plan-cost.ts';
import { sdyOptCommand } from './commands/sdy-opt.ts';
import { testCommand } from './commands/test.ts';

const program = new Command('shardc').description(
  'A sharding compiler: a tensor program for one device and a few annotations in, the verified program of every device out.',
);
program.showHelpAfterError('shardc --help says more.').version(packageJson.version, '-V, --version');
// Else `shardc explain FILE --mesh 4x2` would give --mesh to the command without a name, and explain another mesh.
program.enablePositionalOptions().helpCommand('help [command]', 'of shardc or of one command');
compileCommand(program);
explainCommand(program);
checkCommand(program);
diffCommand(program);
optCommand(program);
sdyOptCommand(program);
planCostCommand(program);
testCommand(program);
minimizeCommand(program);
// A reader that has seen enough (| head) is no mistake.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
await program.parseAsync();
