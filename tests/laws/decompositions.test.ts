/** Factorisations put together again give the matrix: of real and complex ones, square and not. */
import { expect, test } from 'vitest';
import { type Complex, plus, times } from '../../ir/ops/complex.ts';
import {
  adjoint,
  cellsOf,
  cholesky,
  completed,
  hermitianEigen,
  luFactors,
  Matrix,
  qrFactors,
  reflectorProduct,
  scale,
  singularValues,
} from '../../ir/ops/matrices.ts';

const random = (rows: number, cols: number): Matrix =>
  new Matrix(rows, cols, (i, j) => [Math.sin(3 * i + 7 * j + 1), Math.cos(5 * i - 2 * j)]);
const product = (a: Matrix, b: Matrix): Matrix =>
  new Matrix(a.rows, b.cols, (i, j) =>
    Array.from({ length: a.cols }, (_, k) => times(a.at(i, k), b.at(k, j))).reduce(plus, [0, 0] as Complex),
  );
const diagonal = (s: readonly number[]): Matrix =>
  new Matrix(s.length, s.length, (i, j) => [i === j ? (s[i] as number) : 0, 0]);
const unit = (n: number): Matrix => diagonal(Array.from({ length: n }, () => 1));

function same(a: Matrix, b: Matrix): void {
  const off = cellsOf(a).map((z, k) => plus(z, scale(cellsOf(b)[k] as Complex, -1)));
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  expect(Math.max(...off.map(([x, y]) => Math.hypot(x, y)))).toBeLessThan(1e-8);
}

test('cholesky', () => {
  const a = random(4, 4);
  const positive = product(a, adjoint(a));
  const l = cholesky(positive);
  same(product(l, adjoint(l)), positive);
});

test('LU', () => {
  const a = random(4, 4);
  const { packed, pivots, info } = luFactors(a);
  const l = new Matrix(4, 4, (i, j) => (i === j ? [1, 0] : i > j ? packed.at(i, j) : [0, 0]));
  const u = new Matrix(4, 4, (i, j) => (i <= j ? packed.at(i, j) : [0, 0]));
  const rows = [0, 1, 2, 3];
  pivots.forEach((p, i) => {
    [rows[i], rows[p]] = [rows[p] as number, rows[i] as number];
  });
  expect(info).toBe(0);
  same(product(l, u), new Matrix(4, 4, (i, j) => a.at(rows[i] as number, j)));
});

test('QR', () => {
  const a = random(5, 3);
  const { packed, taus } = qrFactors(a);
  const q = reflectorProduct(packed, taus);
  const r = new Matrix(3, 3, (i, j) => (i <= j ? packed.at(i, j) : [0, 0]));
  same(product(q, r), a);
  same(product(adjoint(q), q), unit(3));
});

test('eigenvalues and vectors', () => {
  const b = random(4, 4);
  const a = new Matrix(4, 4, (i, j) => plus(b.at(i, j), adjoint(b).at(i, j)));
  const { values, vectors } = hermitianEigen(a);
  expect([...values].sort((x, y) => x - y)).toEqual(values);
  same(product(product(vectors, diagonal(values)), adjoint(vectors)), a);
  same(product(adjoint(vectors), vectors), unit(4));
});

test.each([
  [5, 3],
  [3, 5],
  [4, 4],
])('singular values of %i × %i', (rows, cols) => {
  const a = random(rows, cols);
  const { u, s, v } = singularValues(a);
  same(product(product(u, diagonal(s)), adjoint(v)), a);
  const full = completed(u, rows);
  same(product(adjoint(full), full), unit(rows));
});
