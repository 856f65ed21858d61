/**
 * The fuzzer by hand: `npm run fuzz -- --cases 50000 --seed 7`. Prints what kinds of cases it ran; each failure is shrunk
 * and written to .scratch/ as a .tir program.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { printTir } from '../../ir/text/print.ts';
import { type Outcome, runCase, STREAMS } from './run-case.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];

const counts = { communicates: 0, uneven: 0, refused: 0, ops: new Map<string, number>() };
const refusals = new Map<string, number>();
function count(o: Outcome): void {
  if (o.communicates) counts.communicates++;
  if (o.uneven) counts.uneven++;
  if (o.refused !== undefined) {
    counts.refused++;
    refusals.set(o.refused, (refusals.get(o.refused) ?? 0) + 1);
  }
  for (const m of o.makers) counts.ops.set(m, (counts.ops.get(m) ?? 0) + 1);
}

const started = Date.now();
let run = 0;
let failures = 0;
for (let round = 0; run < cases && failures < 5; round++) {
  let shrinking = false;
  const found = fc.check(
    fc.property(STREAMS, (stream) => {
      const outcome = runCase(stream);
      if (!shrinking) {
        run++;
        count(outcome);
      }
      shrinking ||= outcome.failure !== undefined;
      if (outcome.failure !== undefined) throw new Error(outcome.failure);
    }),
    { numRuns: Math.min(1000, cases - run), seed: seed + round, endOnFailure: false },
  );
  if (found.failed && found.counterexample !== null) {
    failures++;
    const { module, failure } = runCase(found.counterexample[0]);
    mkdirSync('.scratch', { recursive: true });
    const file = `.scratch/fuzz-${seed}-${round}.tir`;
    writeFileSync(file, `// ${failure?.replaceAll('\n', '\n// ')}\n${printTir(module)}`);
    console.log(`${file}: ${failure}`);
  }
}
const percent = (n: number): string => `${((100 * n) / Math.max(1, run)).toFixed(1)} %`;
console.log(`${run} cases in ${((Date.now() - started) / 1000).toFixed(1)} s, ${failures} failures`);
console.log(
  `with a collective ${percent(counts.communicates)}, uneven ${percent(counts.uneven)}, refused ${percent(counts.refused)}`,
);
for (const [kind, n] of [...counts.ops].sort((a, b) => b[1] - a[1])) console.log(`  ${kind.padEnd(22)} ${n}`);
for (const [why, n] of [...refusals].sort((a, b) => b[1] - a[1]).slice(0, 12))
  console.log(`  refused ${n}: ${why.slice(0, 140)}`);
if (failures > 0) process.exitCode = 1;
