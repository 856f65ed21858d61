/** The package as its users get it: built, imported by name, types included. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const user = mkdtempSync(join(tmpdir(), 'shardc-user-'));
const node = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });

describe('the built package', () => {
  beforeAll(() => {
    node(['build.mjs'], root);
    mkdirSync(join(user, 'node_modules'));
    symlinkSync(root, join(user, 'node_modules/shardc'));
    writeFileSync(join(user, 'package.json'), '{ "type": "module" }');
  }, 120_000);

  it('compiles and explains a program', () => {
    writeFileSync(
      join(user, 'run.js'),
      `import { compile, explainValue, parseTir } from 'shardc';
const text = 'module @m\\nmesh @mesh {x=2}\\nfunc @main(%a: f32[4, 8] @{_, x}, %w: f32[8, 4] @{x, _}) -> (f32[4, 4] @{_, _}) {\\n  %y = matmul %a, %w\\n  return %y\\n}\\n';
console.log(explainValue(compile(parseTir({ file: 'm.tir', text })), '%y'));
`,
    );
    expect(node(['run.js'], user)).toContain('moves: all_reduce over x');
  });

  it('has types that a strict program sees', () => {
    writeFileSync(
      join(user, 'types.ts'),
      `import { compile, parseTir, type Compiled } from 'shardc';
const compiled: Compiled = compile(parseTir({ file: 'm.tir', text: '' }));
const wrong: string = compiled.passes;
export { wrong };
`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    let output = '';
    try {
      node(
        [tsc, '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', '', 'types.ts'],
        user,
      );
    } catch (error) {
      output = String((error as { stdout: unknown }).stdout);
    }
    expect(
      output
        .trim()
        .split('\n')
        .filter((l) => l.includes('error')),
    ).toEqual([expect.stringMatching(/types\.ts\(3,7\): error TS2322/)]);
  }, 60_000);

  it('has a command line', () => {
    expect(node([join(root, 'dist/cli.js'), '--help'], user)).toContain('Usage: shardc');
  });
});
