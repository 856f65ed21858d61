/** What the documents show is true: programs parse, the README's session prints what it prints. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shardc } from './cli/shardc.ts';
import { expect, it } from 'vitest';
import { parseTir } from '../compiler/index.ts';

const blocks = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split(/^```.*$/m)
    .filter((_, i) => i % 2 === 1);

it('docs/tir.md: programs parse', () => {
  const programs = blocks('docs/tir.md')
    .map((b) => b.trimStart())
    .filter((b) => b.startsWith('module'));
  expect(programs.length).toBeGreaterThan(0);
  for (const text of programs) parseTir({ file: 'docs/tir.md', text });
});

/** Times differ from run to run. */
const still = (text: string): string =>
  text
    .replace(/compiled in .*/, '')
    .replace(/worst relative error .*/, '')
    .trim();

it('README.md: the session', () => {
  const [, session, explained] = blocks('README.md') as [string, string, string];
  const run = (...args: string[]): string => shardc(args).out;
  expect(still(run('examples/block.tir'))).toBe(still(session));
  expect(run('explain', 'examples/block.tir', '%down').trim()).toBe(explained.trim().split('\n').slice(1).join('\n'));
});

it('README.md: a newcomer’s own model', () => {
  const all = blocks('README.md');
  const at = all.findIndex((b) => b.includes('export default trace('));
  const folder = mkdtempSync(join(tmpdir(), 'shardc-readme-'));
  writeFileSync(join(folder, 'model.ts'), (all[at] as string).trimStart());
  const root = process.cwd();
  const args = ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), join(root, 'compiler/cli.ts')];
  const run = (...rest: string[]): string =>
    spawnSync(process.execPath, [...args, ...rest], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    }).stdout;
  expect(run('explain', 'model.ts', 'y').trim()).toBe((all[at + 1] as string).trim().split('\n').slice(1).join('\n'));
  expect(run('model.ts')).toContain('check ok');
});
