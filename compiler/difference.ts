/** What a change does to a program's cost: two reports side by side. */
import { type Figure, FIGURES } from './figures.ts';
import type { LayoutRow } from './report.ts';
import type { Comparable } from './report-file.ts';

export interface FigureChange {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  /** How many times it runs, for collectives. */
  readonly counts?: readonly [before: number, after: number];
}

export interface LayoutChange {
  /** `%wq` or `result 0`. */
  readonly name: string;
  /** Absent: there was, or is, no such value. */
  readonly before?: string;
  readonly after?: string;
}

export interface Difference {
  readonly figures: readonly FigureChange[];
  /** Source lines whose wire bytes changed, most first. */
  readonly places: readonly { readonly place: string; readonly before: number; readonly after: number }[];
  readonly layouts: readonly LayoutChange[];
}

/** Totals always; kinds of collectives that either program has; lines and layouts that changed. */
export function difference(before: Comparable, after: Comparable): Difference {
  return {
    figures: [...FIGURES].flatMap(([name, figure]) => figureChange(name, figure, before, after)),
    places: changedPlaces(before, after),
    layouts: [
      ...changedLayouts(before.layouts.arguments, after.layouts.arguments),
      ...changedLayouts(before.layouts.results, after.layouts.results),
    ],
  };
}

function figureChange(name: string, figure: Figure, before: Comparable, after: Comparable): FigureChange[] {
  const change = { name, before: figure.of(before), after: figure.of(after) };
  if (!figure.isCollective) return [change];
  const counts = [before.collectives[name]?.count ?? 0, after.collectives[name]?.count ?? 0] as const;
  return counts[0] + counts[1] === 0 ? [] : [{ ...change, counts }];
}

function changedPlaces(before: Comparable, after: Comparable): Difference['places'] {
  const [was, is] = [before, after].map((r) => new Map(r.timeBySource.map((p) => [p.place, p.wireBytes])));
  const places = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]);
  return [...places]
    .map((place) => ({ place, before: was?.get(place) ?? 0, after: is?.get(place) ?? 0 }))
    .filter((p) => p.before !== p.after)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}

/** By the user's own names, where there are some: an argument more does not shift them. */
function changedLayouts(before: readonly LayoutRow[], after: readonly LayoutRow[]): LayoutChange[] {
  const [was, is] = [before, after].map((rows) => new Map(rows.map((r) => [r.label ?? r.name, r.layout])));
  const names = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]);
  return [...names].flatMap((name) => {
    const [a, b] = [was?.get(name), is?.get(name)];
    if (a === b) return [];
    return [{ name, ...(a === undefined ? {} : { before: a }), ...(b === undefined ? {} : { after: b }) }];
  });
}
