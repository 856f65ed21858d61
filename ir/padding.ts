/**
 * Padding: dims whose size does not divide by their shards are made longer, and what stands in the added elements is
 * tracked, so that it is overwritten only where an op would let it be seen.
 *
 *   %x : f32[12] of 10 true elements        reduce sum of %x needs 0 in [10, 12); tanh of %x needs nothing
 */
import { DTYPES, type DType } from './types.ts';

/**
 * What the padding of one dim holds, at every index of the other dims: one value everywhere, finite numbers, or anything.
 * Also what an op needs to find there; `unknown` is then no need at all.
 */
export type PadContent = 'unknown' | 'finite' | { readonly value: number | bigint };

/** A dim that is longer than it truly is, over all devices: elements from `size` on, up to `padded`, hold `holds`. */
export interface DimPadding {
  readonly size: number;
  readonly padded: number;
  readonly holds: PadContent;
}

/** How an op fares when a factor is longer than it truly is. */
export interface PadRule {
  /**
   * Operands and results do not have one extent along this factor (windows, slices): each dim is padded on its own, or
   * those of operands only, and the op's `padAttrs` or its rewriter in pad-dims says what then changes.
   */
  readonly apart?: 'all' | 'operands';
  /**
   * What each operand must hold in the padding, given what it holds; an absent entry is no need, null that nothing that
   * is known beforehand would do.
   */
  needs?(held: readonly PadContent[]): readonly (PadContent | undefined)[] | null;
  /** What each result then holds, given what the operands do; absent = finite for integers, else unknown. */
  gives?(held: readonly PadContent[]): readonly PadContent[];
}

/** Results hold what the first operand does: of ops that move elements. */
export const COPIES: PadRule = { gives: (held) => [held[0] ?? 'unknown'] };

/** What is known of the elements of a type before anything is known of them. */
export const anyOf = (dtype: DType): PadContent => {
  const { class: cls } = DTYPES[dtype];
  return cls === 'float' || cls === 'complex' ? 'unknown' : 'finite';
};

export const holdsFinite = (held: PadContent): boolean =>
  held === 'finite' || (held !== 'unknown' && (typeof held.value === 'bigint' || Number.isFinite(held.value)));

/** Zeros of either sign are one value: no need tells them apart. */
const sameValue = (a: number | bigint, b: number | bigint): boolean =>
  a === b || (typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b));

/** Is there what is needed? */
export function satisfies(held: PadContent, need: PadContent | undefined): boolean {
  if (need === undefined || need === 'unknown') return true;
  if (need === 'finite') return holdsFinite(held);
  return typeof held === 'object' && sameValue(held.value, need.value);
}

/** What holds of both. */
export function meet(a: PadContent, b: PadContent): PadContent {
  if (satisfies(a, b)) return b;
  if (satisfies(b, a)) return a;
  return holdsFinite(a) && holdsFinite(b) ? 'finite' : 'unknown';
}

export const zeroOf = (dtype: DType): number | bigint => (dtype === 'i64' || dtype === 'u64' ? 0n : 0);

/** Of a value of this shape whose true one is `whole`; undefined where these are the same. */
export function paddingOf(
  whole: readonly number[],
  shape: readonly number[],
  held: (d: number) => PadContent = () => 'unknown',
): readonly (DimPadding | undefined)[] | undefined {
  const found = shape.map((padded, d) => {
    const size = whole[d] as number;
    return size === padded ? undefined : { size, padded, holds: held(d) };
  });
  return found.some((p) => p !== undefined) ? found : undefined;
}
