/**
 * What an op could do: assignments suggested by the layouts its operands have and its result is wanted in, with what each
 * needs of the operands and gives. At most 8 or so; insert-reshards prices them.
 */
import { areApart } from '../../ir/axes.ts';
import type { FactorRule } from '../../ir/factors.ts';
import type { Layout, Monoid } from '../../ir/layout.ts';
import { type AxisRef, axesSize, overlaps, sameAxes } from '../../ir/mesh.ts';
import {
  type Assignment,
  type AtTaken,
  assignmentKey,
  dimsUnder,
  distinctLimits,
  distinctOrders,
  dropStrided,
  emptyAssignment,
  mergeInto,
  project,
} from './assignment.ts';
import type { LayoutTable } from './layout-table.ts';

export interface Candidate {
  readonly assignment: Assignment;
  /** What the layouts around suggested, where this is that rearranged: the work is split at least as far. */
  readonly from: Assignment | undefined;
  readonly operands: readonly Layout[];
  readonly results: readonly Layout[];
  /** Elements received from neighbours along each operand's dims, and in how many collectives one after another. */
  readonly halos: readonly Received[];
  /** Product of the shard counts of all factors: how many ways the work is split. */
  readonly shards: number;
}

export interface Received {
  readonly operand: number;
  readonly dim: number;
  readonly elements: number;
  readonly exchanges: number;
}

export interface OpShape {
  readonly rule: FactorRule;
  /** Monoid over reduce factors; null = they cannot be sharded. */
  readonly combiner: Monoid | null;
  /** Elements received per operand where a factor is in so many shards (empty = none); null = it cannot be. */
  readonly halo: (factor: number, shards: number) => readonly number[] | null;
  readonly exchanges: (factor: number, shards: number) => number;
  /** Extents of operands and results, to leave out what does not divide. */
  readonly shapes: {
    readonly operands: readonly (readonly number[])[];
    readonly results: readonly (readonly number[])[];
  };
  /** Idle axes that a factor takes where they are free (decide/dot-work.ts). */
  readonly spare: { readonly factor: number; readonly axes: readonly AxisRef[] } | undefined;
  /** Axes that may go to any other factor, in use or idle: of dots, the mesh's that are laid out. */
  readonly movable: readonly AxisRef[];
  /** No other op reads the operands: a gathered copy would serve this op alone. */
  readonly readsAlone: boolean;
  /** Operand sets that may pass sums still owed; empty = none. */
  readonly linear: readonly (readonly number[])[];
  /** Per operand: zero all over, which stands for any sum that is owed. */
  readonly zeros: readonly boolean[];
}

/**
 * `operandLayouts[i]`: layouts in which operand i is at hand or expected; `wanted[i]`: in which result i is wanted, the
 * propagated one first. `atTaken`: suggestions are merged in each of these ways.
 */
export function candidates(
  table: LayoutTable,
  op: OpShape,
  operandLayouts: readonly (readonly Layout[])[],
  wanted: readonly (readonly Layout[])[],
  atTaken: readonly AtTaken[],
): Candidate[] {
  const { rule } = op;
  const sources: Assignment[][] = [
    wantedOf(rule, wanted),
    ...operandLayouts.map((layouts, i) => unique(layouts.map((l) => project(rule, rule.operands[i] ?? [], l)))),
  ];
  const may = (f: number): boolean => shardable(op, f);
  const notReduce = (f: number): boolean => may(f) && rule.factors[f]?.kind !== 'reduce';
  const notHalo = (f: number): boolean => may(f) && op.halo(f, 1)?.length === 0;
  const found = new Map<string, Assignment>();
  const add = (a: Assignment): void => {
    const kept = dropStrided(
      rule,
      a.map((axes, f) => (axes.length === 0 || fits(op, f, axesSize(axes)) ? axes : [])),
    );
    found.set(assignmentKey(kept), kept);
  };
  const suggested = orders(sources.length).flatMap((order) => picks(order.map((i) => sources[i] as Assignment[])));
  for (const chosen of distinctOrders(suggested))
    for (const allowed of distinctLimits(rule, [may, notReduce, notHalo]))
      for (const way of atTaken) add(chosen.reduce((a, s) => mergeInto(a, s, allowed, way), emptyAssignment(rule)));
  const stuck = op.readsAlone ? stuckAxes(rule, sources.slice(1), notHalo) : [];
  if (stuck.length > 0) {
    for (const a of [...found.values()]) for (const moved of elsewhere(rule, a, stuck, notHalo)) add(moved);
  }
  const { spare } = op;
  if (spare !== undefined)
    for (const a of [...found.values()])
      if (a[spare.factor]?.length === 0 && a.flat().every((u) => spare.axes.every((x) => areApart(u, x))))
        add(a.map((held, f) => (f === spare.factor ? spare.axes : held)));
  return [...found.values()].flatMap((a) => laidOut(table, op, a, operandLayouts));
}

/** Exactly what the results are wanted in. */
export function asWanted(
  table: LayoutTable,
  op: OpShape,
  operandLayouts: readonly (readonly Layout[])[],
  wanted: readonly (readonly Layout[])[],
): Candidate[] {
  const { rule } = op;
  const fit = (a: Assignment): boolean =>
    a.every((axes, f) => axes.length === 0 || (shardable(op, f) && fits(op, f, axesSize(axes))));
  return wantedOf(rule, wanted)
    .filter(fit)
    .flatMap((a) => laidOut(table, op, dropStrided(rule, a), operandLayouts));
}

const wantedOf = (rule: FactorRule, wanted: readonly (readonly Layout[])[]): Assignment[] =>
  unique(wanted.flatMap((layouts, i) => layouts.map((l) => project(rule, rule.results[i] ?? [], l))));

/** What the op asks and gives under an assignment: with every sum paid, and with what it may pass owed. */
export const laidOut = (
  table: LayoutTable,
  op: OpShape,
  a: Assignment,
  operandLayouts: readonly (readonly Layout[])[],
  from?: Assignment,
): Candidate[] => [layOut(table, op, a, from, [], []), ...keepingOwed(table, op, a, from, operandLayouts)];

/** Axes that operands have on factors which the op needs whole, as a sort's dim, or with parts of neighbours. */
function stuckAxes(
  rule: FactorRule,
  operands: readonly (readonly Assignment[])[],
  may: (f: number) => boolean,
): AxisRef[] {
  const found: AxisRef[] = [];
  rule.factors.forEach((_, f) => {
    if (may(f)) return;
    for (const [first] of operands) {
      for (const axis of first?.[f] ?? []) if (!found.some((x) => overlaps(x, axis))) found.push(axis);
    }
  });
  return found;
}

/** Stuck axes up to which each is tried alone too. */
const FEW = 3;

/** The assignment with the stuck axes on another factor, or on several: all_to_alls may be cheaper than a gather. */
function elsewhere(
  rule: FactorRule,
  base: Assignment,
  stuck: readonly AxisRef[],
  may: (f: number) => boolean,
): Assignment[] {
  const used = base.flat();
  const free = stuck.filter((x) => used.every((u) => areApart(u, x)));
  if (free.length === 0) return [];
  const open = rule.factors.flatMap(({ kind }, f) => (kind === 'pass' && may(f) ? [f] : []));
  const fitsOn = (f: number, axes: readonly AxisRef[]): boolean => (rule.factors[f]?.size ?? 1) % axesSize(axes) === 0;
  /** Each axis on the first of these factors that it divides. */
  const spread = (factors: readonly number[], axes: readonly AxisRef[]): Assignment => {
    const found = base.map((held) => [...held]);
    for (const axis of axes) {
      const f = factors.find((g) => fitsOn(g, [...(found[g] ?? []), axis]));
      if (f !== undefined) found[f]?.push(axis);
    }
    return found;
  };
  return open.flatMap((f) => {
    if (fitsOn(f, [...(base[f] ?? []), ...free])) return [spread([f], free)];
    const alone = free.length > 1 && free.length <= FEW ? free.map((axis) => spread([f], [axis])) : [];
    return [...alone, spread([f, ...open.filter((g) => g !== f)], free)];
  });
}

export const shardable = (op: OpShape, f: number): boolean =>
  op.halo(f, 1) !== null && (op.rule.factors[f]?.kind !== 'reduce' || op.combiner !== null);

/** A factor in so many shards: the dims that hold it divide, and its neighbours can give what it needs. */
export function fits(op: OpShape, f: number, shards: number): boolean {
  const even = (tensors: FactorRule['operands'], shapes: readonly (readonly number[])[]): boolean =>
    tensors.every((dims, t) => dims.every((held, d) => !held.includes(f) || (shapes[t]?.[d] ?? 0) % shards === 0));
  return (
    op.halo(f, shards) !== null &&
    even(op.rule.operands, op.shapes.operands) &&
    even(op.rule.results, op.shapes.results)
  );
}

/** Variants in which a linear operand set stays unreduced and the result takes over what is owed. */
function keepingOwed(
  table: LayoutTable,
  op: OpShape,
  a: Assignment,
  from: Assignment | undefined,
  operandLayouts: readonly (readonly Layout[])[],
): Candidate[] {
  const found: Candidate[] = [];
  for (const set of op.linear) {
    const held = set.filter((i) => op.zeros[i] !== true);
    const [first] = held;
    if (first === undefined) continue;
    for (const layout of operandLayouts[first] ?? []) {
      const owed = layout.unreduced;
      if (owed.length === 0 || (layout.monoid ?? 'sum') !== 'sum') continue;
      const all = held.every((i) => operandLayouts[i]?.some((l) => sameAxes(l.unreduced, owed)));
      const free = a.map((axes) => axes.filter((x) => owed.every((o) => areApart(o, x))));
      if (all) found.push(layOut(table, op, dropStrided(op.rule, free), from, owed, set));
    }
  }
  return found;
}

function layOut(
  table: LayoutTable,
  op: OpShape,
  assignment: Assignment,
  from: Assignment | undefined,
  owed: readonly AxisRef[],
  set: readonly number[],
): Candidate {
  const { rule } = op;
  const partial = rule.factors.flatMap((f, i) => (f.kind === 'reduce' ? [...(assignment[i] ?? [])] : []));
  const monoid = op.combiner ?? 'sum';
  return {
    assignment,
    from,
    halos: halosOf(op, assignment),
    shards: assignment.reduce((n, axes) => n * axesSize(axes), 1),
    operands: rule.operands.map((dims, i) => table.of(dimsUnder(dims, assignment), set.includes(i) ? owed : [])),
    results: rule.results.map((dims) =>
      table.of(dimsUnder(dims, assignment), [...partial, ...owed], partial.length > 0 ? monoid : 'sum'),
    ),
  };
}

function halosOf(op: OpShape, assignment: Assignment): Received[] {
  return assignment.flatMap((axes, f) => {
    if (axes.length === 0) return [];
    const exchanges = op.exchanges(f, axesSize(axes));
    return (op.halo(f, axesSize(axes)) ?? []).flatMap((elements, operand): Received[] => {
      const dim = (op.rule.operands[operand] ?? []).findIndex((held) => held.includes(f));
      return elements === 0 ? [] : [{ operand, dim, elements, exchanges }];
    });
  });
}

/** Orders in which tensors (0 = results, 1… = operands) have their say. All for up to 3; beyond, each first once. */
function orders(count: number): number[][] {
  if (count <= 3) return permutations(Array.from({ length: count }, (_, i) => i));
  return Array.from({ length: count }, (_, first) => [
    first,
    ...Array.from({ length: count }, (_, i) => i).filter((i) => i !== first),
  ]);
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((x, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [x, ...rest]),
  );
}

/** One suggestion per tensor; where a tensor has several, each once beside the others' first. */
function picks(options: readonly (readonly Assignment[])[]): Assignment[][] {
  const first = options.flatMap((o) => o.slice(0, 1));
  return [
    first,
    ...options.flatMap((o, i) => o.slice(1, 3).map((alternative) => first.map((f, j) => (j === i ? alternative : f)))),
  ];
}

function unique(list: readonly Assignment[]): Assignment[] {
  return [...new Map(list.map((a) => [assignmentKey(a), a])).values()];
}
