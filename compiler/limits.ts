/** `--limit wire=1GB`: a bound that a CI job sets on a figure; `wire=+1GB` and `wire=+5%` bound what a change adds. */
import { type Diagnostic, userError } from '../ir/diagnostics.ts';
import { suggestion } from '../ir/text/problems.ts';
import { type Figure, FIGURES, type Measured } from './figures.ts';

export interface Limit {
  /** Key of FIGURES. */
  readonly name: string;
  readonly figure: Figure;
  /** In bytes, seconds or flop; a share of the figure before, for `percent`. */
  readonly bound: number;
  readonly kind: 'most' | 'added' | 'percent';
}

/** Reads `wire=1GB`, `step=+2ms`, `memory=+5%`, `all_gather=0`. */
export function parseLimit(text: string): Limit {
  const [, name = '', plus, digits = '', unit = ''] =
    /^\s*([\w-]+)\s*=\s*(\+?)\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*(\S*)\s*$/i.exec(text) ?? [];
  const figure = FIGURES.get(name.replaceAll('-', '_'));
  if (figure === undefined)
    throw userError('SH0710', `--limit does not read "${text}"`, {
      expected: `one of ${[...FIGURES.keys()].join(', ')}, then =, a bound and its unit: wire=1GB, memory=+5%, all_gather=0`,
      help: suggestion(name, FIGURES.keys()),
    });
  const value = Number(digits);
  if (unit === '%' && plus === '+') return { name, figure, bound: value / 100, kind: 'percent' };
  const factor = value === 0 && unit === '' ? 0 : figure.units[unit.toLowerCase()];
  if (factor === undefined)
    throw userError(
      'SH0710',
      unit === '' ? `--limit ${text} has no unit` : `--limit does not know the unit "${unit}" of ${name}`,
      {
        expected: `one of ${Object.keys(figure.units).join(', ')}; with +, also %`,
      },
    );
  return { name, figure, bound: value * factor, kind: plus === '+' ? 'added' : 'most' };
}

/** One diagnostic for each limit that `after` exceeds. A relative limit needs `before`. */
export function exceeded(limits: readonly Limit[], after: Measured, before?: Measured): Diagnostic[] {
  return limits.flatMap((limit) => {
    const { name, figure, bound, kind } = limit;
    if (kind !== 'most' && before === undefined)
      throw userError('SH0711', `--limit ${name}=+… compares with a program before`, {
        help: 'use shardc diff BEFORE AFTER, or a limit without +',
      });
    const base = before === undefined ? 0 : figure.of(before);
    const most = kind === 'most' ? bound : kind === 'added' ? base + bound : base * (1 + bound);
    const value = figure.of(after);
    if (value <= most) return [];
    const added = kind === 'most' ? '' : `, ${figure.text(value - base)} more than before`;
    return [
      {
        code: 'SH0712',
        severity: 'error',
        cause: 'user',
        message: `${figure.words} ${figure.text(value)}${added}`,
        expected: `at most ${figure.text(most)}, by --limit`,
        help: 'shardc explain FILE says what moves most and why',
      },
    ];
  });
}
