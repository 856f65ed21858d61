/**
 * Where the large arrays of a run lie: one WebAssembly memory, so that kernels in WebAssembly, on other threads too, read
 * and write them in place, and so that a dead array's bytes are the next one's (fresh pages and the garbage collector
 * took a third of a run). Nothing of it shows in a result: results are copied out.
 *
 * Blocks are whole pages, counted by who holds them: `keep` and `drop`. What nobody holds when an op is done is free.
 */
import type { Storage } from '../../ir/array.ts';
import { makeMemory, PAGE, type WasmMemory } from './wasm.ts';

/** Smaller arrays are the garbage collector's. */
const LARGE = PAGE;
const PAGES = 65536;
/** What one call of the system gives: 64 MiB. */
const STEP = 1024;

type Maker = new (buffer: ArrayBufferLike, offset: number, length: number) => Storage;
interface Span {
  readonly start: number;
  readonly pages: number;
}

export class Heap {
  readonly memory: WasmMemory;
  /** Growing a shared memory makes a new object for the same bytes; old ones stay good. */
  private readonly buffers = new Set<ArrayBufferLike>();
  private free: Span[] = [];
  private grown = 1;
  /** Page → first page of its block. */
  private readonly blockOf = new Int32Array(PAGES);
  /** By first page. */
  private readonly pagesOf = new Int32Array(PAGES);
  private readonly holders = new Int32Array(PAGES);
  /** Blocks that nobody held when they were last looked at. */
  private loose: number[] = [];

  private constructor(memory: WasmMemory) {
    this.memory = memory;
    this.buffers.add(memory.buffer);
  }

  /** Undefined where the system has no such memory to give. */
  static make(): Heap | undefined {
    const memory = makeMemory(PAGES);
    return memory === undefined ? undefined : new Heap(memory);
  }

  /** All blocks are free again. The first page is nobody's: address 0 is no array's. */
  reset(): void {
    this.free = this.grown > 1 ? [{ start: 1, pages: this.grown - 1 }] : [];
    this.holders.fill(0);
    this.loose = [];
  }

  /** An array of this kind, its contents left over from before; undefined where it is small or nothing is free. */
  array(like: Storage, length: number): Storage | undefined {
    const bytes = length * like.BYTES_PER_ELEMENT;
    if (bytes < LARGE) return undefined;
    const at = this.block(bytes);
    return at === undefined ? undefined : new (like.constructor as Maker)(this.memory.buffer, at, length);
  }

  /** Byte offset of a block that is free again when the op is done. */
  block(bytes: number): number | undefined {
    const pages = Math.ceil(bytes / PAGE);
    const start = this.take(pages) ?? (this.grow(pages) ? this.take(pages) : undefined);
    if (start === undefined) return undefined;
    this.pagesOf[start] = pages;
    this.holders[start] = 0;
    this.blockOf.fill(start, start, start + pages);
    this.loose.push(start);
    return start * PAGE;
  }

  /** Byte offset of an array's first element; undefined for arrays that lie elsewhere. */
  addressOf(data: Storage): number | undefined {
    return this.buffers.has(data.buffer) ? data.byteOffset : undefined;
  }

  keep(data: Storage): void {
    const block = this.blockHolding(data);
    if (block !== undefined) this.holders[block] = (this.holders[block] as number) + 1;
  }

  drop(data: Storage): void {
    const block = this.blockHolding(data);
    if (block === undefined) return;
    const left = (this.holders[block] as number) - 1;
    this.holders[block] = left;
    if (left === 0) this.loose.push(block);
  }

  /** Does nobody hold it? Then the op that reads it now may write its result over it. */
  isLoose(data: Storage): boolean {
    const block = this.blockHolding(data);
    return block !== undefined && this.holders[block] === 0;
  }

  /** An op is done: blocks that nobody holds are free. */
  settle(): void {
    for (const block of this.loose) {
      if (this.holders[block] !== 0 || this.pagesOf[block] === 0) continue;
      this.give({ start: block, pages: this.pagesOf[block] as number });
      this.pagesOf[block] = 0;
    }
    this.loose = [];
  }

  private blockHolding(data: Storage): number | undefined {
    return this.buffers.has(data.buffer) ? (this.blockOf[(data.byteOffset / PAGE) | 0] as number) : undefined;
  }

  /** First fit: low pages, which are warm, are used again first. */
  private take(pages: number): number | undefined {
    const i = this.free.findIndex((s) => s.pages >= pages);
    const span = this.free[i];
    if (span === undefined) return undefined;
    if (span.pages === pages) this.free.splice(i, 1);
    else this.free[i] = { start: span.start + pages, pages: span.pages - pages };
    return span.start;
  }

  private give(span: Span): void {
    let i = this.free.findIndex((s) => s.start > span.start);
    if (i < 0) i = this.free.length;
    const [before, after] = [this.free[i - 1], this.free[i]];
    const joinsBefore = before !== undefined && before.start + before.pages === span.start;
    const joinsAfter = after !== undefined && span.start + span.pages === after.start;
    const start = joinsBefore ? before.start : span.start;
    const end = joinsAfter ? after.start + after.pages : span.start + span.pages;
    const from = joinsBefore ? i - 1 : i;
    this.free.splice(from, i + (joinsAfter ? 1 : 0) - from, { start, pages: end - start });
  }

  private grow(pages: number): boolean {
    const more = Math.min(Math.max(pages, STEP), PAGES - this.grown);
    if (more < pages) return false;
    try {
      this.memory.grow(more);
    } catch {
      return false;
    }
    this.buffers.add(this.memory.buffer);
    this.give({ start: this.grown, pages: more });
    this.grown += more;
    return true;
  }
}
