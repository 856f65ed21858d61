/**
 * Arithmetic of axis lists. A (sub-)axis `x:(pre)size` is the interval [pre, pre·size) of divisors of x; Shardy's
 * attrs.td has a table of examples for each operation.
 */
import { type AxisRef, type Mesh, overlaps, sameAxes, sameAxis } from './mesh.ts';

/** Where the interval ends: the `pre` of what follows. */
const end = (a: AxisRef): number => a.pre * a.size;

/** `x:(2)2` is a part of `x:(1)8`. */
const contains = (a: AxisRef, b: AxisRef): boolean => a.name === b.name && a.pre <= b.pre && end(b) <= end(a);

/** `x:(1)2` begins `x:(1)4`, and every axis begins itself. */
export const beginsAxis = (a: AxisRef, b: AxisRef): boolean => contains(b, a) && a.pre === b.pre;

/** Is the axis, or what holds it, in the list? */
export const listContains = (list: readonly AxisRef[], axis: AxisRef): boolean => list.some((a) => contains(a, axis));

export type PrefixStatus = 'equal' | 'strict' | 'none';

/**
 * Is the first list a prefix of the second? Its last axis may be a prefix sub-axis: `[x, y:(1)2]` of `[x, y]`.
 * (Shardy, sharding_projection.cc, isAxisListPrefixOf.)
 */
export function prefixStatus(first: readonly AxisRef[], second: readonly AxisRef[]): PrefixStatus {
  if (first.length === 0) return second.length === 0 ? 'equal' : 'strict';
  if (first.length > second.length) return 'none';
  const last = first.length - 1;
  for (let i = 0; i < last; i++) if (!sameAxis(first[i] as AxisRef, second[i] as AxisRef)) return 'none';
  if (sameAxes(first, second)) return 'equal';
  return beginsAxis(first[last] as AxisRef, second[last] as AxisRef) ? 'strict' : 'none';
}

/** May one layout have both: apart, and sub-axes of one splitting of their axis? */
export const areApart = (a: AxisRef, b: AxisRef): boolean => !overlaps(a, b) && canCoexist(a, b);

/** Can both refs be sub-axes of one splitting of their axis? `(1)2` and `(1)3` cannot, nor `(1)2` and `(3)2`. */
function canCoexist(a: AxisRef, b: AxisRef): boolean {
  if (a.name !== b.name) return true;
  const [lowStart, highStart] = [Math.min(a.pre, b.pre), Math.max(a.pre, b.pre)];
  const [lowEnd, highEnd] = [Math.min(end(a), end(b)), Math.max(end(a), end(b))];
  if (lowEnd <= highStart) return highStart % lowEnd === 0;
  return lowEnd % highStart === 0 && highStart % lowStart === 0 && highEnd % lowEnd === 0;
}

/** The largest prefix of an axis that overlaps none of the list; null where nothing is left. */
export function prefixWithoutOverlap(axis: AxisRef, list: readonly AxisRef[]): AxisRef | null {
  let found = axis;
  for (const other of list) {
    if (!canCoexist(found, other)) return null;
    if (!overlaps(found, other)) continue;
    if (found.pre >= other.pre) return null;
    found = { name: found.name, pre: found.pre, size: other.pre / found.pre };
  }
  return found;
}

/** Appends an axis; a continuation of the last one is merged with it: `x:(1)2` and `x:(2)4` become `x:(1)8`. */
export function appendMerged(axes: AxisRef[], axis: AxisRef): void {
  const last = axes.at(-1);
  if (last !== undefined && last.name === axis.name && end(last) === axis.pre) {
    axes[axes.length - 1] = { name: axis.name, pre: last.pre, size: last.size * axis.size };
  } else axes.push(axis);
}

export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

export const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

/** The largest beginning of a list that divides the size, its last axis perhaps cut; nothing divides 0 elements. */
export function evenPrefix(size: number, axes: readonly AxisRef[]): AxisRef[] {
  const kept: AxisRef[] = [];
  let rest = size;
  for (const axis of size === 0 ? [] : axes) {
    const shared = gcd(rest, axis.size);
    if (shared > 1 || axis.size === 1) kept.push({ ...axis, size: shared });
    if (shared !== axis.size) break;
    rest /= shared;
  }
  return kept;
}

/** As evenPrefix, without cutting an axis: what XLA gives an argument or result that nobody annotated so. */
export function wholePrefix(size: number, axes: readonly AxisRef[]): readonly AxisRef[] {
  let shards = 1;
  const end = axes.findIndex((axis) => size === 0 || size % (shards *= axis.size) !== 0);
  return end < 0 ? axes : axes.slice(0, end);
}

/*
 * Atoms: the common refinement of a set of axis lists, so that any two refs are equal or disjoint.
 * `x` (size 8) beside `x:(1)2` and `x:(2)4` becomes `x:(1)2, x:(2)4` everywhere.
 */

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

/** Axes whose cut points do not nest (each divides the next): refs of the others split exactly at them. */
export const brokenAxes = (cuts: Cuts): string[] =>
  [...cuts].flatMap(([name, points]) =>
    points.every((p, i) => i === 0 || p % (points[i - 1] as number) === 0) ? [] : [name],
  );

/** Splits refs at the cut points; major parts first. */
export function refine(axes: readonly AxisRef[], cuts: Cuts): AxisRef[] {
  const parts: AxisRef[] = [];
  for (const a of axes) {
    const before = parts.length;
    let pre: number | undefined;
    for (const c of cuts.get(a.name) ?? []) {
      if (c < a.pre || c > end(a)) continue;
      if (pre !== undefined) parts.push({ name: a.name, pre, size: c / pre });
      pre = c;
    }
    if (parts.length === before) parts.push(a);
  }
  return parts;
}

/** Joins neighbours that are consecutive sub-axes of one axis: `x:(1)2, x:(2)4` → `x`. */
export function mergeNeighbours(axes: readonly AxisRef[]): AxisRef[] {
  const merged: AxisRef[] = [];
  for (const a of axes) appendMerged(merged, a);
  return merged;
}

/** Sorted as the mesh has them, neighbouring sub-axes joined. */
export function inMeshOrder(axes: readonly AxisRef[], mesh: Mesh): AxisRef[] {
  const order = (a: AxisRef): number => mesh.axes.findIndex((x) => x.name === a.name);
  return mergeNeighbours([...axes].sort((a, b) => order(a) - order(b) || a.pre - b.pre || a.size - b.size));
}

export const axisKey = (a: AxisRef): string => `${a.name}:${a.pre}:${a.size}`;
export const axesKey = (axes: readonly AxisRef[]): string => axes.map(axisKey).join('+');
export const without = (axes: readonly AxisRef[], gone: readonly AxisRef[]): AxisRef[] =>
  axes.filter((a) => !gone.some((g) => sameAxis(a, g)));

/** What of the axes is in none of `gone`, sub-axes considered: `x` without `x:(1)2` is `x:(2)4`. */
export function difference(axes: readonly AxisRef[], gone: readonly AxisRef[]): AxisRef[] {
  if (axes.length === 0 || gone.length === 0) return [...axes];
  const cuts = cutsOf([axes, gone]);
  return mergeNeighbours(refine(axes, cuts).filter((a) => !listContains(gone, a)));
}

/** The longest beginning of a list that overlaps nothing in another, its last axis perhaps cut. */
export function listPrefixWithoutOverlap(axes: readonly AxisRef[], other: readonly AxisRef[]): readonly AxisRef[] {
  for (const [i, axis] of axes.entries()) {
    const prefix = prefixWithoutOverlap(axis, other);
    if (prefix === null) return axes.slice(0, i);
    if (!sameAxis(prefix, axis)) return [...axes.slice(0, i), prefix];
  }
  return axes;
}
