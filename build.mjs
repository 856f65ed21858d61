// Bundles the CLI and the library (a bundled CLI starts in a quarter of the time of many small files) and their types.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist', { recursive: true });
const banner = "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);";
// tsx runs TypeScript, so it has to stay a package of its own.
const common = { bundle: true, platform: 'node', format: 'esm', target: 'node20', mainFields: ['module', 'main'], logLevel: 'warning', sourcemap: false, external: ['tsx', 'tsx/*'] };
// Both entries of the library share what they have in common: one class of tensors, one table of types.
const library = { index: 'compiler/index.ts', testing: 'compiler/testing/index.ts' };
await build({ ...common, banner: { js: banner }, entryPoints: library, outdir: 'dist', splitting: true, chunkNames: 'library-[hash]' });
await build({ ...common, banner: { js: `#!/usr/bin/env node\n${banner}` }, entryPoints: { cli: 'compiler/cli.ts' }, outdir: 'dist', splitting: true });

execFileSync(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
// tsc keeps the .ts of imports in declarations, where nothing of that name is.
for (const file of readdirSync('dist/types', { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.d.ts'))) {
  const path = join('dist/types', file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
}
