/**
 * dot_general over floats, on stacks: both sides are packed into tiles, whatever the order of their dims, and multiplied
 * by the tile machine. A row that many copies share is packed once.
 */
import { type Storage, stridesOf } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { allocateReal, roundAll } from '../../ir/ops/rounding.ts';
import { elementCount, isFloat, type TensorType } from '../../ir/types.ts';
import type { Rows } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { type Lane, makeTileMachine, type TileMachine } from './tile-product.ts';

export const dotKernels: Readonly<Record<string, StackedKernel>> = { dot_general: dot };

/** Scratch memory and compiled code: neither shows in any result. */
const machines: Partial<Record<Lane, TileMachine>> = {};

/** Rows of a tile of the left side; columns of one of the right are 32 bytes. */
const ROWS = 4;

type Floats = Float64Array | Float32Array;
/** Steps of k, and tiles of the left side, whose packed numbers stay in the second-level cache. */
const K_BLOCK = 256;
const ROW_BLOCK = 32;
/** Bytes of packed matrices held per side, and in all. */
const HELD = 2 ** 26;
const LIMIT = 2 ** 31;

/** One side: [batch, lines, k] by offsets into a row of its stack. Lines are rows of the left, columns of the right. */
interface Side {
  readonly data: Float64Array;
  readonly length: number;
  /** Lines of a tile. */
  readonly width: number;
  readonly batch: Int32Array;
  readonly lines: Int32Array;
  readonly depth: Int32Array;
}

function dot({ view, operands, copies, precision }: StackedCall): Storage | undefined {
  const attrs = view.attrs as OpAttrs['dot_general'];
  const [lhs, rhs] = operands as readonly [Rows, Rows];
  const type = view.results[0] as TensorType;
  if (![type, ...view.operands].every((t) => isFloat(t.dtype))) return undefined;
  const out = allocateReal(type.dtype, copies * elementCount(type), precision) as Float64Array;
  const single = [out, lhs.stack.data, rhs.stack.data].every((d) => (d as Storage) instanceof Float32Array);
  const columns = single ? 8 : 4;
  const a = sideOf(lhs, view.operands[0] as TensorType, attrs.lhs_batch, attrs.lhs_contracting, ROWS);
  const b = sideOf(rhs, view.operands[1] as TensorType, attrs.rhs_batch, attrs.rhs_contracting, columns);
  if (out.length === 0 || a.depth.length === 0) return out;
  const product = Product.start(a, b, single ? 'f32' : 'f64');
  if (product === undefined) return undefined;
  const batch = a.batch.length;
  const n = a.lines.length * b.lines.length;
  for (let c = 0; c < copies; c++) {
    for (let t = 0; t < batch; t++)
      product.run((lhs.of?.[c] ?? c) * batch + t, (rhs.of?.[c] ?? c) * batch + t, out, (c * batch + t) * n);
  }
  return roundAll(type.dtype, precision, out);
}

function sideOf(
  { stack }: Rows,
  type: TensorType,
  batch: readonly number[],
  contracting: readonly number[],
  width: number,
): Side {
  const free = type.shape.map((_, d) => d).filter((d) => !batch.includes(d) && !contracting.includes(d));
  const [data, length] = [stack.data as Float64Array, elementCount(type)];
  const walk = (dims: readonly number[]): Int32Array => offsetsOf(type.shape, dims);
  return { data, length, width, batch: walk(batch), lines: walk(free), depth: walk(contracting) };
}

/** Offsets of all indices of these dims, the first major. */
function offsetsOf(shape: readonly number[], dims: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  return dims.reduce((list, d) => {
    const size = shape[d] as number;
    return Int32Array.from(
      { length: list.length * size },
      (_, i) => (list[Math.floor(i / size)] as number) + (i % size) * (strides[d] as number),
    );
  }, new Int32Array(1));
}

/** Packed matrices of one side: matrix number → slot, direct-mapped. */
interface Slots {
  readonly side: Side;
  readonly tiles: number;
  readonly base: number;
  readonly bytes: number;
  readonly held: Int32Array;
}

class Product {
  private readonly a: Slots;
  private readonly b: Slots;
  private readonly c: number;
  private readonly floats: Floats;
  /** Of one number. */
  private readonly bytes: number;
  private readonly machine: TileMachine;

  /** Undefined where the matrices are too large to pack. */
  static start(a: Side, b: Side, lane: Lane): Product | undefined {
    const bytes = lane === 'f32' ? 4 : 8;
    const left = slotsOf(a, 0, bytes);
    const right = slotsOf(b, left.bytes * left.held.length, bytes);
    const c = right.base + right.bytes * right.held.length;
    const needed = c + left.tiles * a.width * right.tiles * b.width * bytes;
    return needed > LIMIT ? undefined : new Product(left, right, c, needed, lane);
  }

  private constructor(a: Slots, b: Slots, c: number, needed: number, lane: Lane) {
    [this.a, this.b, this.c] = [a, b, c];
    this.bytes = lane === 'f32' ? 4 : 8;
    this.machine = machines[lane] ??= makeTileMachine(lane);
    const { memory } = this.machine;
    const missing = needed - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    this.floats = lane === 'f32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
  }

  /** Matrix `left` times matrix `right`, to `out` from `at`. */
  run(left: number, right: number, out: Float64Array, at: number): void {
    const [a, b] = [this.packed(this.a, left), this.packed(this.b, right)];
    const [aTiles, bTiles] = [this.a.tiles, this.b.tiles];
    const [rows, columns] = [this.a.side.width, this.b.side.width];
    const { bytes } = this;
    const width = bTiles * columns;
    const k = this.a.side.depth.length;
    const c = this.c / bytes;
    this.floats.fill(0, c, c + aTiles * rows * width);
    for (let p = 0; p < k; p += K_BLOCK) {
      const depth = Math.min(K_BLOCK, k - p);
      for (let i = 0; i < aTiles; i += ROW_BLOCK) {
        const from = a + (p * aTiles + i * depth) * rows * bytes;
        this.machine.multiply(
          from,
          b + p * bTiles * columns * bytes,
          this.c + i * rows * width * bytes,
          Math.min(ROW_BLOCK, aTiles - i),
          bTiles,
          depth,
          width * bytes,
        );
      }
    }
    copyOut(this.floats, c, width, out, at, this.a.side.lines.length, this.b.side.lines.length);
  }

  /** Byte offset of the packed matrix. */
  private packed(slots: Slots, matrix: number): number {
    const slot = matrix % slots.held.length;
    const at = slots.base + slot * slots.bytes;
    if (slots.held[slot] !== matrix) pack(slots, matrix, this.floats, at / this.bytes);
    slots.held[slot] = matrix;
    return at;
  }
}

function slotsOf(side: Side, base: number, size: number): Slots {
  const tiles = Math.ceil(side.lines.length / side.width);
  const bytes = tiles * side.width * side.depth.length * size;
  const matrices = side.batch.length * (side.data.length / side.length);
  const slots = Math.max(1, Math.min(matrices, Math.floor(HELD / bytes)));
  return { side, tiles, base, bytes, held: new Int32Array(slots).fill(-1) };
}

/** [block of k, tile, k, line within tile]; the last line stands in for lines beyond the end, whose products go unread. */
function pack({ side, tiles }: Slots, matrix: number, into: Floats, at: number): void {
  const { data, lines, depth, batch, width } = side;
  const base = Math.floor(matrix / batch.length) * side.length + (batch[matrix % batch.length] as number);
  const last = lines.length - 1;
  let put = at;
  for (let p0 = 0; p0 < depth.length; p0 += K_BLOCK) {
    const end = Math.min(depth.length, p0 + K_BLOCK);
    for (let t = 0; t < tiles; t++) {
      for (let half = 0; half < width; half += 4) {
        const line = (r: number): number => base + (lines[Math.min(t * width + half + r, last)] as number);
        const [l0, l1, l2, l3] = [line(0), line(1), line(2), line(3)];
        for (let p = p0, to = put + half; p < end; p++, to += width) {
          const d = depth[p] as number;
          into[to] = data[l0 + d] as number;
          into[to + 1] = data[l1 + d] as number;
          into[to + 2] = data[l2 + d] as number;
          into[to + 3] = data[l3 + d] as number;
        }
      }
      put += (end - p0) * width;
    }
  }
}

/** The m × n corner of a padded product. */
function copyOut(from: Floats, base: number, width: number, out: Float64Array, at: number, m: number, n: number): void {
  if (width === n) return out.set(from.subarray(base, base + m * n), at);
  if (n === 1) for (let i = 0; i < m; i++) out[at + i] = from[base + i * width] as number;
  else if (n === 2) {
    for (let i = 0, a = base, b = at; i < m; i++, a += width, b += 2) {
      out[b] = from[a] as number;
      out[b + 1] = from[a + 1] as number;
    }
  } else
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[at + i * n + j] = from[base + i * width + j] as number;
}
