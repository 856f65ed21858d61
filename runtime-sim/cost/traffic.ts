/**
 * Which values ever reach HBM. Compilers fuse chains of elementwise and data-moving ops: a value between two of them
 * stays on chip. A value is materialised when an op that fuses with nothing makes it or reads it, when it leaves its
 * block, or when several ops read it and it costs something to recompute.
 */
import { type Block, type Func, type Op, STARTS, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';

/** Ops that read and write memory whole; everything else fuses with its neighbours. */
const ALONE: ReadonlySet<string> = new Set([
  'dot_general',
  'convolution',
  'reduce',
  'gather',
  'scatter',
  'sort',
  'top_k',
  'reduce_window',
  'select_and_scatter',
  'fft',
  'cholesky',
  'triangular_solve',
  'rng_bit_generator',
  'custom_call',
  'dynamic_update_slice',
  'while',
  'case',
  'call',
  'return',
  'all_gather',
  'all_to_all',
  'collective_permute',
  'collective_shift',
  'device_permute',
  'collective_broadcast',
  'reduce_scatter',
  'all_reduce',
  ...STARTS,
]);

/** Made where they are read. */
const CHEAP: ReadonlySet<string> = new Set(['constant', 'iota', 'broadcast_in_dim', 'axis_index']);

/** Same bytes under another type. */
export const ALIASES: ReadonlySet<string> = new Set([
  'reshape',
  'bitcast_convert',
  'optimization_barrier',
  'sharding_constraint',
  'collective_done',
]);

/** Readers that take a fused producer into their own loop: a reduction reads its input once, in order. */
const TAKES_INPUT: ReadonlySet<string> = new Set(['reduce']);

export class Traffic {
  private readonly func: Func;
  private readonly written = new Set<ValueId>();

  constructor(func: Func, blocks: Iterable<Block>) {
    this.func = func;
    const makers = new Map<ValueId, Op>();
    const readers = new Map<ValueId, Op[]>();
    const params = new Set<ValueId>();
    for (const block of blocks) {
      for (const p of block.params) params.add(p);
      for (const op of block.ops) {
        for (const r of op.results) makers.set(r, op);
        for (const v of new Set(op.operands)) {
          const known = readers.get(v);
          if (known === undefined) readers.set(v, [op]);
          else known.push(op);
        }
      }
    }
    for (const p of params) this.written.add(p);
    for (const [value, maker] of makers) if (isWritten(maker, readers.get(value) ?? [])) this.written.add(value);
  }

  isMaterialised(value: ValueId): boolean {
    return this.written.has(value);
  }

  /** Does the op run in one loop with its neighbours? */
  fuses(op: Op): boolean {
    return !ALONE.has(op.kind);
  }

  /** HBM bytes of one op: materialised operands read, materialised results written. */
  bytesOf(op: Op): number {
    if (ALIASES.has(op.kind)) return this.aliasBytes(op);
    switch (op.kind) {
      case 'gather':
      case 'dynamic_slice':
      case 'slice':
        return 2 * this.sizes(op.results);
      case 'dynamic_update_slice':
        return 2 * this.sizes(op.operands.slice(1, 2));
      case 'scatter':
        return 3 * this.sizes(op.operands.slice(-op.results.length));
      default:
        return (
          this.sizes(op.operands.filter((v) => this.written.has(v))) +
          this.sizes(op.results.filter((v) => this.written.has(v)))
        );
    }
  }

  /** An alias moves nothing, unless it ends a fused chain (written) or begins one (read). */
  private aliasBytes(op: Op): number {
    return op.operands.reduce((n, operand, i) => {
      const result = op.results[i] as ValueId;
      return this.written.has(operand) === this.written.has(result) ? n : n + this.sizes([operand]);
    }, 0);
  }

  private sizes(values: readonly ValueId[]): number {
    return values.reduce((n, v) => n + byteSize(typeOf(this.func, v)), 0);
  }
}

function isWritten(maker: Op, readers: readonly Op[]): boolean {
  if (ALONE.has(maker.kind) || maker.kind === 'collective_done') return true;
  if (CHEAP.has(maker.kind)) return readers.some((r) => r.kind === 'return');
  if (readers.some((r) => ALONE.has(r.kind) && !TAKES_INPUT.has(r.kind))) return true;
  return readers.length > 1;
}
