/** Gradients of cholesky and triangular_solve (Murray, arXiv:1602.07527), on batches of matrices in the last two dims. */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { conjugate } from './complex.ts';

type Solve = OpAttrs['triangular_solve'];

/**
 * A = L Lᴴ, of which the lower triangle is read. With Φ the lower triangle, its diagonal halved,
 *
 *   S = L⁻ᵀ Φ(Lᵀ g) L*⁻¹,   a' = S + Sᴴ below the diagonal, Re S on it
 */
const cholesky: Gradient<OpAttrs['cholesky']> = (b, { attrs, results }, [g]) => {
  if (g === undefined) return [];
  const [factor] = results as [ValueId];
  // An upper factor is the adjoint of the lower one of the adjoint.
  if (!attrs.lower) return [adjoint(b, ofLower(b, adjoint(b, factor), adjoint(b, g)))];
  return [ofLower(b, factor, g)];
};

function ofLower(b: TypedBuilder, factor: ValueId, g: ValueId): ValueId {
  const f = new Formula(b);
  const l = triangle(b, factor, 'lower');
  const inner = halved(b, product(b, turned(b, l), g));
  const left = solved(b, l, inner, { left_side: true, lower: true, unit_diagonal: false, transpose_a: 'TRANSPOSE' });
  const s = solved(b, conjugate(b, l), left, {
    left_side: false,
    lower: true,
    unit_diagonal: false,
    transpose_a: 'NO_TRANSPOSE',
  });
  return halved(b, f.add(s, adjoint(b, s)));
}

/**
 * op(a) x = b:   b' = op(a)⁻ᵀ g,   op(a)' = −b' xᵀ;   from the right, b' = g op(a)⁻ᵀ,   op(a)' = −xᵀ b'.
 * Only the triangle that is read gets a cotangent.
 */
const triangularSolve: Gradient<Solve> = (b, { attrs, operands, results, wanted }, [g]) => {
  if (g === undefined) return [];
  const [a] = operands as [ValueId];
  const [x] = results as [ValueId];
  const { left_side, lower, unit_diagonal, transpose_a } = attrs;
  const adjointed = transpose_a === 'ADJOINT';
  const straight = transpose_a !== 'TRANSPOSE' && !adjointed;
  const ofB = solved(b, adjointed ? conjugate(b, a) : a, g, {
    ...attrs,
    transpose_a: straight ? 'TRANSPOSE' : 'NO_TRANSPOSE',
  });
  if (wanted[0] !== true) return [undefined, ofB];
  const ofOp = b.one('negate', [left_side ? product(b, ofB, turned(b, x)) : product(b, turned(b, x), ofB)]);
  const ofA = straight ? ofOp : adjointed ? adjoint(b, ofOp) : turned(b, ofOp);
  return [triangle(b, ofA, lower ? 'lower' : 'upper', !unit_diagonal), ofB];
};

const solved = (b: TypedBuilder, a: ValueId, x: ValueId, attrs: Solve): ValueId =>
  b.one('triangular_solve', [a, x], { ...attrs });

function product(b: TypedBuilder, x: ValueId, y: ValueId): ValueId {
  const { shape, dtype } = b.typeOf(x);
  const batch = shape.slice(0, -2).map((_, d) => d);
  const [row, column] = [shape.length - 2, shape.length - 1];
  return b.one('dot_general', [x, y], {
    lhs_batch: batch,
    rhs_batch: batch,
    lhs_contracting: [column],
    rhs_contracting: [row],
    dtype,
  });
}

/** The last two dims exchanged. */
function turned(b: TypedBuilder, x: ValueId): ValueId {
  const dims = b.typeOf(x).shape.map((_, d) => d);
  return b.one('transpose', [x], { permutation: [...dims.slice(0, -2), dims.length - 1, dims.length - 2] });
}

const adjoint = (b: TypedBuilder, x: ValueId): ValueId => conjugate(b, turned(b, x));

/** The matrix with zeros outside a triangle. */
function triangle(b: TypedBuilder, x: ValueId, side: 'lower' | 'upper', diagonal = true): ValueId {
  const kept = side === 'lower' ? (diagonal ? 'GE' : 'GT') : diagonal ? 'LE' : 'LT';
  return b.one('select', [rowAgainstColumn(b, x, kept), x, b.splat(0, b.typeOf(x))]);
}

/** Φ: the lower triangle, its diagonal halved. */
function halved(b: TypedBuilder, x: ValueId): ValueId {
  const half = new Formula(b).mul(x, { value: 0.5 });
  return b.one('select', [rowAgainstColumn(b, x, 'EQ'), half, triangle(b, x, 'lower', false)]);
}

function rowAgainstColumn(b: TypedBuilder, x: ValueId, direction: 'EQ' | 'GE' | 'GT' | 'LE' | 'LT'): ValueId {
  const { shape } = b.typeOf(x);
  const count = (dim: number): ValueId => b.one('iota', [], { dim, dtype: 'i32', shape });
  return b.one('compare', [count(shape.length - 2), count(shape.length - 1)], {
    direction,
    compare_type: 'SIGNED',
  });
}

export const matrixGradients: Readonly<Record<string, Gradient>> = {
  cholesky: cholesky as Gradient,
  triangular_solve: triangularSolve as Gradient,
};
