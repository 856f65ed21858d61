/** The command line as a process of its own. Bundled once per test file, as the package is. */
import { spawnSync } from 'node:child_process';
import { bundled } from '../bundled.ts';

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let file: string | undefined;

export function shardc(args: readonly string[], input = ''): Run {
  file ??= bundled('compiler/cli.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    encoding: 'utf8',
    input,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
}
