/** The registry: every tensor op shardc knows. Users and tests extend it by spreading. */
import type { Registry } from '../op.ts';
import { dotGeneral } from './dot-general.ts';
import { dynamicSlice, dynamicUpdateSlice } from './dynamic-slices.ts';
import { elementwiseOps } from './elementwise.ts';
import { gather, scatter } from './gather-scatter.ts';
import { reduce } from './reduce.ts';
import { shapingOps } from './shaping.ts';
import { sort, topK } from './sort.ts';
import { windowOps } from './windows.ts';

export const registry: Registry = {
  ...elementwiseOps,
  ...shapingOps,
  ...windowOps,
  dot_general: dotGeneral,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
  gather,
  reduce,
  scatter,
  sort,
  top_k: topK,
};
