/** `shardc model.ts`: the file is run; what is wrong in it is shown there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'shardc-dsl-'));
const shardc = (...args: string[]): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'compiler/cli.ts', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
};
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text.replace("'shardc'", JSON.stringify(join(process.cwd(), 'compiler/index.ts'))));
  return path;
};

it('compiles, checks and explains an example by its own lines', () => {
  const run = shardc('examples/megatron-mlp.ts', '--mesh', '2x2');
  expect(run.out).toContain('check ok  one device = 4 devices');
  expect(run.code).toBe(0);
  expect(shardc('explain', 'examples/megatron-mlp.ts', 'y').out).toMatch(
    /moves: all_reduce over model.*\(examples\/megatron-mlp\.ts:\d+\)/,
  );
});

it('shows a mistake in the file, and a file that is none', () => {
  const head = "import { f32, mesh, shard, trace } from 'shardc';\n\n";
  const rest = ', { mesh: mesh({ x: 2 }), args: [f32([4, 4])] });\n';
  const wrong = shardc(file('wrong.ts', `${head}export default trace((a: any): any =>\n  shard(a, 'y', null)${rest}`));
  expect(wrong.err).toMatch(
    /error\[SH0210\]: mesh @mesh has no axis "y"\n {2}--> .*wrong\.ts:4:3\n> 4 \| {3}shard\(a, 'y', null\)/,
  );
  expect(wrong.code).toBe(1);
  const thrown = shardc(file('thrown.ts', `${head}const f = (a: any): any => a.b.c;\nexport default trace(f${rest}`));
  expect(thrown.err).toMatch(/error\[SH0614\].*Cannot read properties of undefined[\s\S]*thrown\.ts:3:\d+/);
  expect(shardc(file('empty.ts', 'export const x = 1;\n')).err).toContain('error[SH0610]');
});
