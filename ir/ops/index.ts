/** The registry: every tensor op shardc knows. Users and tests extend it by spreading. */
import type { Registry } from '../op.ts';
import { bitcastConvert } from './bitcast.ts';
import { convolution } from './convolution.ts';
import { customCall } from './custom-call.ts';
import { dotGeneral } from './dot-general.ts';
import { dynamicSlice, dynamicUpdateSlice } from './dynamic-slices.ts';
import { elementwiseOps } from './elementwise.ts';
import { fft } from './fft.ts';
import { gather, scatter } from './gather-scatter.ts';
import { gradients } from './gradients/index.ts';
import { hostTransfers } from './host-transfers.ts';
import { linearAlgebraOps } from './linear-algebra.ts';
import { nextAfter } from './next-after.ts';
import { batchNormInference } from './normalisation.ts';
import { reduce } from './reduce.ts';
import { randomOps } from './rng.ts';
import { rotate } from './rotate.ts';
import { selectAndScatter } from './select-and-scatter.ts';
import { shapingOps } from './shaping.ts';
import { sort, topK } from './sort.ts';
import { afterAll } from './tokens.ts';
import { reduceWindow } from './windows.ts';

const ops: Registry = {
  ...elementwiseOps,
  ...hostTransfers,
  ...linearAlgebraOps,
  ...randomOps,
  ...shapingOps,
  reduce_window: reduceWindow,
  select_and_scatter: selectAndScatter,
  after_all: afterAll,
  batch_norm_inference: batchNormInference,
  bitcast_convert: bitcastConvert,
  convolution,
  custom_call: customCall,
  dot_general: dotGeneral,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
  fft,
  gather,
  next_after: nextAfter,
  reduce,
  rotate,
  scatter,
  sort,
  top_k: topK,
};

/** Gradients stand in files of their own: a definition says what an op is, they only use other ops. */
export const registry: Registry = Object.fromEntries(
  Object.entries(ops).map(([kind, def]) => {
    const gradient = def.gradient ?? gradients[kind];
    return [kind, gradient === undefined ? def : { ...def, gradient }];
  }),
);
