/**
 * The inner loop of matrix products: c += a · b, or c = a · b. `a` holds tiles of 4 rows as [tile, k, 4], `b` tiles of 32
 * bytes of columns (4 of f64, 8 of f32) as [tile, k, columns], `c` is row-major with `stride` bytes per row. All are byte
 * offsets into the memory; k and the numbers of tiles are at least 1.
 */
import {
  advance,
  type Code,
  constant,
  countDown,
  get,
  type Lane,
  laneBytes,
  load,
  loadSplat,
  set,
  store,
  vectorOp,
  type WasmFunction,
  zero,
} from './assembler.ts';

export type TileProduct = (
  a: number,
  b: number,
  c: number,
  aTiles: number,
  bTiles: number,
  k: number,
  stride: number,
) => void;

/** Lanes of f32 round after every step, as the machines that programs are for do; f64 is for what must not round. */
export const tileProducts = (): readonly WasmFunction[] =>
  (['f32', 'f64'] as const).flatMap((lane) => [product(lane, 'plus'), product(lane, 'fresh')]);

/** `plus` adds to what c holds, `fresh` writes over it. */
export type Onto = 'plus' | 'fresh';
export const productName = (lane: Lane, onto: Onto): string => `product_${lane}_${onto}`;

// Parameters, then locals: pointers that run through a, b and c, counters, and the tile's 4 × 2 vectors.
const [A, B, C, A_TILES, B_TILES, K, STRIDE] = [0, 1, 2, 3, 4, 5, 6];
const [PA, PB, PC, I, P] = [7, 8, 9, 10, 11];
const [B0, B1, X, ACC] = [12, 13, 14, 15];
const ROWS = [0, 1, 2, 3];
const HALVES = [0, 1];
const acc = (row: number, half: number): number => ACC + 2 * row + half;

/** For each tile of b, all tiles of a: the pointers into a and c run on by themselves. */
function product(lane: Lane, onto: Onto): WasmFunction {
  const code = countDown(B_TILES, [
    ...get(A),
    ...set(PA),
    ...get(C),
    ...set(PC),
    ...get(A_TILES),
    ...set(I),
    ...countDown(I, tile(lane, onto)),
    ...get(PB),
    ...set(B),
    ...advance(C, constant(32)),
  ]);
  return { name: productName(lane, onto), params: 7, counters: 5, vectors: 3 + 2 * ROWS.length, code };
}

const tile = (lane: Lane, onto: Onto): Code => [
  ...ROWS.flatMap((r) => HALVES.flatMap((h) => [...zero, ...set(acc(r, h))])),
  ...get(B),
  ...set(PB),
  ...get(K),
  ...set(P),
  ...countDown(P, step(lane)),
  ...ROWS.flatMap((r) => [
    ...HALVES.flatMap((h) => store(PC, total(r, h, lane, onto), 16 * h)),
    ...advance(PC, get(STRIDE)),
  ]),
];

const total = (row: number, half: number, lane: Lane, onto: Onto): Code =>
  onto === 'fresh' ? get(acc(row, half)) : [...load(PC, 16 * half), ...get(acc(row, half)), ...vectorOp('add', lane)];

/** One step of k: four rows of a, each times two vectors of b. */
const step = (lane: Lane): Code => [
  ...load(PB, 0),
  ...set(B0),
  ...load(PB, 16),
  ...set(B1),
  ...ROWS.flatMap((r) => [
    ...loadSplat(PA, r * laneBytes(lane), lane),
    ...set(X),
    ...HALVES.flatMap((h) => [
      ...get(acc(r, h)),
      ...get(X),
      ...get(h === 0 ? B0 : B1),
      ...vectorOp('multiply', lane),
      ...vectorOp('add', lane),
      ...set(acc(r, h)),
    ]),
  ]),
  ...advance(PA, constant(4 * laneBytes(lane))),
  ...advance(PB, constant(32)),
];
