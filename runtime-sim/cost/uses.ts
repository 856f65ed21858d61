/** Who makes and who reads each value of a function: what fusion is decided from. */
import { type Block, type Func, type Op, STARTS, typeOf, type ValueId } from '../../ir/program.ts';

export interface Uses {
  readonly blocks: readonly Block[];
  readonly params: ReadonlySet<ValueId>;
  readonly makers: ReadonlyMap<ValueId, Op>;
  readersOf(value: ValueId): readonly Op[];
}

export function usesOf(blocks: Iterable<Block>): Uses {
  const list = [...blocks];
  const makers = new Map<ValueId, Op>();
  const readers = new Map<ValueId, Op[]>();
  for (const block of list) {
    for (const op of block.ops) {
      for (const r of op.results) makers.set(r, op);
      for (const v of new Set(op.operands)) {
        const known = readers.get(v);
        if (known === undefined) readers.set(v, [op]);
        else known.push(op);
      }
    }
  }
  const params = new Set(list.flatMap((b) => b.params));
  return { blocks: list, params, makers, readersOf: (value) => readers.get(value) ?? [] };
}

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
export const CHEAP: ReadonlySet<string> = new Set(['constant', 'iota', 'broadcast_in_dim', 'axis_index']);

const ALIASES: ReadonlySet<string> = new Set([
  'reshape',
  'bitcast_convert',
  'optimization_barrier',
  'sharding_constraint',
  'collective_done',
]);

/** Same bytes under another type: reshapes and their like, and a reduction of dims of extent 1. */
export function isAlias(op: Op, func: Func): boolean {
  if (op.kind !== 'reduce') return ALIASES.has(op.kind);
  const { shape } = typeOf(func, op.operands[0] as ValueId);
  return op.results.length === 1 && (op.attrs.dims as readonly number[]).every((d) => shape[d] === 1);
}

/** Does it read and write memory whole, in a kernel of its own? */
export const isAlone = (op: Op, func: Func): boolean => ALONE.has(op.kind) && !isAlias(op, func);
