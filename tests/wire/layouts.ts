/**
 * The families of this folder on random meshes, with random layouts of their arguments, beside XLA: bytes, matrix flops,
 * where results lie; and each on numbers.
 *
 *   npm run layouts -- --seed 7 --cases 100 [--products] [--save DIR]
 *
 * With `--products` single dots and convolutions instead. Ends with 1 where numbers are wrong. A program that moves or
 * computes more than XLA's, or lays out a result otherwise, is listed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCheck } from '../../compiler/index.ts';
import { ratio, Tally } from '../tally.ts';
import { compiledFile, figuresIn, figuresOf } from './measured.ts';

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '100' },
    products: { type: 'boolean', default: false },
    save: { type: 'string' },
  },
});

const folder = given.save ?? mkdtempSync(join(tmpdir(), 'layouts-'));
execFileSync(
  '.venv/bin/python',
  [`tests/wire/${given.products ? 'products' : 'layouts'}.py`, given.seed, given.cases, folder],
  {
    stdio: ['ignore', 'inherit', 'ignore'],
  },
);
const XLA = figuresIn(folder);

const tally = new Tally();
const wrong: string[] = [];
let [otherwise, results] = [0, 0];
for (const name of readdirSync(folder).flatMap((f) => (f.endsWith('.mlir') ? [f.replace('.mlir', '')] : []))) {
  const compiled = compiledFile(join(folder, `${name}.mlir`));
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
