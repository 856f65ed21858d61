/**
 * The inner loop of matrix products, in WebAssembly: V8 does not vectorise, and two f64 lanes are 3 times as fast as the
 * same tile in plain TypeScript (notes/ecosystem.md). Assembled here, so that nothing has to be built or shipped.
 */

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The part of the JavaScript interface used here: neither TypeScript's "esnext" nor Node's types declare it. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/**
 * c += a · b. `a` holds tiles of 4 rows as [tile, k, 4], `b` tiles of 32 bytes of columns (4 of f64, 8 of f32) as
 * [tile, k, columns], `c` is row-major with `stride` bytes per row. All are byte offsets into the memory; k and the
 * numbers of tiles are at least 1.
 */
export type TileProduct = (
  a: number,
  b: number,
  c: number,
  aTiles: number,
  bTiles: number,
  k: number,
  stride: number,
) => void;

export interface TileMachine {
  readonly memory: WasmMemory;
  readonly multiply: TileProduct;
}

export type Lane = 'f64' | 'f32';

/** Lanes of f32 round after every step, as the machines that programs are for do; f64 is for what must not round. */
export function makeTileMachine(lane: Lane): TileMachine {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(lane)), { m: { m: memory } });
  return { memory, multiply: exports.f as TileProduct };
}

// Parameters, then locals: pointers that run through a, b and c, counters, and the tile's 4 × 2 vectors.
const [A, B, C, A_TILES, B_TILES, K, STRIDE, PA, PB, PC, I, P, B0, B1, X, ACC] = Array.from(
  { length: 16 },
  (_, i) => i,
) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const ROWS = [0, 1, 2, 3];

// Opcodes (WebAssembly core specification, 5.4).
const I32 = 0x7f;
const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (n: number): number[] => [0x41, n];
const ADD = 0x6a;
const advance = (local: number, by: readonly number[]): number[] => [...get(local), ...by, ADD, ...set(local)];
/** Do-while: the body runs until the counter is 0. */
const countDown = (counter: number, body: readonly number[]): number[] => [
  0x03,
  0x40,
  ...body,
  ...get(counter),
  ...constant(1),
  0x6b,
  0x22,
  counter,
  0x0d,
  0,
  0x0b,
];
const load = (pointer: number, offset: number): number[] => [...get(pointer), 0xfd, 0x00, 3, offset];
const loadSplat = (pointer: number, row: number, { splat, bytes }: LaneCode): number[] => [
  ...get(pointer),
  0xfd,
  splat,
  Math.log2(bytes),
  row * bytes,
];
const store = (pointer: number, value: readonly number[], offset: number): number[] => [
  ...get(pointer),
  ...value,
  0xfd,
  0x0b,
  3,
  offset,
];
const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];

interface LaneCode {
  readonly bytes: number;
  /** v128.load64_splat, v128.load32_splat. */
  readonly splat: number;
  readonly plus: readonly number[];
  readonly times: readonly number[];
}

const LANES: Readonly<Record<Lane, LaneCode>> = {
  f64: { bytes: 8, splat: 0x0a, plus: [0xfd, 0xf0, 0x01], times: [0xfd, 0xf2, 0x01] },
  f32: { bytes: 4, splat: 0x09, plus: [0xfd, 0xe4, 0x01], times: [0xfd, 0xe6, 0x01] },
};
const acc = (row: number, half: number): number => ACC + 2 * row + half;

/** One step of k: four rows of a, each times two vectors of b. */
const step = (code: LaneCode): number[] => [
  ...load(PB, 0),
  ...set(B0),
  ...load(PB, 16),
  ...set(B1),
  ...ROWS.flatMap((r) => [
    ...loadSplat(PA, r, code),
    ...set(X),
    ...[B0, B1].flatMap((b, half) => [
      ...get(acc(r, half)),
      ...get(X),
      ...get(b),
      ...code.times,
      ...code.plus,
      ...set(acc(r, half)),
    ]),
  ]),
  ...advance(PA, constant(4 * code.bytes)),
  ...advance(PB, constant(32)),
];

const tile = (code: LaneCode): number[] => [
  ...ROWS.flatMap((r) => [...zero, ...set(acc(r, 0)), ...zero, ...set(acc(r, 1))]),
  ...get(B),
  ...set(PB),
  ...get(K),
  ...set(P),
  ...countDown(P, step(code)),
  ...ROWS.flatMap((r) => [
    ...[0, 1].flatMap((half) => store(PC, [...load(PC, 16 * half), ...get(acc(r, half)), ...code.plus], 16 * half)),
    ...advance(PC, get(STRIDE)),
  ]),
];

/** For each tile of b, all tiles of a: the pointers into a and c run on by themselves. */
const body = (code: LaneCode): number[] =>
  countDown(B_TILES, [
    ...get(A),
    ...set(PA),
    ...get(C),
    ...set(PC),
    ...get(A_TILES),
    ...set(I),
    ...countDown(I, tile(code)),
    ...get(PB),
    ...set(B),
    ...advance(C, constant(32)),
  ]);

function moduleBytes(lane: Lane): Uint8Array<ArrayBuffer> {
  const sized = (bytes: readonly number[]): number[] => [...leb(bytes.length), ...bytes];
  const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];
  const name = (text: string): number[] => sized([...text].map((c) => c.charCodeAt(0)));
  const locals = [2, ACC - PA - 3, I32, 3 + 2 * ROWS.length, V128];
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, ...sized(new Array<number>(7).fill(I32)), 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0x01, 1, ...leb(65536)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('f'), 0x00, 0]),
    ...section(10, [1, ...sized([...locals, ...body(LANES[lane]), 0x0b])]),
  ]);
}

/** Unsigned LEB128. */
function leb(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}
