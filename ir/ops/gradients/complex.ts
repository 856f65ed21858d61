/**
 * Gradients of ops between real and complex numbers. The cotangent g of a complex z says dL = Re(g · dz), as in JAX, so
 * that a function with a complex derivative keeps its formula; those without one are here.
 */
import { Formula, type Gradient } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { isComplex, isInexact } from '../../types.ts';

const zerosLike = (b: TypedBuilder, x: ValueId): ValueId => b.splat(0, b.typeOf(x));
const complexOf = (b: TypedBuilder, re: ValueId, im: ValueId): ValueId => b.one('complex', [re, im]);

/** The conjugate; a real value is its own. */
export function conjugate(b: TypedBuilder, x: ValueId): ValueId {
  if (!isComplex(b.typeOf(x).dtype)) return x;
  return complexOf(b, b.one('real', [x]), b.one('negate', [b.one('imag', [x])]));
}

const isComplexValue = (b: TypedBuilder, x: ValueId | undefined): boolean =>
  x !== undefined && isComplex(b.typeOf(x).dtype);

/** d|z| = Re(conj z · dz) / |z|, taken as 0 at 0. */
const abs: Gradient = (b, { operands, results }, [g]) => {
  if (g === undefined) return [];
  const [x] = operands as [ValueId];
  const f = new Formula(b);
  if (!isComplexValue(b, x)) return [f.mul(g, f.apply('sign', x))];
  const [size] = results as [ValueId];
  const nonzero = f.select(f.is('EQ', size, { value: 0 }), { value: 1 }, size);
  const scaled = f.div(g, nonzero);
  return [f.mul(complexOf(b, scaled, zerosLike(b, scaled)), conjugate(b, x))];
};

/** z / |z|: (g − Re(g s) conj s) / |z|, where s is the result. Of a real number it is flat. */
const sign: Gradient = (b, { operands, results }, [g]) => {
  const [x] = operands as [ValueId];
  if (g === undefined || !isComplexValue(b, x)) return [];
  const f = new Formula(b);
  const [s] = results as [ValueId];
  const along = b.one('real', [f.mul(g, s)]);
  const across = f.sub(g, f.mul(complexOf(b, along, zerosLike(b, along)), conjugate(b, s)));
  const size = b.one('abs', [x]);
  return [f.div(across, complexOf(b, size, zerosLike(b, size)))];
};

const real: Gradient = (b, { operands }, [g]) =>
  g === undefined ? [] : [isComplexValue(b, operands[0]) ? complexOf(b, g, zerosLike(b, g)) : g];

const imag: Gradient = (b, { operands }, [g]) =>
  g === undefined || !isComplexValue(b, operands[0]) ? [] : [complexOf(b, zerosLike(b, g), b.one('negate', [g]))];

const complex: Gradient = (b, _, [g]) =>
  g === undefined ? [] : [b.one('real', [g]), b.one('negate', [b.one('imag', [g])])];

/** A complex number converts to a real one by its real part. */
const convert: Gradient = (b, { operands }, [g]) => {
  const { dtype } = b.typeOf(operands[0] as ValueId);
  if (g === undefined || !isInexact(dtype)) return [];
  return [b.one('convert', [isComplex(dtype) ? g : isComplexValue(b, g) ? b.one('real', [g]) : g], { dtype })];
};

export const complexGradients: Readonly<Record<string, Gradient>> = { abs, sign, real, imag, complex, convert };
