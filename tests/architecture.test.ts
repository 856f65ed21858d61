/** Imports go one way: ir ← { passes, runtime-sim } ← compiler ← { tests, examples } (docs/design.md). */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ir: ['ir'],
  passes: ['passes', 'ir'],
  'runtime-sim': ['runtime-sim', 'ir'],
  // package.json: the version.
  compiler: ['compiler', 'passes', 'runtime-sim', 'ir', 'package.json'],
};

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts'))
    .map((f) => join(folder, f));

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)].map((m) =>
    normalize(join(dirname(file), m[1] as string)),
  );

it.each(Object.keys(MAY_IMPORT))('%s', (folder) => {
  const files = filesOf(folder);
  expect(files.length).toBeGreaterThan(3);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((to) => !MAY_IMPORT[folder]?.includes(to.split('/')[0] as string))
      .map((to) => `${file} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});
