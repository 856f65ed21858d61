/** cholesky and triangular_solve (StableHLO spec): batches of matrices in the last two dims. */
import type { TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { type AnyOpDef, defineOp, InferError, type OpView, passes } from '../op.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import type { Complex } from './complex.ts';
import { arrayOf, cellsOf, cholesky, conjugate, Matrix, matricesOf, solveTriangle } from './matrices.ts';

type Solve = OpAttrs['triangular_solve'];

const choleskyOp = defineOp<OpAttrs['cholesky']>({
  kind: 'cholesky',
  infer({ operands: [type] }) {
    const { shape } = type as TensorType;
    if (shape.length < 2 || shape.at(-1) !== shape.at(-2))
      throw new InferError(`cholesky takes square matrices, got ${typeText(type as TensorType)}`);
    return [type as TensorType];
  },
  factors({ operands }) {
    const { shape } = operands[0] as TensorType;
    const rule = new RuleBuilder([shape.length], [shape.length]);
    shape.forEach((size, d) => rule.add([d], [d], size, d < shape.length - 2 ? 'pass' : 'replicate'));
    return rule.build();
  },
  kernel({ attrs, results }, [a], ctx) {
    const made = matricesOf(a as TensorArray).flatMap((m) => cellsOf(choleskyFactor(m, attrs.lower)));
    return [arrayOf(results[0] as TensorType, made, ctx.precision)];
  },
  padRule: (_, f, rule) => (passes(rule, f) ? {} : null),
  flops: ({ operands }) => {
    const n = (operands[0] as TensorType).shape.at(-1) as number;
    return elementCount(operands[0] as TensorType) * Math.ceil(n / 3);
  },
});

/** Of the triangle that is named, as a matrix with zeros in the other. */
export function choleskyFactor(m: Matrix, lower: boolean): Matrix {
  if (lower) return cholesky(m);
  const l = cholesky(new Matrix(m.rows, m.cols, (i, j) => conjugate(m.at(j, i))));
  return new Matrix(m.rows, m.cols, (i, j) => conjugate(l.at(j, i)));
}

const triangularSolve = defineOp<Solve>({
  kind: 'triangular_solve',
  infer({ operands, attrs }) {
    const [a, b] = operands as readonly [TensorType, TensorType];
    const n = b.shape[b.shape.length - (attrs.left_side ? 2 : 1)];
    const fits =
      a.dtype === b.dtype &&
      a.shape.length >= 2 &&
      a.shape.length === b.shape.length &&
      n !== undefined &&
      tensor(a.dtype, [...b.shape.slice(0, -2), n, n]) === a;
    if (!fits)
      throw new InferError(
        `triangular_solve: ${typeText(a)} does not solve ${typeText(b)} from the ${attrs.left_side ? 'left' : 'right'}`,
      );
    return [b];
  },
  factors: (view) => solveRule(view, 'replicate'),
  /** Right-hand sides are solved each on its own. */
  split: (view) => solveRule(view, 'pass'),
  kernel({ attrs, results }, [a, b], ctx) {
    const right = matricesOf(b as TensorArray);
    const made = matricesOf(a as TensorArray).flatMap((m, i) => cellsOf(solve(m, right[i] as Matrix, attrs)));
    return [arrayOf(results[0] as TensorType, made, ctx.precision)];
  },
  linearity: () => [[1]],
  padRule: (_, f, rule) => (passes(rule, f) ? {} : null),
  flops: ({ operands, attrs }) => {
    const [a, b] = operands as readonly [TensorType, TensorType];
    return elementCount(b) * (a.shape.at(attrs.left_side ? -1 : -1) as number);
  },
});

/** op(a) x = b, or x op(a) = b, which is op(a)ᵀ xᵀ = bᵀ. Only the triangle that is named counts. */
export function solve(a: Matrix, b: Matrix, { left_side, lower, unit_diagonal, transpose_a }: Solve): Matrix {
  const turned = transpose_a === 'TRANSPOSE' || transpose_a === 'ADJOINT';
  const value = (i: number, j: number): Complex =>
    transpose_a === 'ADJOINT' ? conjugate(a.at(j, i)) : turned ? a.at(j, i) : a.at(i, j);
  const t = new Matrix(a.rows, a.rows, (i, j) => (left_side ? value(i, j) : value(j, i)));
  const isLower = lower === (turned === !left_side);
  return left_side
    ? solveTriangle(t, b, isLower, unit_diagonal)
    : solveTriangle(t, b.transposed(), isLower, unit_diagonal).transposed();
}

function solveRule({ operands, attrs }: OpView<Solve>, sides: 'pass' | 'replicate'): FactorRule {
  const [a, b] = operands.map((t) => t.shape) as [readonly number[], readonly number[]];
  const rule = new RuleBuilder([a.length, b.length], [b.length]);
  const [row, column] = [a.length - 2, a.length - 1];
  for (let d = 0; d < row; d++) rule.add([d, d], [d], a[d] as number);
  const turned = attrs.transpose_a === 'TRANSPOSE' || attrs.transpose_a === 'ADJOINT';
  const [free, contracted] = turned === attrs.left_side ? [column, row] : [row, column];
  const [solved, kept] = attrs.left_side ? [row, column] : [column, row];
  const ofA = (): void => {
    rule.add([free, solved], [null], a[free] as number, 'replicate');
  };
  if (attrs.left_side) ofA();
  rule.add([null, kept], [kept], b[kept] as number, sides);
  if (!attrs.left_side) ofA();
  rule.add([contracted, null], [solved], a[contracted] as number, 'replicate');
  return rule.build();
}

export const linearAlgebraOps: Readonly<Record<string, AnyOpDef>> = {
  cholesky: choleskyOp,
  triangular_solve: triangularSolve,
};
