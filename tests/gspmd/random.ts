/**
 * Random annotated programs beside XLA: numbers, layouts, wire bytes.
 *
 *   npm run gspmd -- --seed 7 --cases 200 [--uneven] [--sparse] [--save DIR]
 *
 * Ends with 1 where numbers are wrong; programs on which XLA moves less are listed. `--save` writes those. Where XLA
 * refuses an annotation of its own, gets its own numbers wrong or lays a result out otherwise than annotated, its bytes do
 * not count.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Tally } from '../tally.ts';
import { compiledHere, type Done, onXla, type OnXla } from './on-xla.ts';
import { randomPrograms } from './random-programs.ts';

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '200' },
    uneven: { type: 'boolean', default: false },
    sparse: { type: 'boolean', default: false },
    save: { type: 'string' },
  },
});

const programs = randomPrograms(Number(given.seed), Number(given.cases), given);
const done = new Map<string, Done>(programs.map((p) => [p.name, compiledHere(p)]));
const found = onXla([...done.values()]);

const MOST_ERROR = 2e-5;
const wrong: string[] = [];
const lost: string[] = [];
const tally = new Tally();
let uncounted = 0;
const save = (name: string): void => {
  if (given.save === undefined) return;
  mkdirSync(given.save, { recursive: true });
  const { text, emitted } = done.get(name) as Done;
  writeFileSync(join(given.save, `${name}.mlir`), text);
  writeFileSync(join(given.save, `${name}.out.mlir`), emitted);
};

function count({ name, xla, shardc, error, refused, max_rel_error, xla_error, laid_out_otherwise }: OnXla): void {
  const { check } = (done.get(name) as Done).report;
  if (check.verdict !== 'ok') wrong.push(`${name}: check ${check.verdict}`);
  if (refused !== undefined) {
    wrong.push(`${name}: XLA does not take what is emitted: ${refused.slice(0, 100)}`);
    return;
  }
  if (error === undefined && max_rel_error > MOST_ERROR)
    wrong.push(`${name}: off by ${max_rel_error.toExponential(1)}`);
  const own =
    error ??
    (xla_error > MOST_ERROR ? `its own numbers are off by ${xla_error.toExponential(1)}` : undefined) ??
    (laid_out_otherwise.length > 0 ? 'it lays a result out otherwise' : undefined);
  if (own !== undefined) {
    uncounted += 1;
    console.log(`XLA   ${name.padEnd(10)} ${own.slice(0, 100)}`);
    return;
  }
  const [ours, theirs] = [shardc.total, xla.total];
  if (!tally.add(ours, theirs).isLost) return;
  lost.push(`${name.padEnd(10)} ${ours} / ${theirs} bytes, ${shardc.flops} / ${xla.flops} flops`);
  save(name);
}

found.forEach(count);
for (const line of lost) console.log(`lost  ${line}`);
for (const line of wrong) console.log(`WRONG ${line}`);
console.log(`${tally}; ${uncounted} not counted`);
process.exitCode = wrong.length > 0 ? 1 : 0;
