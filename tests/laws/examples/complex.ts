/** What moves, adds and multiplies, on complex numbers. */
import { example, type OpExample, reducer } from '../../../compiler/testing/laws/op-example.ts';

const pair = (i: number): number => ((i * 5) % 7) - 3;

export const complexExamples: readonly OpExample[] = [
  example('constant', '-> c64[4]', {
    attrs: { value: { data: Float64Array.of(1, -2, 0.5, -0, 3, 4, -1, 1) }, dtype: 'c64', shape: [4] },
    note: 'dense complex',
  }),
  example('constant', '-> c128[4,6]', {
    attrs: { value: { data: Float64Array.of(0, 1) }, dtype: 'c128', shape: [4, 6] },
    note: 'complex splat',
  }),
  example('iota', '-> c64[6]', { attrs: { dim: 0, dtype: 'c64', shape: [6] } }),
  example('transpose', 'c64[4,6] -> c64[6,4]', { attrs: { permutation: [1, 0] } }),
  example('broadcast_in_dim', 'c64[6] -> c64[4,6]', { attrs: { dims: [1], shape: [4, 6] } }),
  example('reshape', 'c64[4,6] -> c64[2,12]', { attrs: { shape: [2, 12] } }),
  example('reverse', 'c64[4,6] -> c64[4,6]', { attrs: { dims: [0] } }),
  example('slice', 'c64[8,6] -> c64[4,6]', { attrs: { start: [1, 0], limit: [8, 6], strides: [2, 1] } }),
  example('pad', '(c64[4,6], c64[]) -> c64[4,8]', { attrs: { low: [0, 1], high: [0, 1], interior: [0, 0] } }),
  example('rotate', 'c64[4,6] -> c64[4,6]', { attrs: { dim: 1, by: 4 } }),
  example('concatenate', '(c64[4,6], c64[2,6]) -> c64[6,6]', { attrs: { dim: 0 } }),
  example('dynamic_slice', '(c64[8,6], i32[], i32[]) -> c64[2,6]', { attrs: { sizes: [2, 6] } }),
  example('dynamic_update_slice', '(c64[8,6], c64[2,6], i32[], i32[]) -> c64[8,6]'),
  example('gather', '(c64[12,4], i32[6,1]) -> c64[6,4]', {
    attrs: {
      offset_dims: [1],
      collapsed_slice_dims: [0],
      operand_batching_dims: [],
      start_indices_batching_dims: [],
      start_index_map: [0],
      index_vector_dim: 1,
      slice_sizes: [1, 4],
      indices_are_sorted: false,
    },
  }),
  example('scatter', '(c64[12,4], i32[6,1], c64[6,4]) -> c64[12,4]', {
    attrs: {
      update_window_dims: [1],
      inserted_window_dims: [0],
      input_batching_dims: [],
      scatter_indices_batching_dims: [],
      scatter_dims_to_operand_dims: [0],
      index_vector_dim: 1,
      indices_are_sorted: false,
      unique_indices: false,
    },
    regions: reducer('add', 'c64'),
    wholeWork: true,
  }),
  example('reduce', '(c64[4,6], c64[]) -> c64[4]', {
    attrs: { dims: [1] },
    regions: reducer('add', 'c64'),
    inputs: { 1: () => 0 },
  }),
  example('reduce', '(c64[4,6], c64[]) -> c64[6]', {
    attrs: { dims: [0] },
    regions: reducer('multiply', 'c64'),
    inputs: { 0: pair, 1: (i) => 1 - i },
    note: 'products',
  }),
  example('dot_general', '(c64[4,6], c64[6,2]) -> c64[4,2]', {
    attrs: { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'c64' },
  }),
];
