/**
 * dot_general over floats, on stacks: both sides are packed into tiles, whatever the order of their dims, and multiplied
 * by the compiled tile product, straight into the result where its tiles fit. A row that many copies share is packed once.
 */
import { type Storage, stridesOf } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { roundAll } from '../../ir/ops/rounding.ts';
import { elementCount, isFloat, type TensorType } from '../../ir/types.ts';
import type { Heap } from '../memory/heap.ts';
import { room } from '../memory/room.ts';
import type { Rows } from '../stacked.ts';
import { type Lane, laneBytes } from './assembler.ts';
import { type Job, MOST_JOBS } from './crew.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { type Machine, machineNow } from './machine.ts';
import { offsets } from './move.ts';
import { productName } from './tile-product.ts';

export const dotKernels: Readonly<Record<string, StackedKernel>> = { dot_general: dot };

/** Rows of a tile of the left side; columns of one of the right are 32 bytes. */
const ROWS = 4;

type Floats = Float64Array | Float32Array;
/** Steps of k, and tiles of the left side, whose packed numbers stay in the second-level cache. */
const K_BLOCK = 256;
const ROW_BLOCK = 32;
/** Bytes of packed matrices held per side. */
const HELD = 2 ** 26;

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
  const machine = machineNow();
  if (machine === undefined || ![type, ...view.operands].every((t) => isFloat(t.dtype))) return undefined;
  const out = room(type.dtype, copies * elementCount(type), precision) as Float64Array;
  const single = [out, lhs.stack.data, rhs.stack.data].every((d) => (d as Storage) instanceof Float32Array);
  const columns = single ? 8 : 4;
  const a = sideOf(lhs, view.operands[0] as TensorType, attrs.lhs_batch, attrs.lhs_contracting, ROWS);
  const b = sideOf(rhs, view.operands[1] as TensorType, attrs.rhs_batch, attrs.rhs_contracting, columns);
  if (out.length === 0 || a.depth.length === 0) return out.fill(0);
  const product = Product.start(machine, a, b, single ? 'f32' : 'f64', out);
  if (product === undefined) return undefined;
  const batch = a.batch.length;
  const n = a.lines.length * b.lines.length;
  for (let c = 0; c < copies; c++) {
    for (let t = 0; t < batch; t++)
      product.add((lhs.of?.[c] ?? c) * batch + t, (rhs.of?.[c] ?? c) * batch + t, (c * batch + t) * n);
  }
  product.finish();
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
  const strides = stridesOf(type.shape);
  const walk = (dims: readonly number[]): Int32Array =>
    offsets(
      dims.map((d) => type.shape[d] as number),
      dims.map((d) => strides[d] as number),
    );
  return { data, length, width, batch: walk(batch), lines: walk(free), depth: walk(contracting) };
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
  private readonly machine: Machine;
  private readonly lane: Lane;
  private readonly a: Slots;
  private readonly b: Slots;
  private readonly out: Float64Array;
  /** Byte offset of `out` where the tiles fit it as they are; else of a padded product that is copied out. */
  private readonly c: number;
  private readonly direct: boolean;
  private readonly floats: Floats;
  /** Jobs that wait, by block of k: those of one block write apart. */
  private readonly phases: Job[][];
  private waiting = 0;

  /** Undefined where the heap has no room for the packed matrices. */
  static start(machine: Machine, a: Side, b: Side, lane: Lane, out: Float64Array): Product | undefined {
    const { heap } = machine;
    const bytes = laneBytes(lane);
    const fits = a.lines.length % a.width === 0 && b.lines.length % b.width === 0 && out.BYTES_PER_ELEMENT === bytes;
    const at = fits ? heap.addressOf(out) : undefined;
    const padded = roundUp(a.lines.length, a.width) * roundUp(b.lines.length, b.width) * bytes;
    const [left, right] = [slotsOf(a, heap, bytes), slotsOf(b, heap, bytes)];
    const c = at ?? heap.block(padded);
    if (left === undefined || right === undefined || c === undefined) return undefined;
    return new Product(machine, lane, left, right, out, c, at !== undefined);
  }

  private constructor(machine: Machine, lane: Lane, a: Slots, b: Slots, out: Float64Array, c: number, direct: boolean) {
    [this.machine, this.lane, this.a, this.b, this.out, this.c] = [machine, lane, a, b, out, c];
    this.direct = direct;
    const { buffer } = machine.heap.memory;
    this.phases = Array.from({ length: Math.ceil(a.side.depth.length / K_BLOCK) }, () => []);
    this.floats = lane === 'f32' ? new Float32Array(buffer) : new Float64Array(buffer);
  }

  /** Matrix `left` times matrix `right`, to `out` from `at`; done when `finish` returns. */
  add(left: number, right: number, at: number): void {
    const { aTiles, rows, columns, width, depth: k } = this.sizes;
    const bytes = laneBytes(this.lane);
    const rowBlock = Math.max(ROW_BLOCK, Math.ceil(aTiles / MOST_JOBS));
    const rowBlocks = Math.ceil(aTiles / rowBlock);
    if (this.waiting + rowBlocks > MOST_JOBS || !this.holds(this.a, left) || !this.holds(this.b, right)) this.finish();
    const [a, b] = [this.packed(this.a, left), this.packed(this.b, right)];
    const c = this.direct ? this.c + at * bytes : this.c;
    for (let p = 0; p < k; p += K_BLOCK) {
      const kernel = this.machine.numberOf(productName(this.lane, p === 0 ? 'fresh' : 'plus'));
      const depth = Math.min(K_BLOCK, k - p);
      const right = b + p * this.b.tiles * columns * bytes;
      for (let i = 0; i < aTiles; i += rowBlock) {
        const left = a + (p * aTiles + i * depth) * rows * bytes;
        const to = c + i * rows * width * bytes;
        const tiles = Math.min(rowBlock, aTiles - i);
        this.phases[p / K_BLOCK]?.push([kernel, left, right, to, tiles, this.b.tiles, depth, width * bytes]);
      }
    }
    this.waiting += rowBlocks;
    if (this.direct) return;
    this.finish();
    copyOut(this.floats, c / bytes, width, this.out, at, this.a.side.lines.length, this.b.side.lines.length);
  }

  finish(): void {
    const { aTiles, rows, width } = this.sizes;
    const work = 2 * this.waiting * Math.min(ROW_BLOCK, aTiles) * rows * width * K_BLOCK;
    for (const jobs of this.phases) {
      this.machine.run(jobs, work);
      jobs.length = 0;
    }
    this.waiting = 0;
  }

  private get sizes(): { aTiles: number; rows: number; columns: number; width: number; depth: number } {
    const { a, b } = this;
    const columns = b.side.width;
    return { aTiles: a.tiles, rows: a.side.width, columns, width: b.tiles * columns, depth: a.side.depth.length };
  }

  /** Can it be packed without writing over what waiting jobs read? */
  private holds({ held }: Slots, matrix: number): boolean {
    const there = held[matrix % held.length] as number;
    return this.waiting === 0 || there === matrix || there === -1;
  }

  /** Byte offset of the packed matrix. */
  private packed(slots: Slots, matrix: number): number {
    const slot = matrix % slots.held.length;
    const at = slots.base + slot * slots.bytes;
    if (slots.held[slot] !== matrix) pack(slots, matrix, this.floats, at / laneBytes(this.lane));
    slots.held[slot] = matrix;
    return at;
  }
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

function slotsOf(side: Side, heap: Heap, size: number): Slots | undefined {
  const tiles = Math.ceil(side.lines.length / side.width);
  const bytes = tiles * side.width * side.depth.length * size;
  const matrices = side.batch.length * (side.data.length / side.length);
  const slots = Math.max(1, Math.min(matrices, Math.floor(HELD / bytes)));
  const base = heap.block(slots * bytes);
  return base === undefined ? undefined : { side, tiles, base, bytes, held: new Int32Array(slots).fill(-1) };
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
