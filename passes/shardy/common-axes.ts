/**
 * One list of axes per factor that all tensors of an op can agree on (Shardy, explicit_reshards_util.cc, findCommonAxes):
 * as they are where nothing conflicts, else greedily by the size of the tensors that have them.
 */
import { appendMerged, listPrefixWithoutOverlap, prefixStatus } from '../../ir/axes.ts';
import type { FactorKind, FactorRule } from '../../ir/factors.ts';
import { type AxisRef, axesSize, overlaps, sameAxes } from '../../ir/mesh.ts';
import type { Projection } from '../propagate/projection.ts';

export type AxesPerFactor = readonly (readonly AxisRef[])[];

export function commonAxes(rule: FactorRule, projection: Projection, sizes: readonly number[]): AxesPerFactor {
  return (
    compatible(rule, projection) ??
    ofOneTensor(rule, projection, sizes) ??
    distributed(rule, projection, greedy(rule, projection, sizes))
  );
}

const tensorsOf = ({ operands, results }: Projection): Projection['operands'] => [...operands, ...results];

/** The axes that every tensor with the factor has; undefined where they differ. */
export function sharedAxes(projection: Projection, factor: number): readonly AxisRef[] | undefined {
  const lists = tensorsOf(projection).flatMap((t) => (t.factors[factor] === undefined ? [] : [t.factors[factor].axes]));
  const first = lists[0] ?? [];
  return lists.every((l) => sameAxes(l, first)) ? first : undefined;
}

function compatible(rule: FactorRule, projection: Projection): AxesPerFactor | undefined {
  const found: (readonly AxisRef[])[] = [];
  const seen: AxisRef[] = [];
  for (const [f, { kind }] of rule.factors.entries()) {
    const axes = sharedAxes(projection, f);
    if (axes === undefined || (kind === 'replicate' && axes.length > 0)) return undefined;
    if (axes.some((a) => seen.some((b) => overlaps(a, b)))) return undefined;
    found.push(axes);
    seen.push(...axes);
  }
  return found;
}

/**
 * Of two tensors with a factor per dim, none of which has to be whole, one keeps its axes: that without sharded permutations,
 * then the larger, then the more sharded (findCommonAxesOnUnaryOperation).
 */
function ofOneTensor(rule: FactorRule, projection: Projection, sizes: readonly number[]): AxesPerFactor | undefined {
  const tensors = tensorsOf(projection).map((t, i) => ({ t, size: sizes[i] ?? 0 }));
  const [a, b, ...more] = tensors.filter(({ t }) => t.dims.length > 0);
  if (a === undefined || b === undefined || more.length > 0) return undefined;
  if (rule.factors.some(({ kind }) => kind === 'replicate')) return undefined;
  if (tensors.some(({ t }) => t.dims.some((held) => held.length > 1))) return undefined;
  const rank = ({ t, size }: typeof a): number[] => [
    Number(!t.factors.some((held, f) => rule.factors[f]?.kind === 'permute' && (held?.axes.length ?? 0) > 0)),
    size,
    t.factors.reduce((n, held) => n * axesSize(held?.axes ?? []), 1),
  ];
  const [kept, other] = compareNumbers(rank(a), rank(b)) >= 0 ? [a.t, b.t] : [b.t, a.t];
  const all = kept.factors.flatMap((held) => [...(held?.axes ?? [])]);
  return rule.factors.map(
    (_, f) => kept.factors[f]?.axes ?? listPrefixWithoutOverlap(other.factors[f]?.axes ?? [], all),
  );
}

const compareNumbers = (a: readonly number[], b: readonly number[]): number =>
  a.map((x, i) => x - (b[i] ?? 0)).find((d) => d !== 0) ?? 0;

interface Candidate {
  readonly factor: number;
  axes: readonly AxisRef[];
  /** Elements of the tensors that have these axes on the factor. */
  sources: number;
  /** Shards it would add to what the factor has. */
  shards: number;
}

const RANK: Readonly<Record<FactorKind, number>> = { pass: 3, reduce: 2, permute: 1, replicate: 0 };

function greedy(rule: FactorRule, projection: Projection, sizes: readonly number[]): AxesPerFactor {
  const found: (readonly AxisRef[])[] = rule.factors.map(() => []);
  const waitsFor = dependencies(rule);
  let candidates = candidatesOf(projection, sizes);
  while (candidates.length > 0) {
    const free = candidates.filter((c) => (waitsFor.get(c.factor)?.size ?? 0) === 0);
    const best = free.reduce<Candidate | undefined>((a, b) => (a === undefined || less(rule, a, b) ? b : a), undefined);
    if (best === undefined) break;
    const taken = best.axes;
    found[best.factor] = taken;
    if (axesSize(taken) === rule.factors[best.factor]?.size)
      for (const set of waitsFor.values()) set.delete(best.factor);
    candidates = candidates.filter((c) => {
      if (c.factor === best.factor) {
        c.shards = axesSize(c.axes) / axesSize(taken);
        return prefixStatus(taken, c.axes) === 'strict';
      }
      const cut = listPrefixWithoutOverlap(c.axes, taken);
      const before = found[c.factor] as readonly AxisRef[];
      if (!sameAxes(cut, c.axes)) {
        c.axes = cut;
        if (sameAxes(cut, before)) return false;
      }
      c.shards = axesSize(c.axes) / axesSize(before);
      return c.axes.length > 0;
    });
  }
  return found;
}

/** Minor factors of a dim wait until the major ones are fully sharded. */
function dependencies(rule: FactorRule): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  for (const held of [...rule.operands, ...rule.results].flat()) {
    held.slice(1).forEach((f, i) => {
      const set = found.get(f) ?? new Set<number>();
      found.set(f, set.add(held[i] as number));
    });
  }
  return found;
}

/** Every prefix of the axes of every factor of every tensor. */
function candidatesOf(projection: Projection, sizes: readonly number[]): Candidate[] {
  const found: Candidate[] = [];
  const each = (visit: (factor: number, axes: readonly AxisRef[], size: number) => void): void =>
    tensorsOf(projection).forEach((t, i) =>
      t.factors.forEach((held, f) => {
        if (held !== undefined) visit(f, held.axes, sizes[i] ?? 0);
      }),
    );
  each((factor, axes) => {
    for (let n = axes.length; n > 0; n--) {
      const prefix = axes.slice(0, n);
      if (!found.some((c) => c.factor === factor && sameAxes(c.axes, prefix)))
        found.push({ factor, axes: prefix, sources: 0, shards: axesSize(prefix) });
    }
  });
  each((factor, axes, size) => {
    for (const c of found)
      if (c.factor === factor && (sameAxes(c.axes, axes) || prefixStatus(c.axes, axes) === 'strict')) c.sources += size;
  });
  return found;
}

function less(rule: FactorRule, a: Candidate, b: Candidate): boolean {
  const rank = (c: Candidate): number => RANK[rule.factors[c.factor]?.kind ?? 'pass'];
  const order = a.sources - b.sources || rank(a) - rank(b) || a.shards - b.shards || a.factor - b.factor;
  return order === 0 ? compareAxes(a.axes, b.axes) < 0 : order < 0;
}

function compareAxes(a: readonly AxisRef[], b: readonly AxisRef[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i];
    if (y === undefined) return 1;
    const order = x.name === y.name ? x.pre - y.pre || x.size - y.size : x.name < y.name ? -1 : 1;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Axes of a dim that must be whole go to dims that all tensors share, where they divide them. */
function distributed(rule: FactorRule, projection: Projection, axes: AxesPerFactor): AxesPerFactor {
  const found = axes.map((list) => [...list]);
  const inAll = (f: number): boolean =>
    tensorsOf(projection).every((t) => t.dims.length === 0 || t.factors[f] !== undefined);
  const batch = rule.factors.flatMap(({ kind }, f) => (kind === 'pass' && inAll(f) ? [f] : []));
  rule.factors.forEach(({ kind }, f) => {
    if (kind !== 'replicate') return;
    const rest = found[f] as AxisRef[];
    found[f] = [];
    if (inAll(f)) placeOn(rule, batch, found, rest);
  });
  return found;
}

function placeOn(rule: FactorRule, batch: readonly number[], found: AxisRef[][], rest: AxisRef[]): void {
  for (const b of batch) {
    const list = found[b] as AxisRef[];
    const size = rule.factors[b]?.size ?? 0;
    if (size === 0 || size % axesSize(list) !== 0) continue;
    let room = size / axesSize(list);
    while (rest[0] !== undefined && room % rest[0].size === 0) {
      room /= rest[0].size;
      appendMerged(list, rest.shift() as AxisRef);
    }
  }
}
