/**
 * The families of this folder on random meshes, with random layouts of their arguments, beside XLA: bytes, matrix flops,
 * where results lie; and each on numbers.
 *
 *   npm run layouts -- --seed 7 --cases 100 [--save DIR]
 *
 * Ends with 1 where numbers are wrong. A program that moves or computes more than XLA's, or lays out a result otherwise, is
 * listed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, importStablehlo, runCheck } from '../../compiler/index.ts';
import { ratio, Tally } from '../tally.ts';
import { type Figures, figuresOf } from './measured.ts';

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '100' },
    save: { type: 'string' },
  },
});

const folder = given.save ?? mkdtempSync(join(tmpdir(), 'layouts-'));
execFileSync('.venv/bin/python', ['tests/wire/layouts.py', given.seed, given.cases, folder], {
  stdio: ['ignore', 'inherit', 'ignore'],
});
const XLA = JSON.parse(readFileSync(join(folder, 'figures.json'), 'utf8')) as Record<string, Figures>;

const tally = new Tally();
const wrong: string[] = [];
let [otherwise, results] = [0, 0];
for (const name of readdirSync(folder).flatMap((f) => (f.endsWith('.mlir') ? [f.replace('.mlir', '')] : []))) {
  const file = join(folder, `${name}.mlir`);
  const compiled = compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));
  const { verdict } = runCheck(compiled, 'auto', 1);
  if (verdict !== 'ok') wrong.push(`${name}: check ${verdict}`);
  const xla = XLA[name];
  if (xla === undefined) continue;
  const ours = figuresOf(compiled);
  const { ratio: wire, isLost } = tally.add(ours.bytes, xla.bytes);
  const flops = ratio(ours.flops, xla.flops);
  const moved = ours.results.filter((tiles, i) => tiles !== xla.results[i]).length;
  results += ours.results.length;
  otherwise += moved;
  if (isLost || flops > 1.02 || moved > 0)
    console.log(
      `${name.padEnd(44)} ${String(Math.round(ours.bytes)).padStart(9)} / ${String(Math.round(xla.bytes)).padStart(9)} ${wire.toFixed(3).padStart(8)}  flops ${flops.toFixed(3)}${moved > 0 ? `  ${moved} results otherwise` : ''}`,
    );
}
console.log(`${tally}; ${otherwise} of ${results} results laid out otherwise`);
for (const line of wrong) console.log(`WRONG ${line}`);
if (wrong.length > 0) process.exitCode = 1;
