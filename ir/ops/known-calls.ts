/**
 * The meaning of custom_calls that JAX writes: LAPACK's on CPU (`lapack_spotrf_ffi`), the decompositions of TPU (`Qr`), and
 * hints that change nothing. Decompositions are unique up to signs and phases; any is as good as LAPACK's own.
 */
import type { TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import type { KernelContext, OpView } from '../op.ts';
import type { TensorType } from '../types.ts';
import type { Complex } from './complex.ts';
import { choleskyFactor, solve } from './linear-algebra.ts';
import {
  adjoint,
  arrayOf,
  cellsOf,
  completed,
  hermitianEigen,
  luFactors,
  Matrix,
  matricesOf,
  qrFactors,
  reflectorProduct,
  singularValues,
} from './matrices.ts';

type View = OpView<OpAttrs['custom_call']>;
/** Per matrix of the batch: the numbers of each result. */
type Decompose = (matrices: readonly Matrix[], option: (name: string) => string) => readonly (readonly Complex[])[];
type Call = (view: View, inputs: readonly TensorArray[], ctx: KernelContext) => readonly TensorArray[];

const real = (x: number): Complex => [x, 0];
const reals = (list: readonly number[]): Complex[] => list.map(real);
const DONE = [real(0)];

const potrf: Decompose = ([a], option) => {
  const [m, lower] = [a as Matrix, option('uplo') === 'L'];
  const made = choleskyFactor(m, lower);
  const inside = (i: number, j: number): boolean => (lower ? i >= j : i <= j);
  const kept = new Matrix(m.rows, m.cols, (i, j) => (inside(i, j) ? made.at(i, j) : m.at(i, j)));
  const failed = cellsOf(made).some(([x]) => Number.isNaN(x));
  return [cellsOf(kept), [real(failed ? 1 : 0)]];
};

const trsm: Decompose = ([a, b], option) => {
  const transposes: Readonly<Record<string, string>> = { N: 'NO_TRANSPOSE', T: 'TRANSPOSE', C: 'ADJOINT' };
  const how = {
    left_side: option('side') === 'L',
    lower: option('uplo') === 'L',
    unit_diagonal: option('diag') === 'U',
    transpose_a: transposes[option('trans_x')] ?? 'NO_TRANSPOSE',
  };
  return [cellsOf(solve(a as Matrix, b as Matrix, how))];
};

const getrf: Decompose = ([a]) => {
  const { packed, pivots, info } = luFactors(a as Matrix);
  return [cellsOf(packed), reals(pivots.map((p) => p + 1)), [real(info)]];
};

const geqrf: Decompose = ([a]) => {
  const { packed, taus } = qrFactors(a as Matrix);
  return [cellsOf(packed), taus];
};

const orgqr: Decompose = ([packed, taus]) => [cellsOf(reflectorProduct(packed as Matrix, cellsOf(taus as Matrix)))];

const heevd: Decompose = ([a], option) => {
  const upper = option('uplo') === 'U';
  const { values, vectors } = hermitianEigen(upper ? adjoint(a as Matrix) : (a as Matrix));
  return [cellsOf(vectors), reals(values), DONE];
};

const gesdd: Decompose = ([a], option) => {
  const m = a as Matrix;
  const { u, s, v } = singularValues(m);
  const full = option('mode') === 'A';
  const left = full ? completed(u, m.rows) : u;
  const right = adjoint(full ? completed(v, m.cols) : v);
  return [cellsOf(m), reals(s), cellsOf(left), cellsOf(right), DONE];
};

/** Thomas' algorithm would not pivot; this solves the dense matrix. */
const gtsv: Decompose = ([dl, d, du, b]) => {
  const [low, diagonal, up] = [dl, d, du].map((m) => cellsOf(m as Matrix)) as [Complex[], Complex[], Complex[]];
  const n = diagonal.length;
  const dense = new Matrix(n, n, (i, j) => {
    if (i === j) return diagonal[i] as Complex;
    return i === j + 1 ? (low[low.length === n ? i : j] as Complex) : j === i + 1 ? (up[i] as Complex) : real(0);
  });
  return [low, diagonal, up, cellsOf(solveDense(dense, b as Matrix)), DONE];
};

function solveDense(a: Matrix, b: Matrix): Matrix {
  const { packed, pivots } = luFactors(a);
  const x = b.copy();
  pivots.forEach((p, i) => {
    for (let c = 0; c < x.cols; c++) {
      const [held, other] = [x.at(i, c), x.at(p, c)];
      x.set(i, c, other);
      x.set(p, c, held);
    }
  });
  const triangle = { left_side: true, transpose_a: 'NO_TRANSPOSE' };
  const y = solve(packed, x, { ...triangle, lower: true, unit_diagonal: true });
  return solve(packed, y, { ...triangle, lower: false, unit_diagonal: false });
}

const LAPACK: Readonly<Record<string, Decompose>> = {
  potrf,
  trsm,
  getrf,
  geqrf,
  orgqr,
  ungqr: orgqr,
  syevd: heevd,
  heevd,
  gesdd,
  gtsv,
};

/** Those of TPU, with the same results. */
const DECOMPOSITIONS: Readonly<Record<string, Decompose>> = {
  ProductOfElementaryHouseholderReflectors: orgqr,
  Qr: geqrf,
  QrDecompositionBlock: geqrf,
  LuDecomposition(matrices, option) {
    const [packed, pivots] = getrf(matrices, option) as [Complex[], Complex[]];
    const order = (matrices[0] as Matrix).rows;
    const rows = Array.from({ length: order }, (_, i) => i);
    pivots.forEach(([p], i) => {
      [rows[i], rows[p - 1]] = [rows[p - 1] as number, rows[i] as number];
    });
    return [packed, pivots.map(([p]) => real(p - 1)), reals(rows)];
  },
};

/** Calls that give back what they take: hints to XLA. */
export const IDENTITY_CALLS: ReadonlySet<string> = new Set([
  'annotate_device_placement',
  'InspectSharding',
  'LayoutConstraint',
  'MoveToDevice',
  'MoveToHost',
]);

/** Undefined where only the machine knows what is called. */
export function meaningOf(target: string): Call | undefined {
  if (IDENTITY_CALLS.has(target)) return (_, inputs) => inputs;
  const routine = /^lapack_[sdcz]([a-z0-9]+)_ffi$/.exec(target)?.[1] ?? '';
  const decompose = Object.hasOwn(LAPACK, routine)
    ? LAPACK[routine]
    : Object.hasOwn(DECOMPOSITIONS, target)
      ? DECOMPOSITIONS[target]
      : undefined;
  return decompose === undefined ? undefined : (view, inputs, ctx) => overBatch(decompose, view, inputs, ctx);
}

/** Operands of one dim less than the first matrix are rows of numbers beside it. */
function overBatch(
  decompose: Decompose,
  view: View,
  inputs: readonly TensorArray[],
  ctx: KernelContext,
): TensorArray[] {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const batches = inputs.map((x) =>
    matricesOf(x.shape.length === rank ? x : { ...x, shape: [...x.shape.slice(0, -1), 1, x.shape.at(-1) as number] }),
  );
  const option = optionsOf(view.attrs.verbatim);
  const made = (batches[0] ?? []).map((_, n) =>
    decompose(
      batches.map((b) => b[n] as Matrix),
      option,
    ),
  );
  return view.results.map((type: TensorType, r) =>
    arrayOf(
      type,
      made.flatMap((results) => results[r] ?? []),
      ctx.precision,
    ),
  );
}

/** `uplo = 76 : ui8` is the letter L. */
const optionsOf =
  (verbatim: string) =>
  (name: string): string => {
    const code = new RegExp(`\\b${name} = (\\d+)`).exec(verbatim)?.[1];
    return code === undefined ? '' : String.fromCharCode(Number(code));
  };
