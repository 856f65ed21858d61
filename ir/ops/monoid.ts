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

/** What combines partial results; complex numbers have no largest or smallest, so partial maxima have no start. */
export const combinerOf = (region: Block | undefined, type: Pick<TensorType, 'dtype'>): Monoid | null =>
  startable(regionMonoid(region), type);
/** Of a region that combines several values alike. */
export const monoidsOf = (region: Block | undefined, type: Pick<TensorType, 'dtype'>): Monoid | null =>
  startable(regionMonoids(region), type);

const startable = (monoid: Monoid | null, { dtype }: Pick<TensorType, 'dtype'>): Monoid | null =>
  isComplex(dtype) && (monoid === 'max' || monoid === 'min') ? null : monoid;

/** The monoid of a region of exactly one binary op on its two parameters; null for anything else. */
export function regionMonoid(region: Block | undefined): Monoid | null {
  const [op, end] = region?.ops ?? [];
  if (
    region === undefined ||
    op === undefined ||
    end?.kind !== 'return' ||
    region.ops.length !== 2 ||
    region.params.length !== 2
  )
    return null;
  const onParams =
    op.operands.length === 2 &&
    region.params.every((p) => op.operands.includes(p)) &&
    op.operands[0] !== op.operands[1];
  return onParams && end.operands[0] === op.results[0] ? (MONOIDS[op.kind] ?? null) : null;
}

/**
 * Does a region combine each of its values with one and the same monoid: `(a1, a2, b1, b2) → (a1 ∘ b1, a2 ∘ b2)`? Then
 * partial results may be combined value by value.
 */
export function regionMonoids(region: Block | undefined): Monoid | null {
  if (region === undefined || region.params.length === 2) return regionMonoid(region);
  const count = region.params.length / 2;
  const end = region.ops.at(-1);
  const makers = region.ops.slice(0, -1);
  const kinds = new Set(makers.map((op) => op.kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.size !== 1 || makers.length !== count || end?.operands.length !== count) return null;
  const pairwise = makers.every((op) => {
    const i = end.operands.indexOf(op.results[0] as (typeof end.operands)[number]);
    const [a, b] = [region.params[i], region.params[count + i]];
    return (
      op.operands.length === 2 &&
      a !== undefined &&
      b !== undefined &&
      op.operands.includes(a) &&
      op.operands.includes(b)
    );
  });
  return pairwise ? (MONOIDS[kind] ?? null) : null;
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
