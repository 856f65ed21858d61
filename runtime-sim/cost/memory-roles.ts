/** What ops are to memory traffic: a kernel of their own, another view of the same bytes, or made where they are read. */
import { type Func, type Op, STARTS, typeOf, type ValueId } from '../../ir/program.ts';

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
  'infeed',
  'outfeed',
  'recv',
  'send',
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
