/** A script as one file, for a process of its own: it starts in 0.2 s, not 1 s, and runs twice as fast as under vitest. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';

/** Under node_modules, so that packages that stay outside (tsx) are found. Removed when this process ends. */
export function bundled(entry: string): string {
  const file = join('node_modules/.cache', `${basename(entry, '.ts')}-${process.pid}.js`);
  process.on('exit', () => rmSync(file, { force: true }));
  buildSync({
    entryPoints: [entry],
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
