/** What passes may know of a tensor op: its facets. One definition per op, in ir/ops/. */
import type { Precision, TensorArray } from './array.ts';
import type { FactorRule } from './factors.ts';
import type { Gradient } from './gradient.ts';
import type { Monoid } from './layout.ts';
import type { PadRule } from './padding.ts';
import type { Attrs, Block, Op, ValueId } from './program.ts';
import type { TypedBuilder } from './typed-build.ts';
import type { TensorType } from './types.ts';

/** What a rule may ask of the op that made an operand. */
export interface Maker {
  readonly kind: string;
  readonly operands: readonly unknown[];
  readonly attrs?: Attrs;
}

/** Everything a facet may read: types, attributes and regions, never values or layouts. */
export interface OpView<A extends Attrs = Attrs> {
  readonly kind: string;
  readonly attrs: A;
  readonly operands: readonly TensorType[];
  readonly results: readonly TensorType[];
  readonly regions: readonly Block[];
  /** The ops that made the operands, where the asker knows them: two factor rules and a sort look at them. */
  readonly makers?: readonly (Maker | undefined)[];
  /** What tells the operands apart, where the asker knows: one rule asks whether some are the same value. */
  readonly values?: readonly unknown[];
}

export interface KernelContext {
  readonly precision: Precision;
  /** Runs a region (a reducer, a comparator) on scalars or arrays. */
  call(region: Block, inputs: readonly TensorArray[]): TensorArray[];
}

/**
 * How per-device attributes follow from global ones: given the op's view at per-device shapes and, per factor, how many
 * shards it has. Only ops whose attributes mention sizes need it (slice limits, gather slice_sizes, iota's shape …).
 */
export interface LocalShapes {
  readonly operands: readonly TensorType[];
  readonly results: readonly TensorType[];
}

export interface OpDef<A extends Attrs = Attrs> {
  readonly kind: string;
  /** Result types, or throws InferError with the rule that was broken. */
  infer(view: Omit<OpView<A>, 'results'>): readonly TensorType[];
  factors(view: OpView<A>): FactorRule;
  /**
   * How the op may be split over devices, where that is more than propagation may assume; absent = as `factors`. Factors
   * of `halo` are this rule's.
   */
  split?: (view: OpView<A>) => FactorRule;
  /** The reference meaning: slow and obvious. Result shapes come from view.results. */
  kernel(view: OpView<A>, inputs: readonly TensorArray[], ctx: KernelContext): readonly TensorArray[];
  /** Attributes at per-device shapes; absent = unchanged. */
  localAttrs?(view: OpView<A>, local: LocalShapes): Attrs;
  /**
   * Operand index sets the op is jointly linear in (addition of all of a set commutes with the op): unreduced sums may
   * pass. `multiply` → [[0], [1]], `add` → [[0, 1]], `transpose` → [[0]].
   */
  linearity?: (view: OpView<A>) => readonly (readonly number[])[];
  /** Monoid that combines partial results over `reduce` factors; null = none (argmax): the partitioner gathers instead. */
  combiner?: (view: OpView<A>) => Monoid | null;
  /**
   * Elements along a factor's dim that each of its `shards` receives from others, per operand (empty = none); null = it
   * cannot be split so. Absent: permute factors stay whole, others receive nothing.
   */
  halo?: (view: OpView<A>, factor: number, shards: number) => readonly number[] | null;
  /** In how many collectives, one after another, an operand's halo comes; absent = one. */
  exchanges?: (view: OpView<A>, factor: number, shards: number) => number;
  /** Reverse mode; absent = a gradient cannot flow through. */
  gradient?: Gradient<A>;
  /**
   * The op in ops that XLA knows, at whatever shapes it stands: how one from outside is exported. Writes them and gives
   * what stands for the results.
   */
  expand?(b: TypedBuilder, op: Pick<Op, 'operands' | 'attrs' | 'regions'>): readonly ValueId[];
  /**
   * What happens when a factor of `factors` is longer than it truly is; null = the op must see the true size. Absent:
   * factors that pass from operands to results may be padded, others not.
   */
  padRule?: (view: OpView<A>, factor: number, rule: FactorRule) => PadRule | null;
  /** Attributes at padded shapes; absent = as at per-device shapes. `view` has the true ones. */
  padAttrs?(view: OpView<A>, padded: LocalShapes): Attrs;
  /** Floating-point operations at these shapes; absent = one per result element. */
  flops?: (view: OpView<A>) => number;
}

export const splitRule = (def: AnyOpDef, view: OpView): FactorRule => def.split?.(view) ?? def.factors(view);

/** The `halo` facet with its default: factors of pass and reduce kind that need not stay whole receive nothing. */
export function haloOfFactor(
  def: AnyOpDef,
  view: OpView,
  rule: FactorRule,
  factor: number,
  shards: number,
): readonly number[] | null {
  if (def.halo !== undefined) return def.halo(view, factor, shards);
  const { kind, whole } = rule.factors[factor] ?? {};
  return whole !== true && (kind === 'pass' || kind === 'reduce') ? [] : null;
}

/** The `padRule` facet with its default. A dim that only results have is made by the op, which may count in it. */
export function padRuleOf(def: AnyOpDef, view: OpView, rule: FactorRule, factor: number): PadRule | null {
  if (def.padRule !== undefined) return def.padRule(view, factor, rule);
  const taken = rule.operands.some((dims) => dims.some((held) => held.includes(factor)));
  return passes(rule, factor) && taken ? {} : null;
}

/** The first operand or result, of an op that has one at least. */
export const firstOf = <T>(list: readonly T[]): T => list[0] as T;

/** Every shard does its own part of the factor. */
export const passes = ({ factors }: FactorRule, factor: number): boolean =>
  factors[factor]?.kind === 'pass' && factors[factor].whole !== true;

/** Attributes at other shapes than the op has: a shard's, by `localAttrs`; most only name the result's shape. */
export function attrsAt(def: AnyOpDef | undefined, view: OpView, shapes: LocalShapes): Attrs {
  if (def?.localAttrs !== undefined) return def.localAttrs(view, shapes);
  const [result] = shapes.results;
  return view.attrs.shape !== undefined && result !== undefined ? { ...view.attrs, shape: result.shape } : view.attrs;
}

/** Attribute types vary per op: this is the one place where they are erased. */
// biome-ignore lint/suspicious/noExplicitAny: the registry erases per-op attribute types (docs/design.md §9.6)
export type AnyOpDef = OpDef<any>;
export type Registry = Readonly<Record<string, AnyOpDef>>;

/** Thrown by `infer`: which rule the op breaks. The caller adds place and op name. */
export class InferError extends Error {}

/** States the attribute type once and keeps it inside the definition. */
export const defineOp = <A extends Attrs>(def: OpDef<A>): AnyOpDef => def;
