/**
 * Dims whose size only the run knows, below a bound (`tensor<?x16xf32, #stablehlo.bounds<8, ?>>`): the value is read
 * at its bound, and beside it the size of each such dim is kept. What stands beyond the size is never seen: where an
 * op would, it is overwritten first, as an op's padRule asks (XLA's dynamic padder does the same).
 *
 *   %d = stablehlo.set_dimension_size %x, %n, dim = 0;   %s = reduce sum %d dims=[0]
 *   →  %m = select (iota < %n), %x, 0;                    %s = reduce sum %m dims=[0]
 */
import { unsupported } from '../../diagnostics.ts';
import type { FactorRule } from '../../factors.ts';
import { padRuleOf, type OpView } from '../../op.ts';
import type { PadContent } from '../../padding.ts';
import type { ValueId } from '../../program.ts';
import type { Head, ImportContext } from './context.ts';
import type { Written } from './emit.ts';

/** By dim, the i32 that says its size. */
export type Sizes = readonly (ValueId | undefined)[];

/** Ops that give back what they take, value by value. */
const SAME: ReadonlySet<string> = new Set(['optimization_barrier', 'reshard', 'sharding_constraint']);

export interface Bounded {
  readonly operands: readonly ValueId[];
  /** Of each result. */
  readonly sizes: readonly (Sizes | undefined)[];
}

/** The operands that the op may read, and which dims of its results have a size of their own. */
export function withinBounds(c: ImportContext, head: Head, kind: string, written: Written): Bounded {
  const { operands, types, attrs = {}, regions = [] } = written;
  const none = { operands, sizes: types.map(() => undefined) };
  if (!operands.some((v) => c.bounded.has(v))) return none;
  if (SAME.has(kind) || attrs.target === 'Sharding') return { operands, sizes: operands.map((v) => c.bounded.get(v)) };
  const { registry } = c.builder;
  const def = Object.hasOwn(registry, kind) ? registry[kind] : undefined;
  if (def === undefined) throw refused(c, head);
  const view: OpView = { kind, attrs, regions, operands: operands.map((v) => c.builder.typeOf(v)), results: types };
  const rule = def.factors(view);
  const sized = sizesOfFactors(c, head, rule, operands);
  let read = operands;
  for (const [factor, size] of sized) {
    const pad = padRuleOf(def, view, rule, factor);
    const needs = pad?.needs === undefined ? [] : pad.needs(operands.map((): PadContent => 'unknown'));
    if (pad === null || pad.apart !== undefined || needs === null) throw refused(c, head);
    read = read.map((v, i) => {
      const dim = rule.operands[i]?.findIndex((held) => held.includes(factor)) ?? -1;
      return dim < 0 ? v : overwritten(c, v, dim, size, needs[i]);
    });
  }
  const sizes = rule.results.map((dims): Sizes | undefined => {
    const found = dims.map(([factor]) => (factor === undefined ? undefined : sized.get(factor)));
    return found.some((s) => s !== undefined) ? found : undefined;
  });
  return { operands: read, sizes };
}

export function noteSizes(c: ImportContext, results: readonly ValueId[], { sizes }: Pick<Bounded, 'sizes'>): void {
  results.forEach((v, i) => {
    const own = sizes[i];
    if (own !== undefined) c.bounded.set(v, own);
  });
}

/** Ends and calls: what they give or take would have no shape. */
const WORDS: Readonly<Record<string, string>> = {
  call: 'a call',
  case: 'a branch',
  return: 'a result',
  while: 'a loop',
};

export const refused = (c: ImportContext, head: Head): Error =>
  unsupported(`${WORDS[head.kind] ?? head.kind} on a dim whose size is only known at run time`, {
    span: c.span(head),
    help: 'give the dim its bound with set_dimension_size first, and mask what is not there',
  });

function sizesOfFactors(
  c: ImportContext,
  head: Head,
  rule: FactorRule,
  operands: readonly ValueId[],
): ReadonlyMap<number, ValueId> {
  const sized = new Map<number, ValueId>();
  operands.forEach((v, i) => {
    c.bounded.get(v)?.forEach((size, d) => {
      if (size === undefined) return;
      const held = rule.operands[i]?.[d] ?? [];
      const [factor] = held;
      if (factor === undefined || held.length !== 1) throw refused(c, head);
      if (!sized.has(factor)) sized.set(factor, size);
    });
  });
  return sized;
}

/** From `size` on, what the op needs there. */
function overwritten(
  c: ImportContext,
  value: ValueId,
  dim: number,
  size: ValueId,
  need: PadContent | undefined,
): ValueId {
  if (need === undefined || need === 'unknown') return value;
  const b = c.builder;
  const type = b.typeOf(value);
  const places = b.one('iota', [], { dim, dtype: 'i32', shape: type.shape });
  const limit = b.broadcastTo(size, type.shape);
  const there = b.one('compare', [places, limit], { direction: 'LT', compare_type: 'SIGNED' });
  return b.one('select', [there, value, b.splat(need === 'finite' ? 0 : need.value, type)]);
}

/** `set_dimension_size %x, %n, dim = d`: the value at its bound, and its size; none: it is all there. */
export function setSize(c: ImportContext, x: ValueId, size: ValueId | undefined, dim: number): ValueId {
  const b = c.builder;
  const type = b.typeOf(x);
  const made = b.one('reshape', [x], { shape: type.shape });
  const sizes = type.shape.map((_, d) => (d === dim ? size : c.bounded.get(x)?.[d]));
  if (sizes.some((s) => s !== undefined)) c.bounded.set(made, sizes);
  return made;
}
