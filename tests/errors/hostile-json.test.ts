/** Damaged descriptions, machines and reports in JSON: a result or diagnostics, in time, whatever the numbers and names. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../compiler/json.ts';
import { parseDescription } from '../../compiler/plan/description.ts';
import { planCost } from '../../compiler/plan/plan-cost.ts';
import { readReport } from '../../compiler/report-file.ts';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import { machine, parseMachine } from '../../runtime-sim/machine/machine.ts';
import { Random } from '../../runtime-sim/random.ts';
import { mutated } from './mutations.ts';

const PER_FILE = Number(process.env.SHARDC_MUTANTS ?? 60);
const LONGEST_MS = 10_000;

const SMALL_PLAN = JSON.stringify({
  model: { layers: 8, width: 64, heads: 4, ffn: 128, vocabulary: 128, sequence: 64 },
  batch: 8,
  microbatch: 1,
  tp: 2,
  pp: 2,
  dp: 2,
  machine: 'a100',
});
const REPORT = JSON.stringify({
  mesh: { x: 2 },
  machine: 'a100',
  wireBytes: 1,
  flops: 2,
  peakMemoryBytes: 3,
  stepSeconds: 4,
  collectives: { all_reduce: { count: 1, bytes: 1 } },
  layouts: { arguments: [{ name: '%a', type: 'f32[4]', layout: '{x}' }], results: [] },
  timeBySource: [{ place: 'a.tir:1', wireBytes: 1 }],
});

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  plan: (text) => {
    const description = parseDescription({ file: 'plan.json', text });
    return planCost(description, machine(description.machine)).report;
  },
  machine: (text) => parseMachine(parseJson({ file: 'machine.json', text }, 'SH0803'), 'machine.json'),
  report: (text) => readReport({ file: 'report.json', text }),
};
const GOOD: Readonly<Record<string, string>> = {
  plan: SMALL_PLAN,
  machine: readFileSync('runtime-sim/machine/data/a100.json', 'utf8'),
  report: REPORT,
};

/** Codes of the mistakes found; nothing where the text is read. */
function told(kind: string, text: string): string[] {
  const started = performance.now();
  try {
    READERS[kind]?.(text);
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const d of error.diagnostics) expect(d.cause, d.message).not.toBe('internal');
    return error.diagnostics.map((d) => d.code);
  } finally {
    expect(performance.now() - started).toBeLessThan(LONGEST_MS);
  }
}

describe(`${PER_FILE} damaged copies of each file`, () => {
  it.each(Object.keys(READERS))('%s', { timeout: 120_000 }, (kind) => {
    const good = GOOD[kind] as string;
    expect(told(kind, good)).toEqual([]);
    let refused = 0;
    for (let seed = 0; seed < PER_FILE; seed++) {
      const text = mutated(good, new Random(seed));
      try {
        refused += Number(told(kind, text).length > 0);
      } catch (error) {
        throw new Error(`mutant ${seed}: ${error instanceof Error ? error.stack : error}\n${text.slice(0, 4000)}`);
      }
    }
    expect(refused).toBeGreaterThan(PER_FILE / 2);
  });
});

describe('too much of it', () => {
  const plan = (change: (d: Record<string, unknown> & { model: Record<string, unknown> }) => void): string => {
    const d = JSON.parse(SMALL_PLAN);
    change(d);
    return JSON.stringify(d);
  };
  it.each<[string, string, string[]]>([
    ['lists 100,000 deep', '['.repeat(1e5), ['SH0806']],
    ['objects 100,000 deep', `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`, ['SH0806']],
    ['a text of 500,000 quotes that does not end', `"${'\\"'.repeat(5e5)}`, ['SH0806']],
    ['a number beyond all', SMALL_PLAN.replace('"tp":2', '"tp":1e400'), ['SH0805']],
    ['NaN', SMALL_PLAN.replace('"tp":2', '"tp":NaN'), ['SH0806']],
    ['a field __proto__', SMALL_PLAN.replace('"tp"', '"__proto__"'), ['SH0805']],
    ['a machine __proto__', SMALL_PLAN.replace('a100', '__proto__'), ['SH0801']],
    ['2^62 sequences', plan((d) => Object.assign(d, { batch: 2 ** 62 })), ['SH0805', 'SH0805']],
    ['2^40 microbatches', plan((d) => Object.assign(d, { batch: 2 ** 40 })), ['SH0805']],
    ['2^20 stages', plan((d) => Object.assign(d, { pp: 2 ** 20, model: { ...d.model, layers: 2 ** 20 } })), ['SH0805']],
    ['a model of 2^80 weights', plan((d) => Object.assign(d.model, { width: 2 ** 40, ffn: 2 ** 40 })), ['SH0105']],
  ])('%s', (_, text, codes) => expect(told('plan', text)).toEqual(codes));
});
