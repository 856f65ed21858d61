/** Elementwise ops as one table: a scalar function each; everything else is shared. */
import type { Storage, TensorArray } from '../array.ts';
import { type AnyOpDef, defineOp, InferError, type KernelContext, type OpView } from '../op.ts';
import type { OpAttrs } from '../attrs.ts';
import {
  type DType,
  DTYPES,
  isComplex,
  isFloat,
  partOf,
  tensor,
  type TensorType,
  typeText,
  withDType,
} from '../types.ts';
import { COMPLEX_FUNCTIONS, type ComplexFunction, mapComplex, modulus, onParts, paired, part } from './complex.ts';
import { elementwisePadding } from './elementwise-padding.ts';
import { convert, isExact, reducePrecision } from './convert.ts';
import {
  bitCount,
  intPower,
  pattern,
  quotient,
  shift,
  shiftWide,
  wideBitCount,
  wideLeadingZeros,
  widePower,
} from './integers.ts';
import { pointwiseRule, sameShapes } from './pointwise.ts';
import { besselI1e, digamma, erf, erfcTail, erfInv, lgamma, polygamma, zeta } from './special-functions.ts';
import { filled } from './rounding.ts';
import { totalOrder } from './total-order.ts';

type Scalar = (a: number, b: number) => number;
type Integer = (a: number, b: number, bits: number) => number;
type Wide = (a: bigint, b: bigint) => bigint;

interface Row {
  readonly arity: 1 | 2;
  readonly float?: Scalar;
  /** On integers of at most 32 bits; storage wraps. */
  readonly int?: Integer;
  readonly wide?: Wide;
  /** On 0 and 1: add is or, multiply is and (StableHLO). */
  readonly pred?: Scalar;
  /** Result is pred. */
  readonly predicate?: boolean;
  readonly linear?: readonly (readonly number[])[];
}

const nanMax = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b));
const nanMin = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b));
/** Ties to even; the sign stays, so that -0.5 gives -0. */
const roundEven = (x: number): number => {
  const low = Math.floor(x);
  const rest = x - low;
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  return rounded === 0 && x < 0 ? -0 : rounded;
};
const roundAway = (x: number): number => {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
};
const float1 = (f: (a: number) => number): Row => ({ arity: 1, float: f });

export const ELEMENTWISE: Readonly<Record<string, Row>> = {
  abs: { arity: 1, float: Math.abs, int: Math.abs, wide: (a) => (a < 0n ? -a : a) },
  acos: float1(Math.acos),
  acosh: float1(Math.acosh),
  add: {
    arity: 2,
    float: (a, b) => a + b,
    int: (a, b) => a + b,
    wide: (a, b) => a + b,
    pred: (a, b) => a | b,
    linear: [[0, 1]],
  },
  and: { arity: 2, int: (a, b) => a & b, wide: (a, b) => a & b, pred: (a, b) => a & b },
  asin: float1(Math.asin),
  asinh: float1(Math.asinh),
  atan: float1(Math.atan),
  atan2: { arity: 2, float: Math.atan2 },
  atanh: float1(Math.atanh),
  bessel_i1e: float1(besselI1e),
  cbrt: float1(Math.cbrt),
  ceil: float1(Math.ceil),
  cosine: float1(Math.cos),
  cosh: float1(Math.cosh),
  count_leading_zeros: {
    arity: 1,
    int: (a, _, bits) => Math.clz32(pattern(a, bits)) - (32 - bits),
    wide: (a) => wideLeadingZeros(BigInt.asUintN(64, a)),
  },
  digamma: float1(digamma),
  divide: { arity: 2, float: (a, b) => a / b, int: quotient, wide: (a, b) => (b === 0n ? -1n : a / b), linear: [[0]] },
  erf: float1(erf),
  erf_inv: float1(erfInv),
  erfc: float1((x) => (x >= 3 ? erfcTail(x) : 1 - erf(x))),
  exponential: float1(Math.exp),
  exponential_minus_one: float1(Math.expm1),
  floor: float1(Math.floor),
  is_finite: { arity: 1, float: (a) => (Number.isFinite(a) ? 1 : 0), predicate: true },
  lgamma: float1(lgamma),
  log: float1(Math.log),
  log_plus_one: float1(Math.log1p),
  logistic: float1((a) => 1 / (1 + Math.exp(-a))),
  maximum: {
    arity: 2,
    float: nanMax,
    int: (a, b) => Math.max(a, b),
    wide: (a, b) => (a > b ? a : b),
    pred: (a, b) => a | b,
  },
  minimum: {
    arity: 2,
    float: nanMin,
    int: (a, b) => Math.min(a, b),
    wide: (a, b) => (a < b ? a : b),
    pred: (a, b) => a & b,
  },
  multiply: {
    arity: 2,
    float: (a, b) => a * b,
    int: Math.imul,
    wide: (a, b) => a * b,
    pred: (a, b) => a & b,
    linear: [[0], [1]],
  },
  negate: { arity: 1, float: (a) => -a, int: (a) => -a, wide: (a) => -a, linear: [[0]] },
  not: { arity: 1, int: (a) => ~a, wide: (a) => ~a, pred: (a) => 1 - a },
  or: { arity: 2, int: (a, b) => a | b, wide: (a, b) => a | b, pred: (a, b) => a | b },
  popcnt: { arity: 1, int: (a, _, bits) => bitCount(pattern(a, bits)), wide: wideBitCount },
  polygamma: { arity: 2, float: polygamma },
  power: {
    arity: 2,
    float: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b),
    int: intPower,
    wide: widePower,
  },
  remainder: {
    arity: 2,
    float: (a, b) => a % b,
    int: (a, b) => (b === 0 ? a : a % b),
    wide: (a, b) => (b === 0n ? a : a % b),
  },
  round_nearest_afz: float1(roundAway),
  round_nearest_even: float1(roundEven),
  rsqrt: float1((a) => 1 / Math.sqrt(a)),
  shift_left: {
    arity: 2,
    int: (a, b, bits) => shift(b, bits, () => a << b),
    wide: (a, b) => shiftWide(b, () => a << b),
  },
  shift_right_arithmetic: {
    arity: 2,
    int: (a, b, bits) => ((a << (32 - bits)) >> (32 - bits)) >> (b >= 0 && b < bits ? b : bits - 1),
    wide: (a, b) => BigInt.asIntN(64, a) >> (b >= 0n && b < 64n ? b : 63n),
  },
  shift_right_logical: {
    arity: 2,
    int: (a, b, bits) => shift(b, bits, () => pattern(a, bits) >>> b),
    wide: (a, b) => shiftWide(b, () => BigInt.asUintN(64, a) >> b),
  },
  sign: {
    arity: 1,
    float: (a) => (a === 0 ? a : Math.sign(a)),
    int: Math.sign,
    wide: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  },
  sine: float1(Math.sin),
  sinh: float1(Math.sinh),
  sqrt: float1(Math.sqrt),
  subtract: { arity: 2, float: (a, b) => a - b, int: (a, b) => a - b, wide: (a, b) => a - b, linear: [[0, 1]] },
  tan: float1(Math.tan),
  tanh: float1(Math.tanh),
  zeta: { arity: 2, float: zeta },
  xor: { arity: 2, int: (a, b) => a ^ b, wide: (a, b) => a ^ b, pred: (a, b) => a ^ b },
};

function elementwise(kind: string, row: Row): AnyOpDef {
  const { linear } = row;
  return defineOp({
    kind,
    infer({ operands }) {
      if (operands.length !== row.arity)
        throw new InferError(`${kind} takes ${row.arity} operand${row.arity > 1 ? 's' : ''}, got ${operands.length}`);
      const type = sameShapes(kind, operands);
      if (kind === 'abs' && isComplex(type.dtype)) return [withDType(type, partOf(type.dtype))];
      if (isComplex(type.dtype) ? COMPLEX_FUNCTIONS[kind] === undefined : scalarOn(row, type.dtype) === undefined)
        throw new InferError(`${kind} is not defined on ${type.dtype}`);
      return [row.predicate === true ? tensor('pred', type.shape) : type];
    },
    factors: pointwiseRule,
    kernel(view, inputs, ctx) {
      if (!isComplex((view.operands[0] as TensorType).dtype)) return [apply(row, view, inputs, ctx)];
      if (kind === 'abs') return [moduli(view, inputs[0] as TensorArray, ctx)];
      return [mapComplex(COMPLEX_FUNCTIONS[kind] as ComplexFunction, inputs, ctx.precision)];
    },
    ...(linear === undefined
      ? {}
      : {
          linearity: (v: OpView) => (kind === 'divide' && isExact((v.operands[0] as TensorType).dtype) ? [] : linear),
        }),
  });
}

/** Division of these truncates. */
function moduli({ results }: OpView, x: TensorArray, ctx: KernelContext): TensorArray {
  const { dtype, shape } = results[0] as TensorType;
  const data = filled(dtype, x.data.length / 2, ctx.precision, (out) => {
    for (let i = 0; i < out.length; i++) out[i] = modulus([x.data[2 * i] as number, x.data[2 * i + 1] as number]);
  });
  return { dtype, shape, data };
}

/** What the op does on this element type; undefined where StableHLO does not define it. */
const scalarOn = (row: Row, dtype: DType): Scalar | Integer | undefined =>
  isFloat(dtype) ? row.float : dtype === 'pred' ? row.pred : row.int;

function apply(row: Row, view: OpView, inputs: readonly TensorArray[], ctx: KernelContext): TensorArray {
  const [a, b] = inputs as readonly [TensorArray, TensorArray];
  const type = view.results[0] as TensorType;
  const count = a.data.length;
  const data = filled(type.dtype, count, ctx.precision, (out) => {
    if (a.data instanceof BigInt64Array || a.data instanceof BigUint64Array)
      return applyWide(row, a.data, b?.data, out);
    const f = scalarOn(row, a.dtype) as Integer;
    const { bits } = DTYPES[a.dtype];
    const x = a.data as Float64Array;
    const to = out as Float64Array;
    if (row.arity === 1) for (let i = 0; i < count; i++) to[i] = f(x[i] as number, 0, bits);
    else {
      const y = b.data as Float64Array;
      for (let i = 0; i < count; i++) to[i] = f(x[i] as number, y[i] as number, bits);
    }
  });
  return { dtype: type.dtype, shape: a.shape, data };
}

function applyWide(row: Row, a: BigInt64Array | BigUint64Array, b: Storage | undefined, out: Storage): void {
  const f = row.wide;
  if (f === undefined) throw new Error('not defined on 64-bit integers');
  const y = b as BigInt64Array | undefined;
  const to = out as BigInt64Array;
  for (let i = 0; i < a.length; i++) to[i] = f(a[i] as bigint, y === undefined ? 0n : (y[i] as bigint));
}

const COMPARISONS: Readonly<
  Record<OpAttrs['compare']['direction'], (a: number | bigint, b: number | bigint) => boolean>
> = {
  EQ: (a, b) => a === b,
  NE: (a, b) => a !== b,
  GE: (a, b) => a >= b,
  GT: (a, b) => a > b,
  LE: (a, b) => a <= b,
  LT: (a, b) => a < b,
};

const compare = defineOp<OpAttrs['compare']>({
  kind: 'compare',
  infer({ operands, attrs }) {
    const { dtype, shape } = sameShapes('compare', operands);
    if (isComplex(dtype) && attrs.direction !== 'EQ' && attrs.direction !== 'NE')
      throw new InferError(`compare: complex numbers have no order, so ${attrs.direction} is not defined on them`);
    return [tensor('pred', shape)];
  },
  factors: pointwiseRule,
  kernel({ attrs }, [a, b]) {
    const plain = COMPARISONS[attrs.direction];
    const total = attrs.compare_type === 'TOTALORDER' && isFloat((a as TensorArray).dtype);
    const inOrder: typeof plain = (v, w) => plain(totalOrder(v as number, w as number), 0);
    const test = total ? inOrder : plain;
    const [x, y] = [a?.data as Storage, b?.data as Storage];
    if (isComplex((a as TensorArray).dtype))
      return [compareComplex(attrs.direction, a as TensorArray, b as TensorArray)];
    const data = new Uint8Array(x.length);
    for (let i = 0; i < x.length; i++) data[i] = test(x[i] as number, y[i] as number) ? 1 : 0;
    return [{ dtype: 'pred', shape: (a as TensorArray).shape, data }];
  },
});

/** Equal in both parts. */
function compareComplex(direction: OpAttrs['compare']['direction'], a: TensorArray, b: TensorArray): TensorArray {
  const data = new Uint8Array(a.data.length / 2);
  for (let i = 0; i < data.length; i++) {
    const same = a.data[2 * i] === b.data[2 * i] && a.data[2 * i + 1] === b.data[2 * i + 1];
    data[i] = same === (direction === 'EQ') ? 1 : 0;
  }
  return { dtype: 'pred', shape: a.shape, data };
}

const select = defineOp({
  kind: 'select',
  infer({ operands }) {
    const [pred, a, b] = operands;
    if (pred === undefined || a === undefined || b === undefined)
      throw new InferError('select takes a pred and two values');
    if (pred.dtype !== 'pred') throw new InferError(`select takes a pred first, got ${typeText(pred)}`);
    if (pred.shape.length > 0 && tensor('pred', a.shape) !== pred)
      throw new InferError(`select takes a pred of the values' shape, got ${typeText(pred)} for ${typeText(a)}`);
    return [sameShapes('select', [a, b])];
  },
  factors: pointwiseRule,
  kernel: onParts(({ results }, [pred, a, b], ctx) => {
    const type = results[0] as TensorType;
    const [p, x, y] = [pred?.data as Uint8Array, a?.data as Float64Array, b?.data as Float64Array];
    const data = filled(type.dtype, x.length, ctx.precision, (out) => {
      const to = out as Float64Array;
      const whole = p.length === 1 && x.length !== 1;
      for (let i = 0; i < x.length; i++) to[i] = ((p[whole ? 0 : i] as number) !== 0 ? x[i] : y[i]) as number;
    });
    return [{ dtype: type.dtype, shape: (a as TensorArray).shape, data }];
  }),
  linearity: () => [[1, 2]],
});

const clamp = defineOp({
  kind: 'clamp',
  infer: ({ operands }) => [operands[1] ?? sameShapes('clamp', [])],
  factors: pointwiseRule,
  kernel({ results }, [low, x, high], ctx) {
    const type = results[0] as TensorType;
    const [l, v, h] = [low?.data as Storage, x?.data as Storage, high?.data as Storage];
    const data = filled(type.dtype, v.length, ctx.precision, (out) => {
      for (let i = 0; i < v.length; i++) {
        const [lo, hi] = [l[l.length === 1 ? 0 : i] as number, h[h.length === 1 ? 0 : i] as number];
        let value = v[i] as number;
        if (value < lo) value = lo;
        if (value > hi) value = hi;
        out[i] = value;
      }
    });
    return [{ dtype: type.dtype, shape: (x as TensorArray).shape, data }];
  },
});

const realPart = (kind: 'real' | 'imag'): AnyOpDef =>
  defineOp({
    kind,
    infer: ({ operands: [type] }) => [withDType(type as TensorType, partOf((type as TensorType).dtype))],
    factors: pointwiseRule,
    kernel(_, [a]) {
      const x = a as TensorArray;
      if (isComplex(x.dtype)) return [part(x, kind === 'real' ? 0 : 1)];
      return [kind === 'real' ? x : { ...x, data: x.data.slice().fill(0 as never) }];
    },
    linearity: () => [[0]],
  });

const complex = defineOp({
  kind: 'complex',
  infer({ operands }) {
    const type = sameShapes('complex', operands);
    if (operands.length !== 2 || (type.dtype !== 'f32' && type.dtype !== 'f64'))
      throw new InferError(`complex takes two f32 or f64 tensors, got ${operands.map(typeText).join(' and ')}`);
    return [withDType(type, type.dtype === 'f32' ? 'c64' : 'c128')];
  },
  factors: pointwiseRule,
  kernel: ({ results }, [re, im]) => [paired(results[0] as TensorType, re as TensorArray, im as TensorArray)],
  linearity: () => [[0, 1]],
});

const special: readonly AnyOpDef[] = [
  compare,
  select,
  clamp,
  convert,
  reducePrecision,
  complex,
  realPart('real'),
  realPart('imag'),
];

const all: readonly AnyOpDef[] = [
  ...Object.entries(ELEMENTWISE).map(([kind, row]) => elementwise(kind, row)),
  ...special,
];

export const elementwiseOps: Readonly<Record<string, AnyOpDef>> = Object.fromEntries(
  all.map((def) => [def.kind, { ...def, padRule: (view: OpView) => elementwisePadding(def.kernel, view) }]),
);
