/** Derivatives of elementwise ops, as formulas of operands x, y, the result and its cotangent g (JAX, lax.py, has the same). */
import { Formula, type Gradient, type GradientOp, k } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { isComplex } from '../../types.ts';

type Unary = (f: Formula, g: ValueId, x: ValueId, out: ValueId) => ValueId;
type Binary = (
  f: Formula,
  g: ValueId,
  x: ValueId,
  y: ValueId,
  out: ValueId,
) => readonly [ValueId | undefined, ValueId | undefined];

const UNARY: Readonly<Record<string, Unary>> = {
  acos: (f, g, x) => f.neg(f.mul(g, f.apply('rsqrt', f.sub(k(1), f.square(x))))),
  acosh: (f, g, x) => f.mul(g, f.apply('rsqrt', f.mul(f.sub(x, k(1)), f.add(x, k(1))))),
  asin: (f, g, x) => f.mul(g, f.apply('rsqrt', f.sub(k(1), f.square(x)))),
  asinh: (f, g, x) => f.mul(g, f.apply('rsqrt', f.add(f.square(x), k(1)))),
  atan: (f, g, x) => f.div(g, f.add(f.square(x), k(1))),
  atanh: (f, g, x) => f.div(g, f.sub(k(1), f.square(x))),
  cbrt: (f, g, _, out) => f.div(f.mul(g, k(1 / 3)), f.square(out)),
  cosine: (f, g, x) => f.neg(f.mul(g, f.apply('sine', x))),
  cosh: (f, g, x) => f.mul(g, f.apply('sinh', x)),
  digamma: (f, g, x) => f.mul(g, f.two('polygamma', k(1), x)),
  erf: (f, g, x) => f.mul(f.mul(g, k(2 / Math.sqrt(Math.PI))), f.apply('exponential', f.neg(f.square(x)))),
  erf_inv: (f, g, _, out) => f.mul(f.mul(g, k(Math.sqrt(Math.PI) / 2)), f.apply('exponential', f.square(out))),
  erfc: (f, g, x) => f.mul(f.mul(g, k(-2 / Math.sqrt(Math.PI))), f.apply('exponential', f.neg(f.square(x)))),
  exponential: (f, g, _, out) => f.mul(g, out),
  exponential_minus_one: (f, g, _, out) => f.mul(g, f.add(out, k(1))),
  lgamma: (f, g, x) => f.mul(g, f.apply('digamma', x)),
  log: (f, g, x) => f.div(g, x),
  log_plus_one: (f, g, x) => f.div(g, f.add(x, k(1))),
  logistic: (f, g, _, out) => f.mul(g, f.mul(out, f.sub(k(1), out))),
  negate: (f, g) => f.neg(g),
  rsqrt: (f, g, x, out) => f.mul(f.mul(g, k(-0.5)), f.div(out, x)),
  sine: (f, g, x) => f.mul(g, f.apply('cosine', x)),
  sinh: (f, g, x) => f.mul(g, f.apply('cosh', x)),
  sqrt: (f, g, _, out) => f.div(f.mul(g, k(0.5)), out),
  tan: (f, g, _, out) => f.mul(g, f.add(f.square(out), k(1))),
  tanh: (f, g, _, out) => f.mul(g, f.sub(k(1), f.square(out))),
};

/** Steps: the derivative is 0 wherever there is one. */
const FLAT = [
  'ceil',
  'floor',
  'round_nearest_afz',
  'round_nearest_even',
  'is_finite',
  'compare',
  'rng_bit_generator',
] as const;

/** Of equals each gets half. */
const half = (f: Formula, wins: ValueId, ties: ValueId, g: ValueId): ValueId =>
  f.select(wins, g, f.select(ties, f.mul(g, k(0.5)), f.mul(g, k(0))));
const extremum =
  (direction: 'GT' | 'LT'): Binary =>
  (f, g, x, y, out) => {
    const ties = f.is('EQ', x, y);
    // Complex numbers are compared for equality alone.
    const takes = (v: ValueId): ValueId => half(f, f.two('and', f.is('EQ', out, v), f.is('NE', x, y)), ties, g);
    if (isComplex(f.b.typeOf(x).dtype)) return [takes(x), takes(y)];
    return [half(f, f.is(direction, x, y), ties, g), half(f, f.is(direction, y, x), ties, g)];
  };

const BINARY: Readonly<Record<string, Binary>> = {
  add: (_, g) => [g, g],
  subtract: (f, g) => [g, f.neg(g)],
  multiply: (f, g, x, y) => [f.mul(g, y), f.mul(g, x)],
  divide: (f, g, _, y, out) => [f.div(g, y), f.neg(f.div(f.mul(g, out), y))],
  maximum: extremum('GT'),
  minimum: extremum('LT'),
  atan2(f, g, x, y) {
    const scaled = f.div(g, f.add(f.square(x), f.square(y)));
    return [f.mul(scaled, y), f.neg(f.mul(scaled, x))];
  },
  /** At y = 0 the power is flat in x; at x = 0 log x is taken as 0. */
  power(f, g, x, y, out) {
    const lower = f.mul(y, f.two('power', x, f.sub(y, k(1))));
    const slope = f.select(f.is('EQ', y, k(0)), f.mul(y, k(0)), lower);
    const logarithm = f.apply('log', f.select(f.is('EQ', x, k(0)), f.add(f.mul(x, k(0)), k(1)), x));
    return [f.mul(g, slope), f.mul(g, f.mul(logarithm, out))];
  },
  /** By its second operand: the order is a whole number. */
  polygamma: (f, g, n, x) => [undefined, f.mul(g, f.two('polygamma', f.add(n, k(1)), x))],
  remainder(f, g, x, y) {
    const ratio = f.div(x, y);
    const whole = f.mul(f.apply('sign', ratio), f.apply('floor', f.apply('abs', ratio)));
    return [g, f.neg(f.mul(g, whole))];
  },
  /** ∂ζ/∂q = −s ζ(s + 1, q); by s there is no closed form. */
  zeta: (f, g, s, q) => [undefined, f.neg(f.mul(g, f.mul(s, f.two('zeta', f.add(s, k(1)), q))))],
};

const select: Gradient = (b, { operands }, [g]) => {
  if (g === undefined) return [];
  const [pred] = operands as [ValueId];
  const zero = b.splat(0, b.typeOf(g));
  const wide = b.broadcastTo(pred, b.typeOf(g).shape);
  return [undefined, b.one('select', [wide, g, zero]), b.one('select', [wide, zero, g])];
};

const clamp: Gradient = (b, { operands }, [g]) => {
  if (g === undefined) return [];
  const { shape } = b.typeOf(g);
  const [low, x, high] = operands.map((id) => b.broadcastTo(id, shape)) as [ValueId, ValueId, ValueId];
  const f = new Formula(b);
  const zero = b.splat(0, b.typeOf(g));
  const over = f.is('GT', b.one('maximum', [x, low]), high);
  const under = b.one('and', [f.is('LT', x, low), b.one('not', [over])]);
  const inside = b.one('not', [b.one('or', [under, over])]);
  const parts = [under, inside, over].map((where) => b.one('select', [where, g, zero]));
  return parts.map((part, i) =>
    b.typeOf(operands[i] as ValueId).shape.length === 0 && shape.length > 0
      ? b.reduce(
          'sum',
          part,
          shape.map((_, d) => d),
        )
      : part,
  );
};

const unary =
  (rule: Unary): Gradient =>
  (b, { operands, results }, [g]) =>
    g === undefined ? [] : [rule(new Formula(b), g, operands[0] as ValueId, results[0] as ValueId)];

const binary =
  (rule: Binary): Gradient =>
  (b, { operands, results }, [g]) =>
    g === undefined
      ? []
      : rule(new Formula(b), g, operands[0] as ValueId, operands[1] as ValueId, results[0] as ValueId);

const through: Gradient = (_b: TypedBuilder, _op: GradientOp, [g]) => [g];

export const elementwiseGradients: Readonly<Record<string, Gradient>> = {
  ...Object.fromEntries(Object.entries(UNARY).map(([kind, rule]) => [kind, unary(rule)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([kind, rule]) => [kind, binary(rule)])),
  ...Object.fromEntries(FLAT.map((kind): [string, Gradient] => [kind, () => []])),
  select,
  clamp,
  reduce_precision: through,
};
