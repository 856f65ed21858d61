/** Monoids: the region of reduce, scatter and all_reduce recognised as one, and their meaning on numbers. */
import type { Monoid } from '../layout.ts';
import type { Block, ValueId } from '../program.ts';
import { type DType, isComplex, isFloat, type TensorType } from '../types.ts';

const MONOIDS: Readonly<Record<string, Monoid>> = {
  add: 'sum',
  multiply: 'prod',
  maximum: 'max',
  minimum: 'min',
  and: 'and',
  or: 'or',
};

/** The op that combines two values of a monoid. */
export const OP_OF = Object.fromEntries(Object.entries(MONOIDS).map(([kind, monoid]) => [monoid, kind])) as Readonly<
  Record<Monoid, string>
>;

/** What combines partial results; complex numbers have no largest or smallest, so partial maxima have no start. */
export const combinerOf = (region: Block | undefined, type: Pick<TensorType, 'dtype'>): Monoid | null =>
  startable(regionMonoid(region), type);

/** Of a region that combines several values alike. */
export const monoidsOf = (region: Block | undefined, type: Pick<TensorType, 'dtype'>): Monoid | null =>
  startable(regionMonoids(region), type);

export const startable = (monoid: Monoid | null, { dtype }: Pick<TensorType, 'dtype'>): Monoid | null =>
  isComplex(dtype) && (monoid === 'max' || monoid === 'min') ? null : monoid;

/** The monoid of a region of exactly one binary op on its two parameters; null for anything else. */
export const regionMonoid = (region: Block | undefined): Monoid | null =>
  region?.params.length === 2 ? (placeMonoids(region)?.[0] ?? null) : null;

/**
 * Does a region combine each of its values with one and the same monoid: `(a1, a2, b1, b2) → (a1 ∘ b1, a2 ∘ b2)`? Then
 * partial results may be combined value by value.
 */
export function regionMonoids(region: Block | undefined): Monoid | null {
  const monoids = new Set(placeMonoids(region) ?? [null]);
  const [only] = monoids;
  return monoids.size === 1 ? (only ?? null) : null;
}

/** The monoid of each place of a region in which places do not meet, `(a1, a2, b1, b2) → (a1 ∘ b1, a2 • b2)`; else null. */
export function placeMonoids(region: Block | undefined): readonly Monoid[] | null {
  if (region === undefined) return null;
  const count = region.params.length / 2;
  const makers = new Map(region.ops.flatMap((op) => op.results.map((r) => [r, op] as const)));
  const end = region.ops.at(-1);
  if (end?.kind !== 'return' || end.operands.length !== count || region.ops.length !== count + 1) return null;
  const found = end.operands.map((v, i) => {
    const op = makers.get(v);
    const pair = [region.params[i], region.params[count + i]] as readonly ValueId[];
    const joins = op?.operands.length === 2 && pair.every((p) => op.operands.includes(p));
    return joins ? MONOIDS[op.kind] : undefined;
  });
  return found.some((m) => m === undefined) ? null : (found as Monoid[]);
}

/**
 * Does the region only pick, per result, among its two values of that place (argmax)? Then the same values may take part
 * any number of times. Conditions may be made of compares of any of its values.
 */
export function onlyPicks(region: Block): boolean {
  const count = region.params.length / 2;
  const place = new Map<ValueId, number>(region.params.map((p, i) => [p, i % count]));
  const conditions = new Set<ValueId>();
  for (const op of region.ops) {
    const [result] = op.results;
    if (result === undefined) return op.operands.every((v, i) => place.get(v) === i);
    const [first, ...rest] = op.kind === 'select' ? op.operands.slice(1) : op.operands;
    if (first === undefined) return false;
    const from = place.get(first);
    if (op.kind === 'compare') conditions.add(result);
    else if (CONNECTIVES.has(op.kind) && op.operands.every((v) => conditions.has(v))) conditions.add(result);
    else if (PICKING.has(op.kind) && from !== undefined && rest.every((v) => place.get(v) === from))
      place.set(result, from);
    else return false;
  }
  return false;
}

const CONNECTIVES: ReadonlySet<string> = new Set(['and', 'or', 'not', 'xor', 'select']);
const PICKING: ReadonlySet<string> = new Set(['select', 'maximum', 'minimum']);

type Combine = (a: number, b: number) => number;

const COMBINE: Readonly<Record<Monoid, Combine>> = {
  sum: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b),
  min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
};

const ON_PRED: Readonly<Record<Monoid, 'and' | 'or'>> = {
  sum: 'or',
  max: 'or',
  or: 'or',
  prod: 'and',
  min: 'and',
  and: 'and',
};

/**
 * Combines two elements. Integers of at most 32 bits stay exact: what their storage wraps is the true result modulo
 * 2³². On pred, sum is or and prod is and (StableHLO). 64-bit integers go through the region.
 */
export function combineOn(monoid: Monoid, dtype: DType): Combine {
  if (isFloat(dtype)) return COMBINE[monoid];
  if (dtype === 'pred') return COMBINE[ON_PRED[monoid]];
  return monoid === 'sum' ? (a, b) => (a + b) | 0 : monoid === 'prod' ? Math.imul : COMBINE[monoid];
}

interface Region {
  readonly params: readonly unknown[];
  readonly first?:
    | { readonly kind: string; readonly operands: readonly unknown[]; readonly results: readonly unknown[] }
    | undefined;
  readonly last?: { readonly kind: string; readonly operands: readonly unknown[] } | undefined;
}

/** `add` for a reducer `(a, b) → add a, b`; undefined for any other, or operands the other way round. */
export function reducerOf(op: { readonly regions: readonly Region[] }): string | undefined {
  const [region] = op.regions;
  const { first, last } = region ?? {};
  if (region === undefined || first === undefined || last === undefined || region.params.length !== 2) return undefined;
  const plain =
    first.operands.length === 2 &&
    first.operands[0] === region.params[0] &&
    first.operands[1] === region.params[1] &&
    last.operands.length === 1 &&
    last.operands[0] === first.results[0];
  return plain && Object.hasOwn(MONOIDS, first.kind) ? first.kind : undefined;
}
