/**
 * Assignments: which axes shard each factor of one op. An op computes without communication exactly when the layouts of
 * its operands and results all follow from one assignment; every axis serves one factor only.
 */
import type { DimFactors, FactorRule } from '../../ir/factors.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AxisRef, axesSize, sameAxis } from '../../ir/mesh.ts';
import { areApart, axesKey, gcd, mergeNeighbours } from '../../ir/axes.ts';

/** Axes per factor, major first. */
export type Assignment = readonly (readonly AxisRef[])[];

export const emptyAssignment = (rule: FactorRule): Assignment => rule.factors.map(() => []);
export const assignmentKey = (a: Assignment): string => a.map(axesKey).join(';');

/**
 * Axes that a tensor's layout gives each factor. Splits axes over a dim's factors (major first) where sizes allow and
 * stops where they do not divide: what it returns always divides evenly.
 */
export function project(rule: FactorRule, dims: readonly DimFactors[], layout: Layout): Assignment {
  const found: AxisRef[][] = rule.factors.map(() => []);
  dims.forEach((factors, d) => projectDim(rule, factors, layout.dims[d]?.axes ?? [], found));
  return found;
}

function projectDim(rule: FactorRule, factors: DimFactors, axes: readonly AxisRef[], found: AxisRef[][]): void {
  let at = 0;
  let rest = (factors[0] === undefined ? undefined : rule.factors[factors[0]]?.size) ?? 1;
  for (const axis of axes) {
    let { pre, size } = axis;
    while (size > 1) {
      while (rest === 1 && at + 1 < factors.length) rest = rule.factors[factors[++at] as number]?.size ?? 1;
      const factor = factors[at];
      if (factor === undefined) return;
      const take = gcd(size, rest);
      if (take === 1) return;
      (found[factor] as AxisRef[]).push({ name: axis.name, pre, size: take });
      pre *= take;
      size /= take;
      rest /= take;
    }
  }
}

/** Axes per dim of a tensor under an assignment. */
export const dimsUnder = (dims: readonly DimFactors[], assignment: Assignment): AxisRef[][] =>
  dims.map((factors) => mergeNeighbours(factors.flatMap((f) => [...(assignment[f] ?? [])])));

/** At an axis that another factor has, a factor's axes end, or go on without it: a shard of the minor axes alone. */
export type AtTaken = 'end' | 'go on';

/** Adds what `more` suggests where it fits: no axis twice, no factor beyond `allowed`, each extending what it has. */
export function mergeInto(
  base: Assignment,
  more: Assignment,
  allowed: (factor: number) => boolean,
  atTaken: AtTaken,
): Assignment {
  let used: AxisRef[] | undefined;
  return base.map((held, f) => {
    const suggested = more[f] ?? [];
    if (suggested.length <= held.length || !allowed(f) || !held.every((a, i) => sameAxis(a, suggested[i] as AxisRef)))
      return held;
    used ??= base.flat();
    const taken = [...held];
    for (const axis of suggested.slice(held.length)) {
      if (used.every((u) => areApart(u, axis))) {
        taken.push(axis);
        used.push(axis);
      } else if (atTaken === 'end') break;
    }
    return taken;
  });
}

/**
 * Lists of suggestions to merge one after another, those left out that merge to the same: what suggests nothing adds
 * nothing, and so does what has had its say.
 */
export function distinctOrders(lists: readonly (readonly Assignment[])[]): Assignment[][] {
  const numbers = new Map<string, number>([['', 0]]);
  const known = new Map<Assignment, number>();
  const numberOf = (a: Assignment): number => {
    let number = known.get(a);
    if (number !== undefined) return number;
    const key = a.every((axes) => axes.length === 0) ? '' : assignmentKey(a);
    number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    known.set(a, number);
    return number;
  };
  const found = new Map<string, Assignment[]>();
  for (const list of lists) {
    const seen = new Set<number>([0]);
    const kept = list.filter((a) => !seen.has(numberOf(a)) && seen.add(numberOf(a)));
    const key = kept.map(numberOf).join();
    if (!found.has(key)) found.set(key, kept);
  }
  return [...found.values()];
}

/** Those that allow the same factors are one; each answers from a table. */
export function distinctLimits(
  rule: FactorRule,
  limits: readonly ((factor: number) => boolean)[],
): ((factor: number) => boolean)[] {
  const found = new Map<string, readonly boolean[]>();
  for (const limit of limits) {
    const allowed = rule.factors.map((_, f) => limit(f));
    found.set(allowed.join(), allowed);
  }
  return [...found.values()].map((allowed) => (f) => allowed[f] === true);
}

/** A factor minor to another in some dim may be sharded only if the major one is fully sharded: drop what is not. */
export function dropStrided(rule: FactorRule, assignment: Assignment): Assignment {
  if (![...rule.operands, ...rule.results].some((dims) => dims.some((factors) => factors.length > 1)))
    return assignment;
  const kept = assignment.map((axes) => [...axes]);
  for (let changed = true; changed; ) {
    changed = false;
    for (const dims of [...rule.operands, ...rule.results]) {
      for (const factors of dims) {
        let full = true;
        for (const f of factors) {
          const axes = kept[f] as AxisRef[];
          if (!full && axes.length > 0) {
            axes.length = 0;
            changed = true;
          }
          full = full && axesSize(axes) === rule.factors[f]?.size;
        }
      }
    }
  }
  return kept;
}
