/** The package as its users get it: packed, unpacked into an empty folder, used by name. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const user = mkdtempSync(join(tmpdir(), 'shardc-user-'));
const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
const shardc = (...args: string[]): string =>
  run(process.execPath, [join(user, 'node_modules/shardc/dist/cli.js'), ...args], user);

/** A newcomer's two-layer model (README). */
const MODEL = `import { einsum, f32, gelu, type Matrix, mesh, named, shard, trace } from 'shardc';

export function model(x: Matrix, w1: Matrix, w2: Matrix): Matrix {
  const hidden = gelu(einsum('bm,mf->bf', x, w1));
  return named(einsum('bf,fm->bm', shard(hidden, 'data', 'model'), w2), 'y');
}

export default trace(model, {
  mesh: mesh({ data: 2, model: 4 }),
  args: [f32([8, 16], 'data', null), f32([16, 64], null, 'model'), f32([64, 16], 'model', null)],
});
`;

describe('the package', () => {
  beforeAll(() => {
    run(process.execPath, ['build.mjs'], root);
    run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', user], root);
    mkdirSync(join(user, 'node_modules'));
    run('tar', ['-xzf', 'shardc-0.1.0.tgz'], user);
    cpSync(join(user, 'package'), join(user, 'node_modules/shardc'), { recursive: true });
    for (const dependency of ['tsx', 'zod'])
      symlinkSync(join(root, 'node_modules', dependency), join(user, 'node_modules', dependency));
    writeFileSync(join(user, 'model.ts'), MODEL);
  }, 240_000);

  it('compiles and explains a model in TypeScript, in a folder without any configuration', () => {
    expect(shardc('model.ts')).toContain('check ok  one device = 8 devices');
    expect(shardc('explain', 'model.ts', 'y')).toMatch(/moves: all_reduce over model.*model\.ts:\d+/);
    expect(shardc('model.ts', '--emit', 'stablehlo')).toContain('stablehlo.all_reduce');
  }, 120_000);

  it('tests a pass and an op of the user’s own', () => {
    cpSync(join(user, 'node_modules/shardc/examples/custom-pass'), join(user, 'custom-pass'), { recursive: true });
    const told = shardc('test', 'custom-pass/fixtures', '--with', 'custom-pass/fold-negations.ts');
    expect(told).toContain('3 of 3 as expected');
  }, 120_000);

  it('compiles and explains in code', () => {
    writeFileSync(
      join(user, 'run.mjs'),
      `import { compile, parseTir } from 'shardc';
import { expectEquivalent } from 'shardc/testing';
const text = 'module @m\\nmesh @mesh {x=2}\\nfunc @main(%a: f32[4, 8] @{_, x}, %w: f32[8, 4] @{x, _}) -> (f32[4, 4] @{_, _}) {\\n  %y = matmul %a, %w\\n  return %y\\n}\\n';
const program = compile(parseTir({ file: 'm.tir', text }));
expectEquivalent(program.source, program.module);
console.log(program.explain('%y'));
`,
    );
    expect(run(process.execPath, ['run.mjs'], user)).toContain('moves: all_reduce over x');
  }, 60_000);

  it('has types that a strict program sees', () => {
    writeFileSync(
      join(user, 'types.mts'),
      `import { compile, f32, mesh, type Matrix, type Program, sum } from 'shardc';
import { randomProgram } from 'shardc/testing';
const program = compile((x: Matrix) => ({ total: sum(x) }), { mesh: mesh({ x: 2 }), args: [f32([4, 8])] });
const out: readonly number[] = program.run([1]).total.shape;
const wrong: string = randomProgram(1).functions;
export const kept: Program<[x: Matrix], { total: unknown }>['module'] = program.module;
export { out, wrong };
`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    let output = '';
    try {
      const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', ''];
      run(process.execPath, [tsc, ...flags, 'types.mts'], user);
    } catch (error) {
      output = String((error as { stdout: unknown }).stdout);
    }
    const errors = output.split('\n').filter((l) => l.includes('error'));
    expect(errors).toEqual([expect.stringMatching(/types\.mts\(5,7\): error TS2322/)]);
  }, 60_000);

  it('has a command line', () => expect(shardc('--help')).toContain('Usage: shardc'));
});
