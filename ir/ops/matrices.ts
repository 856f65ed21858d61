/** Small dense matrices of complex numbers and their factorisations: textbook algorithms (Golub and Van Loan), slow and obvious. */
import { allocate, type Precision, type TensorArray } from '../array.ts';
import { elementCount, isComplex, type TensorType } from '../types.ts';
import { type Complex, minus, modulus, over, plus, times } from './complex.ts';

const ZERO: Complex = [0, 0];
const ONE: Complex = [1, 0];
export const conjugate = ([a, b]: Complex): Complex => [a, -b];
export const scale = ([a, b]: Complex, by: number): Complex => [a * by, b * by];

export class Matrix {
  readonly rows: number;
  readonly cols: number;
  private readonly cells: Complex[];

  constructor(rows: number, cols: number, at: (i: number, j: number) => Complex = () => ZERO) {
    this.rows = rows;
    this.cols = cols;
    this.cells = Array.from({ length: rows * cols }, (_, k) => at(Math.floor(k / cols), k % cols));
  }

  at(i: number, j: number): Complex {
    return this.cells[i * this.cols + j] as Complex;
  }

  set(i: number, j: number, z: Complex): void {
    this.cells[i * this.cols + j] = z;
  }

  copy(): Matrix {
    return new Matrix(this.rows, this.cols, (i, j) => this.at(i, j));
  }

  transposed(): Matrix {
    return new Matrix(this.cols, this.rows, (i, j) => this.at(j, i));
  }
}

/** The matrices of a batch: the last two dims. */
export function matricesOf(x: TensorArray): Matrix[] {
  const [rows, cols] = x.shape.slice(-2) as [number, number];
  const complex = isComplex(x.dtype);
  const count = rows * cols === 0 ? 0 : x.data.length / (complex ? 2 : 1) / (rows * cols);
  const cell = (k: number): Complex =>
    complex ? [x.data[2 * k] as number, x.data[2 * k + 1] as number] : [x.data[k] as number, 0];
  return Array.from({ length: count }, (_, n) => new Matrix(rows, cols, (i, j) => cell((n * rows + i) * cols + j)));
}

/** Numbers of a batch one after another, as an array of this type; the imaginary part is dropped where it is real. */
export function arrayOf(type: TensorType, numbers: readonly Complex[], precision: Precision): TensorArray {
  const data = allocate(type.dtype, elementCount(type), precision);
  numbers.forEach(([re, im], k) => {
    if (!isComplex(type.dtype)) (data as Float64Array)[k] = re;
    else {
      data[2 * k] = re;
      data[2 * k + 1] = im;
    }
  });
  return { dtype: type.dtype, shape: type.shape, data };
}

export const cellsOf = (m: Matrix): Complex[] =>
  Array.from({ length: m.rows * m.cols }, (_, k) => m.at(Math.floor(k / m.cols), k % m.cols));

/** L with L Lᴴ = a, from the lower triangle of `a`; NaN from where `a` is not positive definite. Zeros above. */
export function cholesky(a: Matrix): Matrix {
  const l = new Matrix(a.rows, a.rows);
  for (let j = 0; j < a.rows; j++) {
    let left = a.at(j, j)[0];
    for (let k = 0; k < j; k++) left -= modulus(l.at(j, k)) ** 2;
    const pivot = left > 0 ? Math.sqrt(left) : Number.NaN;
    l.set(j, j, [pivot, 0]);
    for (let i = j + 1; i < a.rows; i++) {
      let sum = a.at(i, j);
      for (let k = 0; k < j; k++) sum = minus(sum, times(l.at(i, k), conjugate(l.at(j, k))));
      l.set(i, j, scale(sum, 1 / pivot));
    }
  }
  return l;
}

/** x with t x = b, where only one triangle of t counts and, if `unit`, its diagonal is ones. */
export function solveTriangle(t: Matrix, b: Matrix, lower: boolean, unit: boolean): Matrix {
  const x = b.copy();
  const n = t.rows;
  for (let step = 0; step < n; step++) {
    const i = lower ? step : n - 1 - step;
    for (let c = 0; c < b.cols; c++) {
      let sum = x.at(i, c);
      for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) sum = minus(sum, times(t.at(i, k), x.at(k, c)));
      x.set(i, c, unit ? sum : over(sum, t.at(i, i)));
    }
  }
  return x;
}

/** L below and U on and above the diagonal, rows exchanged: row i with `pivots[i]`. `info` > 0: that pivot is zero. */
export function luFactors(a: Matrix): { packed: Matrix; pivots: number[]; info: number } {
  const m = a.copy();
  const pivots: number[] = [];
  let info = 0;
  for (let j = 0; j < Math.min(m.rows, m.cols); j++) {
    let best = j;
    for (let i = j + 1; i < m.rows; i++) if (size(m.at(i, j)) > size(m.at(best, j))) best = i;
    pivots.push(best);
    exchangeRows(m, j, best);
    if (size(m.at(j, j)) === 0) {
      info ||= j + 1;
      continue;
    }
    for (let i = j + 1; i < m.rows; i++) {
      const factor = over(m.at(i, j), m.at(j, j));
      m.set(i, j, factor);
      for (let k = j + 1; k < m.cols; k++) m.set(i, k, minus(m.at(i, k), times(factor, m.at(j, k))));
    }
  }
  return { packed: m, pivots, info };
}

/** LAPACK's measure for pivots. */
const size = ([a, b]: Complex): number => Math.abs(a) + Math.abs(b);

function exchangeRows(m: Matrix, a: number, b: number): void {
  for (let k = 0; k < m.cols && a !== b; k++) {
    const held = m.at(a, k);
    m.set(a, k, m.at(b, k));
    m.set(b, k, held);
  }
}

/** Householder QR as LAPACK's geqrf packs it: R on and above the diagonal, reflectors below, their factors beside. */
export function qrFactors(a: Matrix): { packed: Matrix; taus: Complex[] } {
  const m = a.copy();
  const taus: Complex[] = [];
  for (let j = 0; j < Math.min(m.rows, m.cols); j++) {
    let below = 0;
    for (let i = j + 1; i < m.rows; i++) below += modulus(m.at(i, j)) ** 2;
    const head = m.at(j, j);
    if (below === 0 && head[1] === 0) {
      taus.push(ZERO);
      continue;
    }
    const beta = -(Math.sign(head[0]) || 1) * Math.sqrt(modulus(head) ** 2 + below);
    taus.push([(beta - head[0]) / beta, -head[1] / beta]);
    const unit = over(ONE, minus(head, [beta, 0]));
    for (let i = j + 1; i < m.rows; i++) m.set(i, j, times(m.at(i, j), unit));
    m.set(j, j, [beta, 0]);
    for (let k = j + 1; k < m.cols; k++) reflect(m, m, j, k, conjugate(taus[j] as Complex));
  }
  return { packed: m, taus };
}

/** Column k of `m` minus tau · v vᴴ of it, where v is 1 at j and stands below the diagonal of `packed` in column j. */
function reflect(m: Matrix, packed: Matrix, j: number, k: number, tau: Complex): void {
  let dot = m.at(j, k);
  for (let i = j + 1; i < m.rows; i++) dot = plus(dot, times(conjugate(packed.at(i, j)), m.at(i, k)));
  const by = times(tau, dot);
  m.set(j, k, minus(m.at(j, k), by));
  for (let i = j + 1; i < m.rows; i++) m.set(i, k, minus(m.at(i, k), times(packed.at(i, j), by)));
}

/** The first columns of the product of the reflectors that `packed` holds: Q. */
export function reflectorProduct(packed: Matrix, taus: readonly Complex[]): Matrix {
  const q = new Matrix(packed.rows, packed.cols, (i, j) => (i === j ? ONE : ZERO));
  for (let j = taus.length - 1; j >= 0; j--) {
    for (let k = j; k < q.cols; k++) reflect(q, packed, j, k, taus[j] as Complex);
  }
  return q;
}

/** Eigenvalues, ascending, and vectors (columns) of a Hermitian matrix, by Jacobi's rotations. Reads the lower triangle. */
export function hermitianEigen(a: Matrix): { values: number[]; vectors: Matrix } {
  const n = a.rows;
  const m = new Matrix(n, n, (i, j) => (i > j ? a.at(i, j) : i < j ? conjugate(a.at(j, i)) : [a.at(i, i)[0], 0]));
  const v = new Matrix(n, n, (i, j) => (i === j ? ONE : ZERO));
  for (let sweep = 0; sweep < 60 && offDiagonal(m) > 0; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(m, v, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => m.at(i, i)[0] - m.at(j, j)[0]);
  return {
    values: order.map((i) => m.at(i, i)[0]),
    vectors: new Matrix(n, n, (i, j) => v.at(i, order[j] as number)),
  };
}

/** Largest element off the diagonal, 0 where it does not count beside the diagonal. */
function offDiagonal(m: Matrix): number {
  let [off, on] = [0, 0];
  for (let i = 0; i < m.rows; i++) {
    for (let j = 0; j < m.rows; j++) {
      if (i === j) on = Math.max(on, modulus(m.at(i, i)));
      else off = Math.max(off, modulus(m.at(i, j)));
    }
  }
  return off <= 1e-17 * on ? 0 : off;
}

/** Makes m[p, q] zero. */
function rotate(m: Matrix, v: Matrix, p: number, q: number): void {
  const z = m.at(p, q);
  const r = modulus(z);
  // Smaller ones have no reciprocal.
  if (!(r > 1e-290) || !Number.isFinite(r)) return;
  const phase = scale(z, 1 / r);
  const theta = (m.at(q, q)[0] - m.at(p, p)[0]) / (2 * r);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const columns = (x: Matrix): void => {
    for (let k = 0; k < x.rows; k++) {
      const [a, b] = [x.at(k, p), x.at(k, q)];
      x.set(k, p, minus(scale(a, c), scale(times(b, conjugate(phase)), s)));
      x.set(k, q, plus(scale(times(a, phase), s), scale(b, c)));
    }
  };
  columns(m);
  columns(v);
  for (let k = 0; k < m.cols; k++) {
    const [a, b] = [m.at(p, k), m.at(q, k)];
    m.set(p, k, minus(scale(a, c), scale(times(b, phase), s)));
    m.set(q, k, plus(scale(times(a, conjugate(phase)), s), scale(b, c)));
  }
}

/** Thin singular value decomposition a = u · diag(s) · vᴴ, s descending, by the eigenvectors of aᴴ a. */
export function singularValues(a: Matrix): { u: Matrix; s: number[]; v: Matrix } {
  if (a.rows < a.cols) {
    const { u, s, v } = singularValues(adjoint(a));
    return { u: v, s, v: u };
  }
  const gram = new Matrix(a.cols, a.cols, (i, j) => dot(a, i, a, j));
  const { values, vectors } = hermitianEigen(gram);
  const order = values.map((_, i) => i).reverse();
  const v = new Matrix(a.cols, a.cols, (i, j) => vectors.at(i, order[j] as number));
  const s = order.map((i) => Math.sqrt(Math.max(0, values[i] as number)));
  const u = new Matrix(a.rows, a.cols, (i, j) => {
    let sum = ZERO;
    for (let k = 0; k < a.cols; k++) sum = plus(sum, times(a.at(i, k), v.at(k, j)));
    return s[j] === 0 ? ZERO : scale(sum, 1 / (s[j] as number));
  });
  return { u: completed(u, u.cols, s.filter((x) => x > 0).length), s, v };
}

export const adjoint = (m: Matrix): Matrix => new Matrix(m.cols, m.rows, (i, j) => conjugate(m.at(j, i)));

/** Column i of a, conjugate, times column j of b. */
function dot(a: Matrix, i: number, b: Matrix, j: number): Complex {
  let sum = ZERO;
  for (let k = 0; k < a.rows; k++) sum = plus(sum, times(conjugate(a.at(k, i)), b.at(k, j)));
  return sum;
}

/** The first `from` columns are orthonormal; as many more as make `cols`, from the unit vectors (Gram and Schmidt, twice). */
export function completed(q: Matrix, cols: number, from = q.cols): Matrix {
  const made = new Matrix(q.rows, cols, (i, j) => (j < from ? q.at(i, j) : ZERO));
  let unit = 0;
  for (let j = from; j < cols; j++) {
    for (let length = 0; length < 0.1 && unit < q.rows; unit++) {
      for (let i = 0; i < q.rows; i++) made.set(i, j, i === unit ? ONE : ZERO);
      for (let pass = 0; pass < 2; pass++) for (let k = 0; k < j; k++) removeColumn(made, j, k);
      length = Math.sqrt(dot(made, j, made, j)[0]);
      for (let i = 0; i < q.rows; i++) made.set(i, j, length < 0.1 ? ZERO : scale(made.at(i, j), 1 / length));
    }
  }
  return made;
}

function removeColumn(m: Matrix, j: number, k: number): void {
  const by = dot(m, k, m, j);
  for (let i = 0; i < m.rows; i++) m.set(i, j, minus(m.at(i, j), times(m.at(i, k), by)));
}
