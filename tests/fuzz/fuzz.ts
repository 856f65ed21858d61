/**
 * The fuzzer by hand: `npm run fuzz -- --cases 50000 --seed 7`. Prints what kinds of cases it ran; each failure is shrunk
 * and written to .scratch/ as a fixture.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { printTir } from '../../ir/text/print.ts';
import { Histogram } from './histogram.ts';
import { failureKind, runCase, smallest, STREAMS } from './run-case.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const ROUND = 500;
const SHRINKING_MS = 60_000;

const histogram = new Histogram();
const failures = new Map<string, number>();

for (let round = 0; histogram.cases < cases; round++) {
  let shrinkUntil = Infinity;
  const found = fc.check(
    fc.property(STREAMS, (stream) => {
      if (performance.now() > shrinkUntil) return;
      const outcome = runCase(stream);
      const shrinking = shrinkUntil < Infinity;
      if (!shrinking) histogram.add(outcome);
      if (outcome.failure === undefined || (!shrinking && isKnown(outcome.failure))) return;
      if (!shrinking) shrinkUntil = performance.now() + SHRINKING_MS;
      throw new Error(outcome.failure);
    }),
    { numRuns: Math.min(ROUND, cases - histogram.cases), seed: seed * 1000 + round },
  );
  if (found.counterexample === null) continue;
  const outcome = runCase(found.counterexample[0]);
  const { failure } = outcome;
  mkdirSync('.scratch', { recursive: true });
  const file = `.scratch/fuzz-${seed}-${round}.tir`;
  writeFileSync(
    file,
    `// test: compile\n// numbers\n// ${failure?.replaceAll('\n', '\n// ')}\n${printTir(smallest(outcome))}`,
  );
  console.log(`${file}: ${failure}`);
}
const { user, system } = process.cpuUsage();
console.log(`seed ${seed}: ${((user + system) / 1e6).toFixed(0)} s of CPU, ${failures.size} kinds of failure`);
for (const [kind, n] of failures) console.log(`  ${n} × ${kind}`);
console.log(histogram.text());
if (failures.size > 0) process.exitCode = 1;

/** Counts a failure; one that differs in numbers only is shrunk once. */
function isKnown(failure: string): boolean {
  const kind = failureKind(failure);
  failures.set(kind, (failures.get(kind) ?? 0) + 1);
  return failures.get(kind) !== 1;
}
