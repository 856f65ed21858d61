/**
 * Moving elements between arrays with steps: the loop under transposes, broadcasts, slices, pads, sharding and gathers.
 * A move is planned once per shape and run for many bases.
 */
import type { Storage } from '../../ir/array.ts';

/** to[toBase + Σ i·to] = from[fromBase + Σ i·from] for every index i of `shape`. At least two dims. */
export interface Move {
  readonly shape: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
}

interface Dim {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** Plans a move: dims that lie together on both sides become one, and a transpose gets both its fast dims innermost. */
export function planMove(shape: readonly number[], from: readonly number[], to: readonly number[]): Move {
  const dims: Dim[] = [];
  for (let d = 0; d < shape.length; d++) {
    const next: Dim = { size: shape[d] as number, from: from[d] as number, to: to[d] as number };
    if (next.size === 1) continue;
    const last = dims.at(-1);
    const joins = last !== undefined && last.from === next.from * next.size && last.to === next.to * next.size;
    if (joins) dims[dims.length - 1] = { ...next, size: last.size * next.size };
    else dims.push(next);
  }
  while (dims.length < 2) dims.unshift({ size: 1, from: 0, to: 0 });
  const fast = dims.findIndex((d) => d.from === 1);
  if (fast >= 0 && fast < dims.length - 2) dims.splice(dims.length - 2, 0, ...dims.splice(fast, 1));
  return { shape: dims.map((d) => d.size), from: dims.map((d) => d.from), to: dims.map((d) => d.to) };
}

/** Runs a planned move. Both arrays hold the same kind of element. */
export function runMove(move: Move, from: Storage, fromBase: number, to: Storage, toBase: number): void {
  const { shape } = move;
  if (shape.includes(0)) return;
  const outer = shape.length - 2;
  const index = new Array<number>(outer).fill(0);
  let [a, b] = [fromBase, toBase];
  for (;;) {
    movePlane(move, from as Float64Array, a, to as Float64Array, b);
    let d = outer - 1;
    for (; d >= 0; d--) {
      a += move.from[d] as number;
      b += move.to[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      a -= (move.from[d] as number) * (shape[d] as number);
      b -= (move.to[d] as number) * (shape[d] as number);
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/** From here on a bulk copy or fill is faster than a loop. */
const RUN = 32;

/** The two innermost dims. */
function movePlane(
  { shape, from: fromSteps, to: toSteps }: Move,
  from: Float64Array,
  a: number,
  to: Float64Array,
  b: number,
): void {
  const last = shape.length - 1;
  const [rows, n] = [shape[last - 1] as number, shape[last] as number];
  const [fromRow, fromStep] = [fromSteps[last - 1] as number, fromSteps[last] as number];
  const [toRow, toStep] = [toSteps[last - 1] as number, toSteps[last] as number];
  if (toStep === 1 && fromStep <= 1 && fromStep >= 0 && n >= RUN) {
    for (let i = 0; i < rows; i++) {
      const [at, put] = [a + i * fromRow, b + i * toRow];
      if (fromStep === 0) to.fill(from[at] as number, put, put + n);
      else to.set(from.subarray(at, at + n), put);
    }
  } else if (fromRow === 1 && rows > TILE && n > TILE) moveTiles(rows, n, from, a, fromStep, to, b, toRow, toStep);
  else {
    for (let i = 0; i < rows; i++) {
      for (let j = 0, at = a + i * fromRow, put = b + i * toRow; j < n; j++, at += fromStep, put += toStep)
        to[put] = from[at] as number;
    }
  }
}

const TILE = 16;

/** A transpose, tile by tile, so that both sides stay in the cache. */
function moveTiles(
  rows: number,
  n: number,
  from: Float64Array,
  a: number,
  fromStep: number,
  to: Float64Array,
  b: number,
  toRow: number,
  toStep: number,
): void {
  for (let i0 = 0; i0 < rows; i0 += TILE) {
    const iEnd = Math.min(rows, i0 + TILE);
    for (let j0 = 0; j0 < n; j0 += TILE) {
      const jEnd = Math.min(n, j0 + TILE);
      for (let i = i0; i < iEnd; i++) {
        for (let j = j0; j < jEnd; j++) to[b + i * toRow + j * toStep] = from[a + i + j * fromStep] as number;
      }
    }
  }
}

/** Offsets of all indices of these sizes, the first major. */
export function offsets(sizes: readonly number[], steps: readonly number[]): Int32Array {
  return sizes.reduce(
    (list, size, d) =>
      Int32Array.from(
        { length: list.length * size },
        (_, i) => (list[Math.floor(i / size)] as number) + (i % size) * (steps[d] as number),
      ),
    new Int32Array(1),
  );
}
