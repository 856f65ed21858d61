/** `npm run validate`: published figures beside the model's, printed and written into docs/validation.md. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { machine } from '../../compiler/index.ts';
import { DISPATCH } from './bench.ts';
import { HELD, isHeld, numberAt } from './calibrate.ts';
import { onCluster } from './cluster.ts';
import type { Row } from './row.ts';
import { rows } from './rows.ts';
import { SHARED } from './shared.ts';

const DOC = 'docs/validation.md';
const [OPEN, CLOSE] = ['<!-- table: npm run validate -->', '<!-- end of table -->'];

/** Largest mean error that a set is held to, where it is held to one. */
const GOALS: Readonly<Record<string, number>> = {
  'Megatron, table 1': 0.08,
  'Korthikanti, times': 0.06,
  'GSPMD dense (table 2, recalled)': 0.12,
  'vTrain, 3.6B on 64 GPUs': 0.12,
  'vTrain, 18.4B on 256 GPUs': 0.12,
};

const only = process.argv.slice(2);
const published = rows()
  .filter(({ needs }) => needs === undefined || existsSync(needs))
  .filter((r) => only.length === 0 || only.some((part) => r.set.includes(part)));
const onOf = ({ chip, cluster }: Row) => (cluster === undefined ? machine(chip) : onCluster(machine(chip), cluster));
const found = published.map((r) => ({ ...r, predicted: r.predict(onOf(r), { dispatch: DISPATCH[r.chip] ?? 0 }) }));
type Found = (typeof found)[number];
const error = (r: Found): number => r.predicted / r.published - 1;
const met = (r: Found): boolean => Math.abs(error(r)) <= r.tolerance;
const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
const digits = (n: number): string => (n >= 100 ? n.toFixed(0) : n.toPrecision(3));

/** Of predictions: rows that a chip was held to do not count. */
function heading(set: string, own: readonly Found[]): string {
  const predicted = own.filter((r) => !isHeld(r));
  if (predicted.length === 0) return 'Calibration only.';
  const mean = predicted.reduce((n, r) => n + Math.abs(error(r)), 0) / predicted.length;
  const worst = predicted.reduce((n, r) => Math.max(n, Math.abs(error(r))), 0);
  const goal = GOALS[set];
  const held = goal === undefined ? '' : ` (held to ${100 * goal} %${mean <= goal ? '' : ': **missed**'})`;
  const tau = kendall(predicted);
  const order = set.startsWith('vTrain')
    ? ` Kendall τ ${tau.toFixed(2)} (held to 0.75${tau >= 0.75 ? '' : ': **missed**'}).`
    : '';
  const misses = predicted.filter((r) => !met(r)).length;
  const count = predicted.length === 1 ? 'One prediction' : `${predicted.length} predictions`;
  return `${count}: mean error ${(100 * mean).toFixed(1)} %${held}, worst ${(100 * worst).toFixed(1)} %; ${misses} miss.${order}`;
}

/** What each chip was held to, with what its file holds. */
const calibration = [
  '### Calibration',
  '',
  '| chip | parameter | value | the row that gives it |',
  '| --- | --- | --- | --- |',
  ...Object.entries(HELD).flatMap(([chip, held]) =>
    held.map(([parameter, row]) => {
      const value = parameter === 'dispatch' ? (DISPATCH[chip] ?? 0) : numberAt(machine(chip), parameter);
      return `| ${chip} | ${parameter} | ${value < 0.01 ? value.toExponential() : value} | ${row} |`;
    }),
  ),
  '',
  '| parameter | as | chips |',
  '| --- | --- | --- |',
  ...SHARED.map(([parameter, from, chips]) => {
    return `| ${parameter} | ${from} | ${chips.filter((c) => c !== from).join(', ')} |`;
  }),
  '',
];

/** Pairs in the right order less those in the wrong one, over all pairs. */
function kendall(own: readonly Found[]): number {
  let [sum, pairs] = [0, 0];
  own.forEach((a, i) => {
    for (const b of own.slice(i + 1)) {
      sum += Math.sign(a.published - b.published) * Math.sign(a.predicted - b.predicted);
      pairs++;
    }
  });
  return sum / pairs;
}

const table = [...new Set(found.map((r) => r.set))].flatMap((set) => {
  const own = found.filter((r) => r.set === set);
  return [
    `### ${set}`,
    heading(set, own),
    '',
    '| row | chip | published | predicted | error | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...own.map((r) => {
      const marks = [met(r) ? '' : `**misses ${(100 * r.tolerance).toFixed(0)} %**`, isHeld(r) ? 'calibration' : ''];
      return `| ${r.what} | ${r.chip} | ${digits(r.published)} ${r.unit} | ${digits(r.predicted)} | ${percent(error(r))} | ${marks.filter((m) => m !== '').join(', ')} |`;
    }),
    '',
  ];
});
const machines = new Map(found.map((r) => [onOf(r).name, onOf(r)]));
const hashes = [...machines].map(([name, on]) => {
  const digest = createHash('sha256').update(JSON.stringify(on)).digest('hex');
  return `${name} ${digest.slice(0, 12)}`;
});
const text = [...calibration, ...table, `Machine parameters (sha256): ${hashes.join('; ')}.`].join('\n');
console.log(text);

if (only.length === 0) {
  const doc = readFileSync(DOC, 'utf8');
  const [before, rest] = doc.split(OPEN);
  const after = rest?.split(CLOSE)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOC} lacks the marks of its table`);
  writeFileSync(DOC, `${before}${OPEN}\n${text}\n${CLOSE}${after}`);
}
