/**
 * Fusion of rows, as GPU kernels are written (Megatron's, Triton's, torch.compile's, XLA's on GPUs): beside chains,
 *
 *   - reductions along the last dims run with what makes and reads their rows: a softmax or a layer norm is one kernel, which
 *     reads its input once and writes its output once;
 *   - products read slices and transposes of arrays in place, write their result in any order of dims, and add a bias or an
 *     accumulator before they write;
 *   - a kernel computes again what another has computed, where that moves fewer bytes than to write and read it.
 *
 * Kernels end at optimization barriers. They must not wait for each other in a circle: ops fuse where as many products and
 * collectives come before the one as before the other, on the longest way (`stage`).
 *
 *   %m = reduce %x dims=[1]     stage 0     one kernel {%m, %d, %e} reads %x once
 *   %d = subtract %x, %m        stage 0
 *   %e = exponential %d         stage 0     written: the product reads it
 *   %y = dot_general %e, %w     stage 0, its result is of stage 1
 */
import { type Func, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import type { Fusion } from './traffic.ts';
import { CHEAP, isAlias, isAlone } from './memory-roles.ts';
import type { Uses } from '../../ir/uses.ts';

/** `attention`: products of three and more batch dims, and the rows between them, are one kernel (FlashAttention). */
export const rowFusion = (uses: Uses, func: Func, attention: boolean): Fusion => new RowFusion(uses, func, attention);

class RowFusion implements Fusion {
  readonly written = new Set<ValueId>();
  readonly viewsAreFree = true;
  private readonly uses: Uses;
  private readonly func: Func;
  /** Results of products, and what these make of them before they write. */
  private readonly tails = new Set<ValueId>();
  /** What an attention kernel makes for itself. */
  private readonly onChip = new Set<ValueId>();
  private readonly stages = new Map<ValueId, number>();
  private readonly read = new Map<Op, readonly ValueId[]>();

  constructor(uses: Uses, func: Func, attention: boolean) {
    [this.uses, this.func] = [uses, func];
    const ops = uses.blocks.flatMap((b) => b.ops);
    for (const p of uses.params) this.written.add(p);
    for (const op of ops) this.noteTail(op);
    for (const op of ops) this.place(op);
    if (attention) for (const op of ops) this.noteOnChip(op);
    for (const op of ops) for (const r of op.results) if (this.isWritten(r, op)) this.written.add(r);
    const paid = new Set<string>();
    for (const op of ops) this.read.set(op, this.payFor(op, paid));
  }

  reads(op: Op): readonly ValueId[] {
    return this.read.get(op) ?? [];
  }

  fuses(op: Op): boolean {
    return (!isAlone(op, this.func) && op.kind !== 'optimization_barrier') || this.isRowReduce(op);
  }

  /** Read in place. */
  private isView(op: Op): boolean {
    if (op.kind === 'optimization_barrier') return false;
    return op.kind === 'transpose' || op.kind === 'slice' || isAlias(op, this.func);
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
    if (this.onChip.has(value)) return false;
    if (CHEAP.has(maker.kind)) return this.uses.readersOf(value).some((r) => r.kind === 'return');
    if (this.tails.has(value)) return !this.leavesWithProduct(value);
    if (!this.fuses(maker) || maker.kind === 'collective_done' || this.endsProduct(maker)) return true;
    const readers = this.isView(maker) ? this.uses.readersOf(value) : this.readersThroughViews(value);
    const inPlace = this.isView(maker) ? ['dot_general', 'reduce'] : ['reduce'];
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
      else for (const o of sourcesOf(maker)) if (!seen.has(o)) seen.add(o) && todo.push(o);
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
    if (!ends || (isAlias(op, this.func) && op.operands.every((v) => this.written.has(v)))) return [];
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
        if (!this.isView(reader)) found.push(reader);
        else todo.push(...reader.results);
      }
    return found;
  }

  /** Does the product, or what it does before it writes, hand the value on to the only op that reads it? */
  private leavesWithProduct(value: ValueId): boolean {
    const [only, ...more] = this.uses.readersOf(value);
    if (only === undefined || more.length > 0) return false;
    return this.endsProduct(only) || only.results.some((r) => this.tails.has(r));
  }

  /** An addition to the result of a product that nobody else reads: a bias, an accumulator. */
  private endsProduct(op: Op): boolean {
    return op.kind === 'add' && op.operands.some((v) => this.tails.has(v) && this.uses.readersOf(v).length === 1);
  }

  private noteOnChip(op: Op): void {
    const rows = this.fuses(op) && op.operands.some((v) => this.onChip.has(v));
    if (!isAttention(op) && !rows) return;
    for (const r of op.results)
      if (this.readersThroughViews(r).every((reader) => isAttention(reader) || this.fuses(reader))) this.onChip.add(r);
  }

  /** Products write in another order of dims, or type, where that is all that is read. */
  private noteTail(op: Op): void {
    const [operand] = op.operands;
    const [result] = op.results;
    if (result === undefined || operand === undefined) return;
    const onward = this.tails.has(operand) && this.uses.readersOf(operand).length === 1;
    if (
      op.kind === 'dot_general' ||
      (onward && (op.kind === 'convert' || op.kind === 'transpose' || isAlias(op, this.func)))
    )
      this.tails.add(result);
  }

  private sizeOf(values: readonly ValueId[]): number {
    return values.reduce((n, v) => n + byteSize(typeOf(this.func, v)), 0);
  }
}

/** What a value that is in no memory comes from; a product's result, which what writes it has at hand, from nothing more. */
function sourcesOf(maker: Op): readonly ValueId[] {
  return maker.kind === 'dot_general' ? [] : maker.operands;
}

const isAttention = (op: Op): boolean =>
  op.kind === 'dot_general' && (op.attrs.lhs_batch as readonly number[]).length >= 3;
