/** Identity elements of the monoids that combine partial results. */
import type { Monoid } from './layout.ts';
import { DTYPES, type DType } from './types.ts';

/** A value combined with itself is itself. */
export const IDEMPOTENT: ReadonlySet<Monoid | null> = new Set(['max', 'min', 'and', 'or']);

/** The value that leaves every other unchanged: 0 for sum/or, 1 for prod/and (all ones for integers), ∓∞ for max/min. */
export function identityOf(monoid: Monoid, dtype: DType): number | bigint {
  const { class: cls, bits } = DTYPES[dtype];
  const big = bits === 64 && (cls === 'signed' || cls === 'unsigned');
  const value = (n: number, wide: bigint): number | bigint => (big ? wide : n);
  const lowest =
    cls === 'float'
      ? Number.NEGATIVE_INFINITY
      : cls === 'signed'
        ? value(-(2 ** (bits - 1)), -(2n ** 63n))
        : value(0, 0n);
  const highest =
    cls === 'float'
      ? Number.POSITIVE_INFINITY
      : cls === 'pred'
        ? 1
        : cls === 'signed'
          ? value(2 ** (bits - 1) - 1, 2n ** 63n - 1n)
          : value(2 ** bits - 1, 2n ** 64n - 1n);
  switch (monoid) {
    case 'sum':
    case 'or':
      return value(0, 0n);
    case 'prod':
      return value(1, 1n);
    case 'and':
      return cls === 'pred' ? 1 : cls === 'signed' ? value(-1, -1n) : highest;
    case 'max':
      return lowest;
    case 'min':
      return highest;
  }
}
