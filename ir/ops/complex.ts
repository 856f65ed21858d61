/**
 * Complex numbers: held as pairs (re, im). What moves, chooses or adds elements does so with both parts alike; products
 * are four real ones; functions of one number are written out below.
 */
import { allocate, type Precision, type Storage, type TensorArray } from '../array.ts';
import type { AnyOpDef, KernelContext, OpView } from '../op.ts';
import { elementCount, isComplex, partOf, type TensorType, withDType } from '../types.ts';

type Kernel = (view: OpView, inputs: readonly TensorArray[], ctx: KernelContext) => readonly TensorArray[];
type Part = 0 | 1;

/** Real (0) or imaginary (1) parts; a real array is its own part. */
export function part(x: TensorArray, which: Part): TensorArray {
  if (!isComplex(x.dtype)) return x;
  const data = new (x.data.constructor as new (n: number) => Storage)(x.data.length / 2) as Float64Array;
  for (let i = 0; i < data.length; i++) data[i] = x.data[2 * i + which] as number;
  return { dtype: partOf(x.dtype), shape: x.shape, data };
}

/** Pairs of two real arrays. */
export function paired({ dtype, shape }: TensorType, re: TensorArray, im: TensorArray): TensorArray {
  const data = new (re.data.constructor as new (n: number) => Storage)(re.data.length * 2) as Float64Array;
  for (let i = 0; i < re.data.length; i++) {
    data[2 * i] = re.data[i] as number;
    data[2 * i + 1] = im.data[i] as number;
  }
  return { dtype, shape, data };
}

const realView = (view: OpView): OpView => {
  const real = (t: TensorType): TensorType => withDType(t, partOf(t.dtype));
  return { ...view, operands: view.operands.map(real), results: view.results.map(real) };
};
const anyComplex = (view: OpView): boolean => [...view.operands, ...view.results].some((t) => isComplex(t.dtype));

/** A kernel for real numbers that treats each part of complex ones alike: moving, choosing, adding. */
export function onParts(kernel: Kernel): Kernel {
  return (view, inputs, ctx) => {
    if (!anyComplex(view)) return kernel(view, inputs, ctx);
    const real = realView(view);
    const run = (which: Part): readonly TensorArray[] =>
      kernel(
        real,
        inputs.map((x) => part(x, which)),
        ctx,
      );
    const [re, im] = [run(0), run(1)];
    return view.results.map((t, i) =>
      isComplex(t.dtype) ? paired(t, re[i] as TensorArray, im[i] as TensorArray) : (re[i] as TensorArray),
    );
  };
}

/** A bilinear kernel for real numbers on complex ones: (a + bi)(c + di) = ac - bd + (ad + bc)i. */
export function onProducts(kernel: Kernel): Kernel {
  return (view, inputs, ctx) => {
    if (!anyComplex(view)) return kernel(view, inputs, ctx);
    const real = realView(view);
    const [l, r] = inputs as readonly [TensorArray, TensorArray];
    const [type] = view.results as readonly [TensorType];
    const product = (a: Part, b: Part): Storage => kernel(real, [part(l, a), part(r, b)], ctx)[0]?.data as Storage;
    const [ac, bd, ad, bc] = [product(0, 0), product(1, 1), product(0, 1), product(1, 0)];
    const data = allocate(type.dtype, elementCount(type), ctx.precision);
    for (let i = 0; i < ac.length; i++) {
      data[2 * i] = (ac[i] as number) - (bd[i] as number);
      data[2 * i + 1] = (ad[i] as number) + (bc[i] as number);
    }
    return [{ dtype: type.dtype, shape: type.shape, data }];
  };
}

/** The op with its kernel on parts. */
export const movesParts = (def: AnyOpDef): AnyOpDef => ({ ...def, kernel: onParts(def.kernel) });

export type Complex = readonly [re: number, im: number];
export type ComplexFunction = (z: Complex, w: Complex) => Complex;

/** A function of one or two complex numbers on arrays; results are complex of the first operand's type. */
export function mapComplex(f: ComplexFunction, inputs: readonly TensorArray[], precision: Precision): TensorArray {
  const [a, b] = inputs as readonly [TensorArray, TensorArray?];
  const at = (x: TensorArray | undefined, i: number): Complex => [
    x?.data[2 * i] as number,
    x?.data[2 * i + 1] as number,
  ];
  const count = a.data.length / 2;
  const data = allocate(a.dtype, count, precision);
  for (let i = 0; i < count; i++) [data[2 * i], data[2 * i + 1]] = f(at(a, i), at(b, i));
  return { dtype: a.dtype, shape: a.shape, data };
}

const real = (x: number): Complex => [x, 0];
const I: Complex = [0, 1];
const ONE: Complex = [1, 0];
export const plus: ComplexFunction = ([a, b], [c, d]) => [a + c, b + d];
export const minus: ComplexFunction = ([a, b], [c, d]) => [a - c, b - d];
export const times: ComplexFunction = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];
const scaled = ([a, b]: Complex, by: number): Complex => [a * by, b * by];
const one = (f: (z: Complex) => Complex): ComplexFunction => f;

/** Scaled by the larger part of the divisor, so that nothing overflows on the way (Smith, 1962). */
export const over: ComplexFunction = ([a, b], [c, d]) => {
  if (Math.abs(c) >= Math.abs(d)) {
    if (c === 0 && d === 0) return [a / Math.abs(c), b / Math.abs(c)];
    const r = d / c;
    const n = c + d * r;
    return [(a + b * r) / n, (b - a * r) / n];
  }
  const r = c / d;
  const n = c * r + d;
  return [(a * r + b) / n, (b * r - a) / n];
};

export const modulus = ([a, b]: Complex): number => Math.hypot(a, b);
const angle = ([a, b]: Complex): number => Math.atan2(b, a);
const exp = ([a, b]: Complex): Complex =>
  b === 0 ? [Math.exp(a), b] : scaled([Math.cos(b), Math.sin(b)], Math.exp(a));
const log = (z: Complex): Complex => [Math.log(modulus(z)), angle(z)];

/** The root in the right half plane (Kahan, 1987). */
function sqrt([a, b]: Complex): Complex {
  if (!Number.isFinite(b)) return [Number.POSITIVE_INFINITY, b];
  if (a === 0 && b === 0) return [0, b];
  const t = Math.sqrt((Math.abs(a) + Math.hypot(a, b)) / 2);
  return a >= 0 ? [t, b / (2 * t)] : [Math.abs(b) / (2 * t), b < 0 || Object.is(b, -0) ? -t : t];
}

const expm1 = ([a, b]: Complex): Complex => {
  const half = Math.sin(b / 2);
  return [Math.expm1(a) * Math.cos(b) - 2 * half * half, Math.exp(a) * Math.sin(b)];
};
const log1p = ([a, b]: Complex): Complex => [0.5 * Math.log1p(a * (2 + a) + b * b), Math.atan2(b, 1 + a)];
const sinh = ([a, b]: Complex): Complex => [Math.sinh(a) * Math.cos(b), Math.cosh(a) * Math.sin(b)];
const cosh = ([a, b]: Complex): Complex => [Math.cosh(a) * Math.cos(b), Math.sinh(a) * Math.sin(b)];
/** Of i·z and back: sin z = -i sinh iz. */
const turned = ([a, b]: Complex): Complex => [-b, a];
const back = ([a, b]: Complex): Complex => [b, -a];

/** From tan of the imaginary and tanh of the real part, so that large arguments do not overflow. */
function tanh([a, b]: Complex): Complex {
  if (Math.abs(a) > 20) return [Math.sign(a), 4 * Math.sin(b) * Math.cos(b) * Math.exp(-2 * Math.abs(a))];
  const n = Math.cosh(2 * a) + Math.cos(2 * b);
  return [Math.sinh(2 * a) / n, Math.sin(2 * b) / n];
}

const asinh = (z: Complex): Complex => {
  // log(z + √(z² + 1)) loses everything for negative z: the function is odd.
  if (z[0] < 0) return scaled(asinh(scaled(z, -1)), -1);
  return log(plus(z, sqrt(plus(times(z, z), ONE))));
};
const acosh = (z: Complex): Complex => log(plus(z, times(sqrt(plus(z, ONE)), sqrt(minus(z, ONE)))));
const atanh = (z: Complex): Complex => scaled(minus(log1p(z), log1p(scaled(z, -1))), 0.5);
const power: ComplexFunction = (z, w) => {
  if (w[0] === 0 && w[1] === 0) return ONE;
  if (z[0] === 0 && z[1] === 0) return w[0] > 0 ? real(0) : real(Number.NaN);
  return exp(times(w, log(z)));
};

/** By the real parts, of equals by the imaginary ones (StableHLO spec, maximum). */
const isBefore = ([a, b]: Complex, [c, d]: Complex): boolean => a < c || (a === c && b < d);

/** Elementwise functions of complex numbers, by op. */
export const COMPLEX_FUNCTIONS: Readonly<Record<string, ComplexFunction>> = {
  acos: one((z) => minus(real(Math.PI / 2), back(asinh(turned(z))))),
  acosh: one(acosh),
  add: plus,
  asin: one((z) => back(asinh(turned(z)))),
  asinh: one(asinh),
  atan: one((z) => back(atanh(turned(z)))),
  atan2: (y, x) => scaled(times(I, log(over(plus(x, times(I, y)), sqrt(plus(times(x, x), times(y, y)))))), -1),
  atanh: one(atanh),
  cosh: one(cosh),
  cosine: one((z) => cosh(turned(z))),
  divide: over,
  exponential: one(exp),
  exponential_minus_one: one(expm1),
  log: one(log),
  log_plus_one: one(log1p),
  logistic: one((z) => over(ONE, plus(ONE, exp(scaled(z, -1))))),
  maximum: (z, w) => (isBefore(z, w) ? w : z),
  minimum: (z, w) => (isBefore(w, z) ? w : z),
  multiply: times,
  negate: one(([a, b]) => [-a, -b]),
  power,
  rsqrt: one((z) => over(ONE, sqrt(z))),
  sign: one((z) => (z[0] === 0 && z[1] === 0 ? z : scaled(z, 1 / modulus(z)))),
  sine: one((z) => back(sinh(turned(z)))),
  sinh: one(sinh),
  sqrt: one(sqrt),
  subtract: minus,
  tan: one((z) => back(tanh(turned(z)))),
  tanh: one(tanh),
};
