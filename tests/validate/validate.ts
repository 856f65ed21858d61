/** `npm run validate`: published figures beside the model's, printed and written into docs/validation.md. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { machine } from '../../compiler/index.ts';
import { type Row, rows } from './rows.ts';

const DOC = 'docs/validation.md';
const [OPEN, CLOSE] = ['<!-- table: npm run validate -->', '<!-- end of table -->'];

const found = [...rows()];
const error = (r: Row): number => r.predicted / r.published - 1;
const met = (r: Row): boolean => Math.abs(error(r)) <= r.tolerance;
const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
const digits = (n: number): string => (n >= 100 ? n.toFixed(0) : n.toPrecision(3));

const table = [...new Set(found.map((r) => r.set))].flatMap((set) => {
  const own = found.filter((r) => r.set === set);
  const mean = own.reduce((n, r) => n + Math.abs(error(r)), 0) / own.length;
  const worst = own.reduce((n, r) => Math.max(n, Math.abs(error(r))), 0);
  return [
    `### ${set}`,
    `Mean error ${(100 * mean).toFixed(1)} %, worst ${(100 * worst).toFixed(1)} %; ${own.filter((r) => !met(r)).length} of ${own.length} rows miss.`,
    '',
    '| row | chip | published | predicted | error | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...own.map((r) => {
      const marks = [
        met(r) ? '' : `**misses ${(100 * r.tolerance).toFixed(0)} %**`,
        r.calibration === true ? 'calibration' : '',
      ];
      return `| ${r.what} | ${r.chip} | ${digits(r.published)} ${r.unit} | ${digits(r.predicted)} | ${percent(error(r))} | ${marks.filter((m) => m !== '').join(', ')} |`;
    }),
    '',
  ];
});
const chips = [...new Set(found.map((r) => r.chip))];
const hashes = chips.map(
  (c) =>
    `${c} ${createHash('sha256')
      .update(JSON.stringify(machine(c)))
      .digest('hex')
      .slice(0, 12)}`,
);
const text = [...table, `Machine parameters (sha256): ${hashes.join(', ')}.`].join('\n');
console.log(text);

const doc = readFileSync(DOC, 'utf8');
const [before, rest] = doc.split(OPEN);
const after = rest?.split(CLOSE)[1];
if (before === undefined || after === undefined) throw new Error(`${DOC} lacks the marks of its table`);
writeFileSync(DOC, `${before}${OPEN}\n${text}\n${CLOSE}${after}`);
