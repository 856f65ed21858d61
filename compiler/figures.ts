/** The figures of a report that limits are set on and that two reports are compared by. All per device and step. */
import { COLLECTIVES } from '../ir/program.ts';
import type { Report } from './report.ts';
import { bytesText, flopsText, secondsText } from './units.ts';

/** What a figure needs of a report. */
export type Measured = Pick<Report, 'wireBytes' | 'flops' | 'peakMemoryBytes' | 'stepSeconds'> & {
  readonly collectives: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
};

export interface Figure {
  readonly of: (report: Measured) => number;
  readonly text: (value: number) => string;
  readonly units: Readonly<Record<string, number>>;
  /** What stands before the value: `the wire carries 839 KB`. */
  readonly words: string;
  readonly isCollective?: true;
}

const decimal = (unit: string): Record<string, number> =>
  Object.fromEntries(['', 'k', 'm', 'g', 't', 'p', 'e'].map((prefix, i) => [prefix + unit, 1000 ** i]));
const binary = Object.fromEntries(['k', 'm', 'g', 't', 'p'].map((prefix, i) => [`${prefix}ib`, 1024 ** (i + 1)]));
const BYTES = { ...decimal('b'), ...binary };
const SECONDS = { s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Named as in `--limit`: the four totals, then the bytes of each kind of collective. */
export const FIGURES: ReadonlyMap<string, Figure> = new Map<string, Figure>([
  ['wire', { of: (r) => r.wireBytes, text: bytesText, units: BYTES, words: 'the wire carries' }],
  ['memory', { of: (r) => r.peakMemoryBytes, text: bytesText, units: BYTES, words: 'the peak of memory is' }],
  ['flops', { of: (r) => r.flops, text: flopsText, units: decimal('flop'), words: 'arithmetic is' }],
  ['step', { of: (r) => r.stepSeconds, text: secondsText, units: SECONDS, words: 'a step takes' }],
  ...COLLECTIVES.filter((kind) => kind !== 'all_slice').map((kind): [string, Figure] => [
    kind,
    {
      of: (r) => r.collectives[kind]?.bytes ?? 0,
      text: bytesText,
      units: BYTES,
      words: `${kind} moves`,
      isCollective: true,
    },
  ]),
]);
