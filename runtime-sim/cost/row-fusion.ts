/**
 * Fusion of rows, as GPU kernels are written (Megatron's, Triton's, torch.compile's, XLA's on GPUs): beside chains,
 *
 *   - reductions along the last dims run with what makes and reads their rows: a softmax or a layer norm is one kernel, which
 *     reads its input once and writes its output once;
 *   - products read slices and transposes of arrays in place, write their result in any order of dims, and add a bias or an
 *     accumulator before they write;
 *   - a kernel computes again what another has computed, where that moves fewer bytes than to write and read it.
 *
 * Kernels must not wait for each other in a circle: ops fuse where as many products and collectives come before the one as
 * before the other, on the longest way (`stage`).
 *
 *   %m = reduce %x dims=[1]     stage 0     one kernel {%m, %d, %e} reads %x once
 *   %d = subtract %x, %m        stage 0
 *   %e = exponential %d         stage 0     written: the product reads it
 *   %y = dot_general %e, %w     stage 0, its result is of stage 1
 */
import { type Func, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import type { Fusion } from './traffic.ts';
import { ALIASES, ALONE, CHEAP, type Uses } from './uses.ts';

export const rowFusion = (uses: Uses, func: Func): Fusion => new RowFusion(uses, func);

/** Read in place. */
const VIEWS: ReadonlySet<string> = new Set(['transpose', 'slice', ...ALIASES]);

class RowFusion implements Fusion {
  readonly written = new Set<ValueId>();
  readonly viewsAreFree = true;
  private readonly uses: Uses;
  private readonly func: Func;
  private readonly stages = new Map<ValueId, number>();
  private readonly read = new Map<Op, readonly ValueId[]>();

  constructor(uses: Uses, func: Func) {
    [this.uses, this.func] = [uses, func];
    const ops = uses.blocks.flatMap((b) => b.ops);
    for (const p of uses.params) this.written.add(p);
    for (const op of ops) this.place(op);
    for (const op of ops) for (const r of op.results) if (this.isWritten(r, op)) this.written.add(r);
    const paid = new Set<string>();
    for (const op of ops) this.read.set(op, this.payFor(op, paid));
  }

  reads(op: Op): readonly ValueId[] {
    return this.read.get(op) ?? [];
  }

  fuses(op: Op): boolean {
    return !ALONE.has(op.kind) || this.isRowReduce(op);
  }

  /** Does the reduction run along whole rows: the last dims? */
  private isRowReduce(op: Op): boolean {
    if (op.kind !== 'reduce') return false;
    const dims = op.attrs.dims as readonly number[];
    const rank = typeOf(this.func, op.operands[0] as ValueId).shape.length;
    return dims.length > 0 && Math.min(...dims) === rank - dims.length;
  }

  private place(op: Op): void {
    const after = this.fuses(op) && !this.endsProduct(op) ? 0 : 1;
    op.results.forEach((r, i) => {
      const own = op.kind === 'optimization_barrier' ? this.stageOfValue(op.operands[i] as ValueId) : this.stageOf(op);
      this.stages.set(r, own + after);
    });
  }

  private stageOf = (op: Op): number => op.operands.reduce((n, v) => Math.max(n, this.stageOfValue(v)), 0);
  private stageOfValue = (value: ValueId): number => this.stages.get(value) ?? 0;

  private isWritten(value: ValueId, maker: Op): boolean {
    if (CHEAP.has(maker.kind)) return this.uses.readersOf(value).some((r) => r.kind === 'return');
    if (maker.kind === 'dot_general') return !this.leavesWithProduct(value);
    if (!this.fuses(maker) || maker.kind === 'collective_done' || this.endsProduct(maker)) return true;
    if (this.endsTransposed(maker)) return !this.leavesWithProduct(value);
    const readers = VIEWS.has(maker.kind) ? this.uses.readersOf(value) : this.readersThroughViews(value);
    const inPlace = VIEWS.has(maker.kind) ? ['dot_general', 'reduce'] : ['reduce'];
    if (readers.some((r) => !this.fuses(r) && !inPlace.includes(r.kind))) return true;
    const kernels = new Set(readers.map((r) => (this.fuses(r) ? this.stageOf(r) : r)));
    return kernels.size > 1 && this.sizeOf(this.frontier([value])) > kernels.size * this.sizeOf([value]);
  }

  /** What a value is computed from, of what is in memory. A view counts as what it shows. */
  private frontier(values: readonly ValueId[]): ValueId[] {
    const found = new Set<ValueId>();
    const seen = new Set(values);
    const todo = [...values];
    for (let v = todo.pop(); v !== undefined; v = todo.pop()) {
      const maker = this.uses.makers.get(v);
      if (this.written.has(v) || maker === undefined || this.showsMemory(maker)) found.add(v);
      else for (const o of sourcesOf(maker, v)) if (!seen.has(o)) seen.add(o) && todo.push(o);
    }
    return [...found];
  }

  private showsMemory(maker: Op): boolean {
    const [source] = maker.operands;
    return (maker.kind === 'slice' || maker.kind === 'transpose') && source !== undefined && this.written.has(source);
  }

  /** What the op reads from memory that no op of its kernel has read before. */
  private payFor(op: Op, paid: Set<string>): ValueId[] {
    if (op.kind === 'return') return [];
    const ends = !this.fuses(op) || op.results.some((r) => this.written.has(r));
    if (!ends || (ALIASES.has(op.kind) && op.operands.every((v) => this.written.has(v)))) return [];
    const kernel = this.fuses(op) ? `stage ${this.stageOf(op)}` : `op ${op.results[0] ?? -1}`;
    return this.frontier(op.operands).filter((v) => {
      const key = `${kernel}: ${v}`;
      return !paid.has(key) && paid.add(key);
    });
  }

  /** The readers of a value, and those of views of it. */
  private readersThroughViews(value: ValueId): Op[] {
    const found: Op[] = [];
    const todo = [value];
    for (let v = todo.pop(); v !== undefined; v = todo.pop())
      for (const reader of this.uses.readersOf(v)) {
        if (!VIEWS.has(reader.kind)) found.push(reader);
        else todo.push(...(reader.kind === 'optimization_barrier' ? sameEntry(reader, v) : reader.results));
      }
    return found;
  }

  /** The product writes what its only reader makes of its result. */
  private leavesWithProduct(value: ValueId): boolean {
    const [only, ...more] = this.uses.readersOf(value);
    return only !== undefined && more.length === 0 && (this.endsProduct(only) || this.endsTransposed(only));
  }

  /** An addition to the result of a product, maybe in another order of dims, that nobody else reads. */
  private endsProduct(op: Op): boolean {
    return op.kind === 'add' && op.operands.some((v) => this.isProductFor(v, op) || this.isTransposedFor(v, op));
  }

  private isTransposedFor(value: ValueId, reader: Op): boolean {
    const maker = this.uses.makers.get(value);
    return maker !== undefined && this.endsTransposed(maker) && this.isOnlyReader(value, reader);
  }

  private endsTransposed(op: Op): boolean {
    return op.kind === 'transpose' && this.isProductFor(op.operands[0] as ValueId, op);
  }

  private isProductFor(value: ValueId, reader: Op): boolean {
    return this.uses.makers.get(value)?.kind === 'dot_general' && this.isOnlyReader(value, reader);
  }

  private isOnlyReader(value: ValueId, reader: Op): boolean {
    const readers = this.uses.readersOf(value);
    return readers.length === 1 && readers[0] === reader;
  }

  private sizeOf(values: readonly ValueId[]): number {
    return values.reduce((n, v) => n + byteSize(typeOf(this.func, v)), 0);
  }
}

/** What a value that is in no memory comes from; a product's result, which what writes it has at hand, from nothing more. */
function sourcesOf(maker: Op, value: ValueId): readonly ValueId[] {
  if (maker.kind === 'dot_general') return [];
  if (maker.kind !== 'optimization_barrier') return maker.operands;
  return maker.operands.filter((_, i) => maker.results[i] === value);
}

const sameEntry = (op: Op, operand: ValueId): ValueId[] =>
  op.operands.flatMap((v, i) => (v === operand ? [op.results[i] as ValueId] : []));
