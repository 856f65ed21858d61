/**
 * chlo.mulhi: the upper half of the product of two integers. Where a type twice as wide exists the product is taken
 * in it; of 64 bits it is put together from products of 32-bit halves (Knuth, vol. 2, 4.3.1, algorithm M).
 */
import type { ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { type DType, DTYPES, withDType } from '../types.ts';

export function mulhi(b: TypedBuilder, x: ValueId, y: ValueId): ValueId {
  const { dtype } = b.typeOf(x);
  const { bits, class: cls } = DTYPES[dtype];
  if (bits < 64) return throughWider(b, x, y, dtype, Math.max(32, 2 * bits));
  return cls === 'signed' ? signedHigh(b, x, y) : unsignedHigh(b, x, y);
}

function throughWider(b: TypedBuilder, x: ValueId, y: ValueId, dtype: DType, width: number): ValueId {
  const { bits, class: cls } = DTYPES[dtype];
  const wide = `${cls === 'signed' ? 'i' : 'u'}${width}` as DType;
  const [l, r] = [x, y].map((v) => b.one('convert', [v], { dtype: wide })) as [ValueId, ValueId];
  const by = b.splat(width === 64 ? BigInt(bits) : bits, withDType(b.typeOf(x), wide));
  return b.one('convert', [b.one('shift_right_logical', [b.one('multiply', [l, r]), by])], { dtype });
}

/** Of x = x1·2^32 + x0 and y likewise: x1·y1, and what the products below carry into it. */
function unsignedHigh(b: TypedBuilder, x: ValueId, y: ValueId): ValueId {
  const type = b.typeOf(x);
  const mask = b.splat(0xffffffffn, type);
  const half = b.splat(32n, type);
  const low = (v: ValueId): ValueId => b.one('and', [v, mask]);
  const high = (v: ValueId): ValueId => b.one('shift_right_logical', [v, half]);
  const times = (l: ValueId, r: ValueId): ValueId => b.one('multiply', [l, r]);
  const plus = (l: ValueId, r: ValueId): ValueId => b.one('add', [l, r]);
  const middle = plus(times(high(x), low(y)), high(times(low(x), low(y))));
  const other = plus(times(low(x), high(y)), low(middle));
  return plus(times(high(x), high(y)), plus(high(middle), high(other)));
}

/** Two's complement: the unsigned one, less the other operand for each that is negative. */
function signedHigh(b: TypedBuilder, x: ValueId, y: ValueId): ValueId {
  const type = b.typeOf(x);
  const zero = b.splat(0n, type);
  const [ux, uy] = [x, y].map((v) => b.one('bitcast_convert', [v], { dtype: 'u64', shape: type.shape }));
  const high = unsignedHigh(b, ux as ValueId, uy as ValueId);
  const signed = b.one('bitcast_convert', [high], { dtype: type.dtype, shape: type.shape });
  const ifNegative = (v: ValueId, other: ValueId): ValueId =>
    b.one('select', [b.one('compare', [v, zero], { direction: 'LT', compare_type: 'SIGNED' }), other, zero]);
  return b.one('subtract', [b.one('subtract', [signed, ifNegative(x, y)]), ifNegative(y, x)]);
}
