/** Matrices in the last two dims, and transforms along the last ones: cholesky, triangular solves, fft. */
import { isComplex } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { conjugate } from './complex.ts';
import { add, convert, divide, greaterEqual, lessEqual, select } from './elementwise.ts';
import { iota } from './creation.ts';
import { commonType, dimOf } from './lift.ts';
import { pad, sliceInDim, swapDims, transpose } from './shaping.ts';

export interface CholeskyOptions {
  /** Which factor: L with a = L Lᴴ (the default), or U with a = Uᴴ U. */
  readonly lower?: boolean;
  /** Takes the mean of a and its adjoint first, as jax.lax.linalg.cholesky; default true. Else one triangle is read. */
  readonly symmetrize?: boolean;
}

/** The triangular factor of Hermitian positive definite matrices [..., n, n], zeros in the other triangle. */
export function cholesky<T extends Tensor>(a: T, { lower = true, symmetrize = true }: CholeskyOptions = {}): T {
  matrices('cholesky', a);
  const whole = symmetrize ? (divide(add(a, adjoint(a)), 2) as Tensor) : a;
  const factor = currentTrace().emit('cholesky', [whole], { lower })[0] as T;
  return (lower ? lowerTriangle(factor) : upperTriangle(factor)) as T;
}

export interface SolveOptions {
  /** Solve op(a) x = b (the default), or x op(a) = b. */
  readonly left?: boolean;
  /** Which triangle of a is read; default the lower. */
  readonly lower?: boolean;
  /** What stands for a: itself, its transpose, or its adjoint. */
  readonly transpose?: 'none' | 'transpose' | 'adjoint';
  /** Takes the diagonal as ones. */
  readonly unitDiagonal?: boolean;
}

const TRANSPOSES = { none: 'NO_TRANSPOSE', transpose: 'TRANSPOSE', adjoint: 'ADJOINT' } as const;

/** x of op(a) x = b, a [..., n, n] triangular, b [..., n, m]. */
export function triangularSolve<T extends Tensor>(a: Tensor, b: T, options: SolveOptions = {}): T {
  matrices('triangularSolve', a);
  const { left = true, lower = true, unitDiagonal = false } = options;
  const dtype = commonType(currentTrace(), [a, b]);
  return currentTrace().emit('triangular_solve', [convert(a, dtype), convert(b, dtype)], {
    left_side: left,
    lower,
    unit_diagonal: unitDiagonal,
    transpose_a: TRANSPOSES[options.transpose ?? 'none'],
  })[0] as T;
}

/** What lies at and below a diagonal, zeros elsewhere (jax.numpy.tril). */
export const lowerTriangle = <T extends Tensor>(x: T, diagonal = 0): T =>
  select(greaterEqual(add(rows(x), diagonal), columns(x)), x, 0) as Tensor as T;
/** At and above (jax.numpy.triu). */
export const upperTriangle = <T extends Tensor>(x: T, diagonal = 0): T =>
  select(lessEqual(add(rows(x), diagonal), columns(x)), x, 0) as Tensor as T;

const rows = (x: Tensor): Tensor => iota(x.shape, x.rank - 2);
const columns = (x: Tensor): Tensor => iota(x.shape, x.rank - 1);
const adjoint = (x: Tensor): Tensor => conjugate(swapDims(x, -1, -2));

function matrices(what: string, x: Tensor): void {
  if (x.rank < 2 || x.shape.at(-1) !== x.shape.at(-2))
    fail('SH0204', `${what} takes square matrices [..., n, n], got ${String(x)}`);
}

/** Discrete Fourier transforms along dims (by default the last), as numpy.fft. */
export const fft = (x: Tensor, dims?: number | Shape): Tensor => transform('FFT', x, dims);
export const ifft = (x: Tensor, dims?: number | Shape): Tensor => transform('IFFT', x, dims);
/** Of real numbers: the first half of the spectrum, n / 2 + 1 frequencies along the last of the dims. */
export const rfft = (x: Tensor, dims?: number | Shape): Tensor => transform('RFFT', x, dims);

/** The real numbers of half a spectrum; an odd length must be said. */
export function irfft(x: Tensor, length?: number, dims?: number | Shape): Tensor {
  const last = dimOf(x, typeof dims === 'object' ? (dims.at(-1) ?? -1) : (dims ?? -1));
  const n = length ?? 2 * ((x.shape[last] as number) - 1);
  const half = Math.floor(n / 2) + 1;
  const have = x.shape[last] as number;
  const cut =
    have >= half
      ? sliceInDim(x, 0, half, { dim: last })
      : pad(
          x,
          x.shape.map((_, d) => [0, d === last ? half - have : 0] as const),
        );
  return transform('IRFFT', cut, dims, n);
}

/** The dims go to the end, as StableHLO has them, at most three at a time. */
function transform(
  kind: 'FFT' | 'IFFT' | 'RFFT' | 'IRFFT',
  x: Tensor,
  dims: number | Shape | undefined,
  length?: number,
): Tensor {
  const places = (typeof dims === 'number' ? [dims] : (dims ?? [-1])).map((d) => dimOf(x, d));
  if (places.length < 1 || places.length > 3 || new Set(places).size !== places.length)
    fail('SH0204', `a Fourier transform along dims [${places.join(', ')}]`, {
      expected: 'one to three dims, each once',
    });
  const order = [...x.shape.map((_, d) => d).filter((d) => !places.includes(d)), ...places];
  const lined = transpose(kind === 'RFFT' ? x : asComplex(x), order);
  const extents = lined.shape.slice(x.rank - places.length);
  const fft_length = length === undefined ? extents : [...extents.slice(0, -1), length];
  const made = currentTrace().emit('fft', [lined], { fft_type: kind, fft_length })[0] as Tensor;
  return transpose(
    made,
    order.map((_, d) => order.indexOf(d)),
  );
}

function asComplex(x: Tensor): Tensor {
  if (isComplex(x.dtype)) return x;
  return convert(x, x.dtype === 'f64' ? 'c128' : 'c64');
}
