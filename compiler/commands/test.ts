/** `shardc test DIR`: text fixtures, each a program and what passes make of it. */
import type { Command } from 'commander';
import { userError } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import type { Pass } from '../../passes/pass.ts';
import { loadModule } from '../load-typescript.ts';
import { type FixtureOptions, fixturesIn, runFixture } from '../testing/fixtures.ts';
import { guardRun } from './guard.ts';

export function testCommand(program: Command): void {
  program
    .command('test')
    .description(
      'run the text fixtures of a folder (.tir and .mlir); BLESS=1 writes what comes out as what is expected',
    )
    .argument('<folder>', 'the fixtures, and those below it')
    .option(
      '--with <file>',
      'a TypeScript file that exports `passes` or `registry`, to be used beside the compiler’s own',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  shardc test tests/fixtures\n  shardc test fixtures --with my-pass.ts\n  BLESS=1 shardc test fixtures',
    )
    .action((folder: string, flags: { with?: string }) =>
      guardRun(async () => run(folder, flags.with === undefined ? {} : await extensions(flags.with))),
    );
}

function run(folder: string, options: FixtureOptions): void {
  const files = fixturesIn(folder);
  if (files.length === 0)
    throw userError('SH0001', `there is no fixture in ${folder}`, { expected: 'files that end in .tir or .mlir' });
  let failed = 0;
  for (const file of files) {
    const { wrong, blessed } = runFixture(file, options);
    if (wrong !== undefined) failed++;
    console.log(
      wrong === undefined
        ? `${blessed ? 'blessed' : 'ok     '} ${file}`
        : `FAILED  ${file}\n${wrong.replace(/^/gm, '  ')}`,
    );
  }
  console.log(`${files.length - failed} of ${files.length} as expected`);
  if (failed > 0) process.exitCode = 1;
}

async function extensions(file: string): Promise<FixtureOptions> {
  const { passes, registry } = (await loadModule(file)) as { passes?: readonly Pass[]; registry?: Registry };
  return { ...(passes === undefined ? {} : { passes }), ...(registry === undefined ? {} : { registry }) };
}
