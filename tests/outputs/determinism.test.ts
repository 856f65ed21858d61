/** The same bytes from every process: whatever hashes, random numbers and the garbage collector do. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundled } from '../bundled.ts';

const within = (folder: string, names: RegExp): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((f) => names.test(f))
        .map((f) => join(folder, f))
    : [];

const FILES = [
  ...within('examples', /\.(tir|mlir)$/),
  ...within('tests/fuzz/found', /\.tir$/),
  ...within('tests/xla/fixtures', /\.mlir$/),
  // The larger ones take minutes.
  ...within('../shared/corpus', /^[^.]*\.mlir$/).filter((f) => statSync(f).size < 4_000),
];

function emitted(script: string, flags: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'shardc-'));
  const out = execFileSync(process.execPath, [...flags, script, folder, ...FILES], { encoding: 'utf8' });
  return out.trim().split('\n');
}

it('every output of every program', { timeout: 300_000 }, () => {
  const script = bundled('tests/outputs/emit-all.ts');
  const one = emitted(script, ['--hash-seed=1', '--random-seed=1']);
  const other = emitted(script, ['--hash-seed=77', '--random-seed=77', '--max-semi-space-size=1']);
  expect(one.length).toBe(8 * FILES.length);
  expect(other).toEqual(one);
});
