/** The process behind run-programs.ts: `shard.js CASES SEED` runs them, and prints what they were as JSON. */
import fc from 'fast-check';
import { printTir } from '../../ir/text/print.ts';
import { runCase, STREAMS } from './run-case.ts';

export interface Ran {
  ran: number;
  communicating: number;
  uneven: number;
  refused: number;
}

const [cases, seed] = process.argv.slice(2).map(Number) as [number, number];
const found: Ran = { ran: 0, communicating: 0, uneven: 0, refused: 0 };
fc.assert(
  fc.property(STREAMS, (stream) => {
    const outcome = runCase(stream);
    found.ran++;
    found.communicating += Number(outcome.communicates);
    found.uneven += Number(outcome.uneven);
    found.refused += Number(outcome.refused !== undefined);
    if (outcome.failure !== undefined) throw new Error(`${outcome.failure}\n${printTir(outcome.module)}`);
  }),
  // What is left after the cases is for shrinking one that fails.
  { numRuns: cases, seed, interruptAfterTimeLimit: 240_000 },
);
console.log(JSON.stringify(found));
