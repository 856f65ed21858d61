/** Another element type, or fewer bits of the same. */
import type { Storage, TensorArray } from '../array.ts';
import { type AnyOpDef, defineOp, type KernelContext } from '../op.ts';
import type { OpAttrs } from '../attrs.ts';
import { type DType, DTYPES, isComplex, isFloat, partOf, tensor, type TensorType } from '../types.ts';
import { paired, part } from './complex.ts';
import { pointwiseRule } from './pointwise.ts';
import { filled, roundFormat } from './rounding.ts';

export const isExact = (dtype: DType): boolean => !isFloat(dtype) && !isComplex(dtype);

export const convert: AnyOpDef = defineOp<OpAttrs['convert']>({
  kind: 'convert',
  infer: ({ operands, attrs }) => [tensor(attrs.dtype, (operands[0] as TensorType).shape)],
  factors: pointwiseRule,
  kernel({ results }, [a], ctx) {
    const type = results[0] as TensorType;
    const re = converted(part(a as TensorArray, 0), partOf(type.dtype), ctx);
    if (!isComplex(type.dtype)) return [re];
    const im = isComplex((a as TensorArray).dtype)
      ? converted(part(a as TensorArray, 1), partOf(type.dtype), ctx)
      : { ...re, data: re.data.slice().fill(0 as never) };
    return [paired({ dtype: type.dtype, shape: re.shape }, re, im)];
  },
  linearity: ({ operands, attrs }) => (isExact((operands[0] as TensorType).dtype) || isExact(attrs.dtype) ? [] : [[0]]),
});

/** Complex to real drops the imaginary part, real to complex adds one of zero: parts are converted alone. */
function converted(x: TensorArray, dtype: DType, ctx: KernelContext): TensorArray {
  const data = filled(dtype, x.data.length, ctx.precision, (out) => convertInto(x, dtype, out));
  return { dtype, shape: x.shape, data };
}

/** Float → integer truncates and saturates, NaN → 0; integer → narrower integer wraps; anything → pred is ≠ 0. */
function convertInto(from: TensorArray, dtype: TensorType['dtype'], out: Storage): void {
  const { class: cls, bits } = DTYPES[dtype];
  const wideOut = out instanceof BigInt64Array || out instanceof BigUint64Array;
  const [low, high] = cls === 'signed' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const [least, most] = cls === 'signed' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  /** f64 cannot hold the largest 64-bit integers, so these are met exactly. */
  const saturated = (v: number): bigint => {
    if (Number.isNaN(v)) return 0n;
    return v <= low ? least : v >= high ? most : BigInt(Math.trunc(v));
  };
  const cut = (v: number): number => (Number.isNaN(v) ? 0 : Math.min(Math.max(Math.trunc(v), low), high));
  const source = from.data;
  const fromFloat = isFloat(from.dtype);
  for (let i = 0; i < source.length; i++) {
    const v = source[i] as number | bigint;
    if (cls === 'pred') (out as Uint8Array)[i] = Number(v) !== 0 ? 1 : 0;
    else if (cls === 'float') (out as Float64Array)[i] = Number(v);
    else if (fromFloat && wideOut) (out as BigInt64Array)[i] = saturated(v as number);
    else if (fromFloat) (out as Int32Array)[i] = cut(v as number);
    else if (wideOut) (out as BigInt64Array)[i] = BigInt(v);
    else (out as Int32Array)[i] = typeof v === 'bigint' ? Number(BigInt.asIntN(32, v)) : v;
  }
}

export const reducePrecision: AnyOpDef = defineOp<OpAttrs['reduce_precision']>({
  kind: 'reduce_precision',
  infer: ({ operands }) => [operands[0] as TensorType],
  factors: pointwiseRule,
  kernel({ attrs, results }, [a], ctx) {
    const x = a as TensorArray;
    const type = results[0] as TensorType;
    const { exponent_bits: e, mantissa_bits: m } = attrs;
    const round = ctx.precision === 'wide' ? undefined : (v: number) => roundFormat(v, e, m);
    const data = filled(type.dtype, x.data.length, ctx.precision, (out) => {
      for (let i = 0; i < x.data.length; i++)
        out[i] = round === undefined ? (x.data[i] as number) : round(x.data[i] as number);
    });
    return [{ dtype: type.dtype, shape: x.shape, data }];
  },
});
