/** Ops on each element, under StableHLO's names. Two operands broadcast and promote as in jax.numpy. */
import type { ComparisonDirection } from '../../../ir/attrs.ts';
import type { ValueId } from '../../../ir/program.ts';
import { DTYPES, type DType, isInexact } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Operand, Scalar, Shape, Tensor } from '../tensor.ts';
import { currentTrace, mustBeTensor } from '../trace.ts';
import { checkDType } from './types.ts';
import { asTensor, lift } from './lift.ts';

/** The longer of two shapes, where both ranks are known. */
export type Broadcast<A extends Shape, B extends Shape> = number extends A['length'] | B['length']
  ? Shape
  : A extends readonly [unknown, ...infer RestA extends Shape]
    ? B extends readonly [unknown, ...infer RestB extends Shape]
      ? readonly [number, ...Broadcast<RestA, RestB>]
      : A
    : B;

/** What two operands give: equal types stay as they are, a number follows the tensor beside it. */
export type Joined<A, B> =
  A extends Tensor<infer DA, infer SA>
    ? B extends Tensor<infer DB, infer SB>
      ? Tensor<[DA, DB] extends [DB, DA] ? DA : DType, [SA, SB] extends [SB, SA] ? SA : Broadcast<SA, SB>>
      : A
    : B extends Tensor
      ? B
      : Scalar;

type Unary = <D extends DType, S extends Shape>(x: Tensor<D, S>) => Tensor<D, S>;
type Binary = <A extends Operand, B extends Operand>(a: A, b: B) => Joined<A, B>;
type Predicate = <A extends Operand, B extends Operand>(
  a: A,
  b: B,
) => Joined<A, B> extends Tensor<DType, infer S> ? Tensor<'pred', S> : never;

const unary = (kind: string): Unary =>
  function apply<T extends Tensor>(x: T) {
    return currentTrace().emit(kind, [asTensor(x)])[0] as T;
  } as Unary;

/** Integers become f32 first, as in jax.numpy. */
const onFloats = (kind: string): Unary =>
  function apply(x: Tensor) {
    const trace = currentTrace();
    const operand = asTensor(x);
    const float = isInexact(operand.dtype);
    return trace.emit(kind, [float ? operand : convert(operand, 'f32')])[0];
  } as Unary;

const binary = (kind: string, floats = false): Binary =>
  ((a: Operand, b: Operand) => {
    const trace = currentTrace();
    return trace.tensor(
      trace.build(
        (build) => {
          const operands = lift(trace, [a, b]);
          const { dtype } = build.typeOf(operands[0] as ValueId);
          const asFloats = floats && !isInexact(dtype);
          return build.one(
            kind,
            asFloats ? operands.map((id) => build.one('convert', [id], { dtype: 'f32' })) : operands,
          );
        },
        { name: kind, operands: [a, b] },
      ),
    );
  }) as Binary;

export const abs = unary('abs');
export const acos = onFloats('acos');
export const acosh = onFloats('acosh');
export const asin = onFloats('asin');
export const asinh = onFloats('asinh');
export const atan = onFloats('atan');
export const atanh = onFloats('atanh');
export const besselI1e = onFloats('bessel_i1e');
export const cbrt = onFloats('cbrt');
export const ceil = onFloats('ceil');
export const cosine = onFloats('cosine');
export const cosh = onFloats('cosh');
export const countLeadingZeros = unary('count_leading_zeros');
export const digamma = onFloats('digamma');
export const erf = onFloats('erf');
export const erfInv = onFloats('erf_inv');
export const erfc = onFloats('erfc');
export const exponential = onFloats('exponential');
export const exp = exponential;
export const exponentialMinusOne = onFloats('exponential_minus_one');
export const floor = onFloats('floor');
export const lgamma = onFloats('lgamma');
export const log = onFloats('log');
export const logPlusOne = onFloats('log_plus_one');
export const logistic = onFloats('logistic');
export const negate = unary('negate');
export const not = unary('not');
export const popcnt = unary('popcnt');
export const roundNearestAfz = onFloats('round_nearest_afz');
export const roundNearestEven = onFloats('round_nearest_even');
export const rsqrt = onFloats('rsqrt');
export const sign = unary('sign');
export const sine = onFloats('sine');
export const sinh = onFloats('sinh');
export const sqrt = onFloats('sqrt');
export const tan = onFloats('tan');
export const tanh = onFloats('tanh');
export const isfinite = unary('is_finite') as <S extends Shape>(x: Tensor<DType, S>) => Tensor<'pred', S>;
/** StableHLO's name; as a binding it would hide the global. */
export { isfinite as isFinite };

export const add = binary('add');
export const and = binary('and');
export const atan2 = binary('atan2', true);
/** Integers divide as floats, as in jax.numpy; `divideIntegers` truncates. */
export const divide = binary('divide', true);
export const divideIntegers = binary('divide');
export const maximum = binary('maximum');
export const minimum = binary('minimum');
export const multiply = binary('multiply');
/** The next number that the type has after `a`, towards `b`. */
export const nextAfter = binary('next_after', true);
export const or = binary('or');
/** The nth derivative of digamma, n a whole number. */
export const polygamma = binary('polygamma', true);
export const power = binary('power');
export const remainder = binary('remainder');
export const shiftLeft = binary('shift_left');
export const shiftRightArithmetic = binary('shift_right_arithmetic');
export const shiftRightLogical = binary('shift_right_logical');
export const subtract = binary('subtract');
export const xor = binary('xor');
/** Hurwitz's: Σ 1 / (q + k)^s. */
export const zeta = binary('zeta', true);

export function compare<A extends Operand, B extends Operand>(a: A, b: B, direction: ComparisonDirection) {
  const trace = currentTrace();
  const made = trace.build(
    (build) => {
      const operands = lift(trace, [a, b]);
      const { class: cls } = DTYPES[build.typeOf(operands[0] as ValueId).dtype];
      const compare_type = cls === 'float' || cls === 'complex' ? 'FLOAT' : cls === 'signed' ? 'SIGNED' : 'UNSIGNED';
      return build.one('compare', operands, { direction, compare_type });
    },
    { name: 'a comparison', operands: [a, b] },
  );
  return trace.tensor(made) as ReturnType<Predicate>;
}
const comparison = (direction: ComparisonDirection): Predicate =>
  ((a: Operand, b: Operand) => compare(a, b, direction)) as Predicate;
export const equal = comparison('EQ');
export const notEqual = comparison('NE');
export const less = comparison('LT');
export const lessEqual = comparison('LE');
export const greater = comparison('GT');
export const greaterEqual = comparison('GE');

/** `a` where the predicate holds, else `b`; all three broadcast. */
export function select<A extends Operand, B extends Operand>(pred: Tensor<'pred'> | Tensor, a: A, b: B): Joined<A, B> {
  const trace = currentTrace();
  mustBeTensor(pred);
  if (pred.dtype !== 'pred')
    fail('SH0613', `select takes a pred first, got ${pred.dtype}`, { help: 'compare: greater(x, 0)' });
  const made = trace.build(
    (build) => {
      const [x, y] = lift(trace, [a, b]) as [ValueId, ValueId];
      const shape = build.broadcastShape(pred.shape, build.typeOf(x).shape);
      return build.one(
        'select',
        [trace.id(pred), x, y].map((id) => build.broadcastTo(id, shape)),
      );
    },
    { name: 'select', operands: [pred, a, b] },
  );
  return trace.tensor(made) as Joined<A, B>;
}
export const where = select;

/** max(low, min(x, high)). */
export function clamp<T extends Tensor>(low: Operand, x: T, high: Operand): T {
  const trace = currentTrace();
  return trace.tensor(trace.build((build) => build.one('clamp', lift(trace, [low, x, high])))) as T;
}

export function convert<N extends DType, S extends Shape>(x: Tensor<DType, S>, dtype: N): Tensor<N, S> {
  mustBeTensor(x);
  checkDType(dtype);
  return (x.dtype === (dtype as DType) ? x : currentTrace().emit('convert', [x], { dtype })[0]) as Tensor<N, S>;
}

/** Rounds to a float of this many bits and back. */
export function reducePrecision<T extends Tensor>(x: T, exponentBits: number, mantissaBits: number): T {
  const attrs = { exponent_bits: exponentBits, mantissa_bits: mantissaBits };
  return currentTrace().emit('reduce_precision', [x], attrs)[0] as T;
}

export const square = <T extends Tensor>(x: T): T => multiply(x, x) as Tensor as T;
export const sigmoid = logistic;
/** max(x, 0), whose gradient at 0 is 0. */
export const relu = <T extends Tensor>(x: T): T => select(greater(x, 0), x, 0) as Tensor as T;
export const silu = <T extends Tensor>(x: T): T => multiply(x, logistic(x)) as Tensor as T;
/** The tanh form (Hendrycks and Gimpel, 2016), as jax.nn.gelu. */
export function gelu<T extends Tensor>(x: T): T {
  const cube = multiply(multiply(x, x), x);
  const inner = multiply(add(x, multiply(cube, 0.044715)), Math.sqrt(2 / Math.PI)) as Tensor;
  return multiply(multiply(x, 0.5), add(tanh(inner), 1)) as Tensor as T;
}
/** log(1 + exp x), without overflow. */
export function softplus<T extends Tensor>(x: T): T {
  return add(maximum(x, 0), logPlusOne(exp(negate(abs(x)) as Tensor))) as Tensor as T;
}
