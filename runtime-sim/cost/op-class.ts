/** Kinds of work that reports tell apart. */
import { isCollective, type Op, synchronous } from '../../ir/program.ts';

export type OpClass =
  | 'matrix product'
  | 'reduction'
  | 'gather and scatter'
  | 'data movement'
  | 'elementwise'
  | 'other'
  | 'collective';

export function classOf(op: Op): OpClass {
  if (isCollective(synchronous(op))) return op.kind === 'all_slice' ? 'data movement' : 'collective';
  return CLASSES[op.kind] ?? 'elementwise';
}

const CLASSES: Readonly<Record<string, OpClass>> = {
  dot_general: 'matrix product',
  convolution: 'matrix product',
  reduce: 'reduction',
  reduce_window: 'reduction',
  select_and_scatter: 'reduction',
  gather: 'gather and scatter',
  scatter: 'gather and scatter',
  dynamic_slice: 'data movement',
  dynamic_update_slice: 'data movement',
  slice: 'data movement',
  pad: 'data movement',
  concatenate: 'data movement',
  transpose: 'data movement',
  reverse: 'data movement',
  reshape: 'data movement',
  broadcast_in_dim: 'data movement',
  copy: 'data movement',
  sort: 'other',
  top_k: 'other',
  fft: 'other',
  cholesky: 'other',
  triangular_solve: 'other',
  rng_bit_generator: 'other',
  custom_call: 'other',
  infeed: 'other',
  outfeed: 'other',
  recv: 'other',
  send: 'other',
};
