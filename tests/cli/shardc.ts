/** The command line as a process of its own. Bundled once per test file, as the package is: a start then takes 0.2 s, not 1 s. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let bundled: string | undefined;

export function shardc(args: readonly string[], input = ''): Run {
  bundled ??= bundle();
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundled, ...args], {
    encoding: 'utf8',
    input,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
}

/** Under node_modules, so that packages that stay outside (tsx) are found. */
function bundle(): string {
  const file = join('node_modules/.cache', `shardc-${process.pid}.js`);
  process.on('exit', () => rmSync(file, { force: true }));
  buildSync({
    entryPoints: ['compiler/cli.ts'],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['tsx', 'tsx/*'],
    banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
  });
  return file;
}
