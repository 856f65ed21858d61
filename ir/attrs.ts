/**
 * Attributes by op kind: the contract between importer, text form, op definitions and exporter. Names are StableHLO's.
 * Ops not listed have no attributes. Regions: reducers and comparators take scalars and end in `return`;
 * `while` has [cond, body], `case` its branches (its operand 0 is the i32 index, or a pred for `if`: branch 0 = true).
 */
import type { Layout, Monoid } from './layout.ts';
import type { AxisRef } from './mesh.ts';
import type { Elements } from './program.ts';
import type { DType } from './types.ts';

type N = readonly number[];
export type ComparisonDirection = 'EQ' | 'NE' | 'GE' | 'GT' | 'LE' | 'LT';
export type CompareType = 'FLOAT' | 'SIGNED' | 'UNSIGNED' | 'TOTALORDER';
/** Kept verbatim and given back on export: precision configs, result accuracies. */
export type Verbatim = string;

type HostTransfer = {
  readonly verbatim: string;
  readonly device?: number;
  readonly layouts?: readonly Layout[];
};

export interface OpAttrs {
  constant: { readonly value: Elements; readonly dtype: DType; readonly shape: N };
  iota: { readonly dim: number; readonly dtype: DType; readonly shape: N };
  compare: { readonly direction: ComparisonDirection; readonly compare_type?: CompareType };
  convert: { readonly dtype: DType };
  bitcast_convert: { readonly dtype: DType; readonly shape: N };
  reduce_precision: { readonly exponent_bits: number; readonly mantissa_bits: number };
  dot_general: {
    readonly lhs_batch: N;
    readonly rhs_batch: N;
    readonly lhs_contracting: N;
    readonly rhs_contracting: N;
    readonly precision?: Verbatim;
    readonly algorithm?: Verbatim;
    /** Result element type where it differs from the operands' (bf16 × bf16 → f32). */
    readonly dtype: DType;
  };
  /** n inputs then n init values; region(acc × n, elem × n) -> n. */
  reduce: { readonly dims: N };
  /** dims[i] = result dim of operand dim i. */
  broadcast_in_dim: { readonly dims: N; readonly shape: N };
  reshape: { readonly shape: N };
  transpose: { readonly permutation: N };
  reverse: { readonly dims: N };
  /** To the right by so many places, around the end. */
  rotate: { readonly dim: number; readonly by: number; readonly size?: number };
  slice: { readonly start: N; readonly limit: N; readonly strides: N };
  pad: { readonly low: N; readonly high: N; readonly interior: N };
  concatenate: { readonly dim: number };
  /** operands: input, one scalar start index per dim. */
  dynamic_slice: { readonly sizes: N };
  /** operands: input, update, one scalar start index per dim. */
  dynamic_update_slice: Record<never, never>;
  gather: {
    readonly offset_dims: N;
    readonly collapsed_slice_dims: N;
    readonly operand_batching_dims: N;
    readonly start_indices_batching_dims: N;
    readonly start_index_map: N;
    readonly index_vector_dim: number;
    readonly slice_sizes: N;
    readonly indices_are_sorted: boolean;
  };
  /** n inputs, indices, n updates; region(old × n, update × n) -> n. */
  scatter: {
    readonly update_window_dims: N;
    readonly inserted_window_dims: N;
    readonly input_batching_dims: N;
    readonly scatter_indices_batching_dims: N;
    readonly scatter_dims_to_operand_dims: N;
    readonly index_vector_dim: number;
    readonly indices_are_sorted: boolean;
    readonly unique_indices: boolean;
  };
  convolution: {
    /** Dims by role: [batch, feature, ...spatial], kernel [input_feature, output_feature, ...spatial]. */
    readonly input_dims: N;
    readonly kernel_dims: N;
    readonly output_dims: N;
    readonly strides: N;
    readonly pad_low: N;
    readonly pad_high: N;
    readonly lhs_dilation: N;
    readonly rhs_dilation: N;
    readonly reversal: readonly boolean[];
    readonly feature_group_count: number;
    readonly batch_group_count: number;
    readonly precision?: Verbatim;
    readonly dtype: DType;
  };
  /** n inputs then n init values; region(acc × n, elem × n) -> n. */
  reduce_window: {
    readonly window_dimensions: N;
    readonly window_strides: N;
    readonly base_dilations: N;
    readonly window_dilations: N;
    readonly pad_low: N;
    readonly pad_high: N;
  };
  select_and_scatter: {
    readonly window_dimensions: N;
    readonly window_strides: N;
    readonly pad_low: N;
    readonly pad_high: N;
  };
  /** n inputs; region(a0, b0, a1, b1, …) -> pred. Of a dim with padding the first `size` elements; the others stay. */
  sort: { readonly dim: number; readonly is_stable: boolean; readonly size?: number };
  /** values, indices (i32) of the k largest of the last dim. */
  top_k: { readonly k: number };
  /** Operands: lowest and highest number (or mean and deviation), and perhaps the shape. */
  rng: { readonly distribution: string; readonly shape: N };
  rng_bit_generator: { readonly algorithm: string; readonly dtype: DType; readonly shape: N };
  batch_norm_inference: { readonly epsilon: number; readonly feature_index: number };
  fft: { readonly fft_type: string; readonly fft_length: N };
  cholesky: { readonly lower: boolean };
  triangular_solve: {
    readonly left_side: boolean;
    readonly lower: boolean;
    readonly unit_diagonal: boolean;
    readonly transpose_a: string;
  };
  get_tuple_element: { readonly index: number };
  /**
   * Data, then a token. verbatim: its other attributes as written. device: only that one is fed, or feeds. Where each
   * device does so by itself (in a manual computation), `layouts` say which part of the data is its, per value; with a
   * dim more, first, whose axes are those of a user's own computation around, along which the data differs.
   */
  infeed: HostTransfer & { readonly result_types: readonly string[] };
  recv: HostTransfer & { readonly result_types: readonly string[] };
  /** Operands: data, then a token. */
  outfeed: HostTransfer;
  send: HostTransfer;
  /** verbatim: its other attributes as written. rule: its `sdy.sharding_rule`. result_types: as `f32[4,8]`. */
  custom_call: {
    readonly target: string;
    readonly verbatim: string;
    readonly rule?: Verbatim;
    /** It has effects, and only this device runs it. */
    readonly device?: number;
    readonly result_types: readonly string[];
  };
  /** structural */
  call: { readonly callee: string };
  while: { readonly trip_count?: number };
  /** of_op: an annotation of the op that makes the value, not one asked for beside it: it keeps nobody from a whole copy. */
  sharding_constraint: { readonly layout: Layout; readonly of_op?: boolean };
  reshard: { readonly layout: Layout };
  manual_computation: {
    readonly in_layouts: readonly Layout[];
    readonly out_layouts: readonly Layout[];
    readonly manual_axes: readonly string[];
  };
  sharding_group: { readonly group: number };
  propagation_barrier: { readonly direction: 'FORWARD' | 'BACKWARD' | 'NONE' };
  named_computation: {
    readonly name: string;
    readonly in_layouts?: readonly (Layout | undefined)[];
    readonly out_layouts?: readonly (Layout | undefined)[];
  };
  /**
   * Collectives. `axes[d]` = axes moved on dim d, major first. Groups are the devices that differ in those axes only; of
   * them, with `groups`, those whose places along the axes are listed together (a user's own, that are no axes).
   * At the local level, and over the manual axes of a manual computation at every level, shapes are per device. Those that
   * lower-reshards makes are on global shapes until then, and results carry layouts.
   */
  all_gather: { readonly mesh: string; readonly axes: readonly (readonly AxisRef[])[]; readonly groups?: readonly N[] };
  all_slice: { readonly mesh: string; readonly axes: readonly (readonly AxisRef[])[] };
  /** Each move takes `axes` (the minor-most of source) off dim source and appends them to dim target. */
  all_to_all: {
    readonly mesh: string;
    readonly moves: readonly { readonly axes: readonly AxisRef[]; readonly source: number; readonly target: number }[];
    /** Then there is one move. */
    readonly groups?: readonly N[];
  };
  reduce_scatter: {
    readonly mesh: string;
    readonly axes: readonly (readonly AxisRef[])[];
    readonly monoid: Monoid;
    readonly groups?: readonly N[];
  };
  all_reduce: {
    readonly mesh: string;
    readonly axes: readonly AxisRef[];
    readonly monoid: Monoid;
    readonly groups?: readonly N[];
  };
  /**
   * The shard that a device holds under layout `to` comes from the device that held that same block under `from`: a map
   * on mesh coordinates. Same number of shards per dim on both sides. One per device: no group.
   */
  collective_permute: { readonly mesh: string; readonly from: Layout; readonly to: Layout };
  /**
   * Per-device shapes only. The device at index i of its group along axes gets what the one at i + by holds (flip: the
   * one at g - 1 - i + by; wrap: modulo g), zeros where there is none.
   */
  collective_shift: {
    readonly mesh: string;
    readonly axes: readonly AxisRef[];
    readonly by: number;
    readonly flip: boolean;
    readonly wrap?: boolean;
  };
  /** A user's permute: the device at index i along axes gets what the one at sources[i] holds, zeros where that is -1. */
  device_permute: { readonly mesh: string; readonly axes: readonly AxisRef[]; readonly sources: N };
  /** Every device of a group gets what its first holds, zeros where `groups` names it in none. */
  collective_broadcast: { readonly mesh: string; readonly axes: readonly AxisRef[]; readonly groups?: readonly N[] };
  /**
   * A per-device scalar i32: the combined index of this device along axes (first major). At the local level, and over the
   * manual axes of a manual computation.
   */
  axis_index: { readonly mesh: string; readonly axes: readonly AxisRef[] };
}
