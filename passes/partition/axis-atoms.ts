/**
 * Atoms: the common refinement of a set of axis lists, so that any two refs are equal or disjoint.
 * `x` (size 8) beside `x:(1)2` and `x:(2)4` becomes `x:(1)2, x:(2)4` everywhere.
 */
import { type AxisRef, sameAxis } from '../../ir/mesh.ts';

/** Cut points per axis name: every `pre` and `pre*size` that occurs, ascending. */
export type Cuts = ReadonlyMap<string, readonly number[]>;

export function cutsOf(lists: Iterable<readonly AxisRef[]>): Cuts {
  const cuts = new Map<string, Set<number>>();
  for (const list of lists) {
    for (const a of list) {
      let set = cuts.get(a.name);
      if (set === undefined) cuts.set(a.name, (set = new Set()));
      set.add(a.pre).add(a.pre * a.size);
    }
  }
  return new Map([...cuts].map(([name, set]) => [name, [...set].sort((a, b) => a - b)]));
}

/** Cut points nest (each divides the next), so every ref splits exactly at them. */
export const cutsNest = (cuts: Cuts): boolean =>
  [...cuts.values()].every((points) => points.every((p, i) => i === 0 || p % (points[i - 1] as number) === 0));

/** Splits refs at the cut points; major parts first. */
export function refine(axes: readonly AxisRef[], cuts: Cuts): AxisRef[] {
  return axes.flatMap((a) => {
    const inner = (cuts.get(a.name) ?? []).filter((c) => c >= a.pre && c <= a.pre * a.size);
    const parts: AxisRef[] = [];
    for (let i = 0; i + 1 < inner.length; i++) {
      const pre = inner[i] as number;
      parts.push({ name: a.name, pre, size: (inner[i + 1] as number) / pre });
    }
    return parts.length > 0 ? parts : [a];
  });
}

/** Joins neighbours that are consecutive sub-axes of one axis: `x:(1)2, x:(2)4` → `x`. */
export function mergeNeighbours(axes: readonly AxisRef[]): AxisRef[] {
  const merged: AxisRef[] = [];
  for (const a of axes) {
    const last = merged.at(-1);
    if (last !== undefined && last.name === a.name && last.pre * last.size === a.pre) {
      merged[merged.length - 1] = { name: a.name, pre: last.pre, size: last.size * a.size };
    } else merged.push(a);
  }
  return merged;
}

export const axisKey = (a: AxisRef): string => `${a.name}:${a.pre}:${a.size}`;
export const axesKey = (axes: readonly AxisRef[]): string => axes.map(axisKey).join('+');
export const without = (axes: readonly AxisRef[], gone: readonly AxisRef[]): AxisRef[] =>
  axes.filter((a) => !gone.some((g) => sameAxis(a, g)));
