/** Elementwise ops as one table: a scalar function each; everything else is shared. */
import type { Storage, TensorArray } from '../array.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
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
import { filled, roundFormat } from './rounding.ts';
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
/** Shifts by the width or more, or by a negative count, leave zeros (or, arithmetic, the sign). */
const shift = (by: number, bits: number, f: () => number): number => (by >= 0 && by < bits ? f() : 0);
/** An integer of this many bits as the unsigned number with the same pattern. */
const pattern = (a: number, bits: number): number => (bits === 32 ? a : a & (2 ** bits - 1)) >>> 0;
const shiftWide = (by: bigint, f: () => bigint): bigint => (by >= 0n && by < 64n ? f() : 0n);
const quotient = (a: number, b: number): number => (b === 0 ? -1 : Math.trunc(a / b));

/** Rational approximation to f64 precision by series and continued fraction (Abramowitz & Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 120 && Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  return Math.sign(x) * (1 - erfcTail(a));
}

/** 1 - erf(x) for x ≥ 3. */
function erfcTail(x: number): number {
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

/** Newton's method on erf from Winitzki's start. */
function erfInv(x: number): number {
  if (Math.abs(x) >= 1) return Math.abs(x) === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  const ln = Math.log1p(-x * x);
  const t = 2 / (Math.PI * 0.147) + ln / 2;
  let y = Math.sign(x) * Math.sqrt(Math.sqrt(t * t - ln / 0.147) - t);
  for (let i = 0; i < 4; i++) y -= (erf(y) - x) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-y * y));
  return y;
}

/** Stirling's series after shifting up; reflection below 1/2 (Abramowitz & Stegun 6.1.17, 6.1.41). */
function lgamma(x: number): number {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Number.POSITIVE_INFINITY;
  if (x < 0.5)
    return Number.isInteger(x)
      ? Number.POSITIVE_INFINITY
      : Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x % 2)))) - lgamma(1 - x);
  let [z, shifted] = [x, 0];
  for (; z < 15; z++) shifted += Math.log(z);
  const w = 1 / (z * z);
  const series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - (w * 691) / 360360))))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shifted;
}

/** ψ, the derivative of lgamma (Abramowitz & Stegun 6.3.7, 6.3.18). */
function digamma(x: number): number {
  if (!Number.isFinite(x)) return x > 0 ? x : Number.NaN;
  if (x <= 0 && Number.isInteger(x)) return Number.NaN;
  if (x < 0.5) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let [z, shifted] = [x, 0];
  for (; z < 15; z++) shifted += 1 / z;
  const w = 1 / (z * z);
  return Math.log(z) - 0.5 / z - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - (w * 5) / 660)))) - shifted;
}

/** Hurwitz's zeta by Euler and Maclaurin's sum (DLMF 25.11.28). */
function zeta(x: number, q: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  if (x < 1 || Number.isNaN(x) || Number.isNaN(q)) return Number.NaN;
  if (q <= 0 && Number.isInteger(q)) return Number.POSITIVE_INFINITY;
  if (q <= 0 && !Number.isInteger(x)) return Number.NaN;
  const terms = Math.max(12, Math.ceil(12 - q));
  let sum = 0;
  for (let k = 0; k < terms; k++) sum += (q + k) ** -x;
  const a = q + terms;
  sum += a ** (1 - x) / (x - 1) + a ** -x / 2;
  let [factor, power] = [x, a ** (-x - 1)];
  for (const [i, bernoulli] of BERNOULLI.entries()) {
    sum += bernoulli * factor * power;
    factor *= (x + 2 * i + 1) * (x + 2 * i + 2);
    power /= a * a;
  }
  return sum;
}

/** B₂ₖ / (2k)!, k = 1 … */
const BERNOULLI = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600];

/** ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n + 1, x). */
function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  if (n < 0 || !Number.isInteger(n)) return Number.NaN;
  return (n % 2 === 0 ? -1 : 1) * Math.exp(lgamma(n + 1)) * zeta(n + 1, x);
}

/**
 * I₁(x) e^-|x| = 1/π ∫ e^(x cos θ - |x|) cos θ dθ over half a turn (DLMF 10.32.3), by the trapezoidal rule; far out by
 * its expansion in 1/x (DLMF 10.40.1).
 */
function besselI1e(x: number): number {
  if (!Number.isFinite(x) || x === 0) return Number.isNaN(x) ? x : 0;
  const far = 1 / Math.abs(x);
  if (far < 1e-4)
    return Math.sign(x) * Math.sqrt(far / (2 * Math.PI)) * (1 - far * (3 / 8 + far * (15 / 128 + far * (105 / 1024))));
  const steps = 64 + Math.ceil(16 * Math.sqrt(Math.abs(x)));
  let sum = 0;
  for (let k = 0; k <= steps; k++) {
    const c = Math.cos((Math.PI * k) / steps);
    sum += (k === 0 || k === steps ? 0.5 : 1) * c * Math.exp(x * c - Math.abs(x));
  }
  return sum / steps;
}

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

function wideLeadingZeros(a: bigint): bigint {
  const high = Number(a >> 32n);
  return BigInt(high !== 0 ? Math.clz32(high) : 32 + Math.clz32(Number(a & 0xffffffffn)));
}

function bitCount(word: number): number {
  let n = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) n++;
  return n;
}

function wideBitCount(a: bigint): bigint {
  return BigInt(bitCount(Number(a & 0xffffffffn)) + bitCount(Number((a >> 32n) & 0xffffffffn)));
}

/** Modulo 2³², by squaring. A negative exponent truncates towards 0, as division does. */
function intPower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let rest = exponent, square = base; rest >= 1; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

function widePower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let rest = exponent, square = base; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}

export function pointwiseRule(view: OpView): FactorRule {
  const shape = view.results[0]?.shape ?? [];
  const ranks = view.operands.map((t) => t.shape.length);
  const rule = new RuleBuilder(ranks, [shape.length]);
  shape.forEach((size, d) =>
    rule.add(
      ranks.map((r) => (r === shape.length ? d : null)),
      [d],
      size,
    ),
  );
  return rule.build({ elementwise: true });
}

function sameShapes(kind: string, operands: readonly TensorType[]): TensorType {
  const [first] = operands;
  if (first === undefined) throw new InferError(`${kind} needs an operand`);
  for (const t of operands) {
    if (t !== first)
      throw new InferError(`${kind} takes operands of one type, got ${operands.map(typeText).join(' and ')}`);
  }
  return first;
}

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
const isExact = (dtype: DType): boolean => !isFloat(dtype) && !isComplex(dtype);

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

const convert = defineOp<OpAttrs['convert']>({
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

const reducePrecision = defineOp<OpAttrs['reduce_precision']>({
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
