/**
 * Which attributes each op takes in text, and of what form: what lets the parser refuse `dimz=` or `dims=x` with a
 * message. It restates ir/attrs.ts as data. Ops that are not listed (a user's own) take any attribute.
 */
import type { OpAttrs } from '../attrs.ts';
import type { Monoid } from '../layout.ts';
import { STARTS } from '../program.ts';

export type AttrForm =
  | 'int'
  | 'number'
  | 'ints'
  | 'bool'
  | 'bools'
  | 'word'
  | 'text'
  | 'dtype'
  | 'layout'
  | 'layouts'
  | 'words'
  | 'axes'
  | 'axes_lists'
  | 'lists'
  | 'moves';

/** What is expected, for messages. */
export const FORMS: Readonly<Record<AttrForm, string>> = {
  int: 'a whole number',
  number: 'a number',
  ints: 'whole numbers, as [0, 1]',
  bool: 'true or false',
  bools: 'truths, as [true, false]',
  word: 'a word',
  text: 'a quoted text',
  dtype: 'an element type, as bf16',
  layout: 'a layout, as @{x, _}',
  layouts: 'layouts, as [@{x, _}]',
  words: 'names, as [x, y]',
  axes: 'axes, as {x, y}',
  axes_lists: 'axes per dim, as [{x}, {}]',
  lists: 'lists of places, as [[0, 1], [2, 3]]',
  moves: 'moves, as [{axes={x}, source=0, target=1}]',
};

export interface AttrSpec {
  readonly form: AttrForm;
  /** May be left out: then it is absent, this value, or (`shape`, `dtype`) what the stated type says. */
  readonly optional?: true;
  /** The words there are. */
  readonly words?: readonly string[];
  readonly otherwise?: number | boolean | string | readonly number[];
}

const need = (form: AttrForm): AttrSpec => ({ form });
const may = (form: AttrForm, otherwise?: AttrSpec['otherwise']): AttrSpec => ({
  form,
  optional: true,
  ...(otherwise === undefined ? {} : { otherwise }),
});
const word = (...words: readonly string[]): AttrSpec => ({ form: 'word', words });
const ints = need('ints');
const none = may('ints', []);

const MONOIDS = ['sum', 'prod', 'max', 'min', 'and', 'or'] as const satisfies readonly Monoid[];

const HOST_TRANSFER = { verbatim: may('text', ''), device: may('int'), layouts: may('layouts') };

type Specs<K extends keyof OpAttrs> = { readonly [A in keyof OpAttrs[K]]-?: AttrSpec };

export const ATTR_SCHEMA: { readonly [K in keyof OpAttrs]: Specs<K> } = {
  constant: { value: need('text'), dtype: may('dtype'), shape: may('ints') },
  iota: { dim: need('int'), dtype: may('dtype'), shape: may('ints') },
  compare: {
    direction: word('EQ', 'NE', 'GE', 'GT', 'LE', 'LT'),
    compare_type: { ...word('FLOAT', 'SIGNED', 'UNSIGNED', 'TOTALORDER'), optional: true },
  },
  convert: { dtype: may('dtype') },
  bitcast_convert: { dtype: may('dtype'), shape: may('ints') },
  reduce_precision: { exponent_bits: need('int'), mantissa_bits: need('int') },
  dot_general: {
    lhs_batch: none,
    rhs_batch: none,
    lhs_contracting: none,
    rhs_contracting: none,
    precision: may('text'),
    algorithm: may('text'),
    dtype: may('dtype'),
  },
  reduce: { dims: ints },
  broadcast_in_dim: { dims: none, shape: may('ints') },
  reshape: { shape: may('ints') },
  transpose: { permutation: ints },
  reverse: { dims: ints },
  rotate: { dim: need('int'), by: need('int'), size: may('int') },
  slice: { start: ints, limit: ints, strides: may('ints') },
  pad: { low: ints, high: ints, interior: may('ints') },
  concatenate: { dim: need('int') },
  dynamic_slice: { sizes: ints },
  dynamic_update_slice: {},
  gather: {
    offset_dims: none,
    collapsed_slice_dims: none,
    operand_batching_dims: none,
    start_indices_batching_dims: none,
    start_index_map: none,
    index_vector_dim: need('int'),
    slice_sizes: ints,
    indices_are_sorted: may('bool', false),
  },
  scatter: {
    update_window_dims: none,
    inserted_window_dims: none,
    input_batching_dims: none,
    scatter_indices_batching_dims: none,
    scatter_dims_to_operand_dims: none,
    index_vector_dim: need('int'),
    indices_are_sorted: may('bool', false),
    unique_indices: may('bool', false),
  },
  convolution: {
    input_dims: ints,
    kernel_dims: ints,
    output_dims: ints,
    strides: ints,
    pad_low: ints,
    pad_high: ints,
    lhs_dilation: ints,
    rhs_dilation: ints,
    reversal: need('bools'),
    feature_group_count: may('int', 1),
    batch_group_count: may('int', 1),
    precision: may('text'),
    dtype: may('dtype'),
  },
  reduce_window: {
    window_dimensions: ints,
    window_strides: ints,
    base_dilations: ints,
    window_dilations: ints,
    pad_low: ints,
    pad_high: ints,
  },
  select_and_scatter: { window_dimensions: ints, window_strides: ints, pad_low: ints, pad_high: ints },
  sort: { dim: need('int'), is_stable: may('bool', false), size: may('int') },
  top_k: { k: need('int') },
  rng: { distribution: word('UNIFORM', 'NORMAL'), shape: may('ints') },
  rng_bit_generator: {
    algorithm: word('DEFAULT', 'THREE_FRY', 'PHILOX'),
    dtype: may('dtype'),
    shape: may('ints'),
  },
  batch_norm_inference: { epsilon: need('number'), feature_index: need('int') },
  fft: { fft_type: word('FFT', 'IFFT', 'RFFT', 'IRFFT'), fft_length: ints },
  cholesky: { lower: need('bool') },
  triangular_solve: {
    left_side: need('bool'),
    lower: need('bool'),
    unit_diagonal: need('bool'),
    transpose_a: word('NO_TRANSPOSE', 'TRANSPOSE', 'ADJOINT'),
  },
  get_tuple_element: { index: need('int') },
  custom_call: {
    target: need('text'),
    verbatim: may('text', ''),
    rule: may('text'),
    device: may('int'),
    result_types: need('words'),
  },
  infeed: { ...HOST_TRANSFER, result_types: need('words') },
  recv: { ...HOST_TRANSFER, result_types: need('words') },
  outfeed: HOST_TRANSFER,
  send: HOST_TRANSFER,
  call: { callee: may('text') },
  while: { trip_count: may('int') },
  sharding_constraint: { layout: need('layout'), of_op: may('bool', false) },
  reshard: { layout: need('layout') },
  manual_computation: { in_layouts: need('layouts'), out_layouts: need('layouts'), manual_axes: need('words') },
  sharding_group: { group: need('int') },
  propagation_barrier: { direction: word('FORWARD', 'BACKWARD', 'NONE') },
  named_computation: { name: need('text'), in_layouts: may('layouts'), out_layouts: may('layouts') },
  all_gather: { mesh: may('text'), axes: need('axes_lists'), groups: may('lists') },
  all_slice: { mesh: may('text'), axes: need('axes_lists') },
  all_to_all: { mesh: may('text'), moves: need('moves'), groups: may('lists') },
  reduce_scatter: {
    mesh: may('text'),
    axes: need('axes_lists'),
    monoid: { ...word(...MONOIDS), optional: true, otherwise: 'sum' },
    groups: may('lists'),
  },
  all_reduce: {
    mesh: may('text'),
    axes: need('axes'),
    monoid: { ...word(...MONOIDS), optional: true, otherwise: 'sum' },
    groups: may('lists'),
  },
  collective_permute: { mesh: may('text'), from: need('layout'), to: need('layout') },
  collective_shift: {
    mesh: may('text'),
    axes: need('axes'),
    by: need('int'),
    flip: may('bool', false),
    wrap: may('bool'),
  },
  device_permute: { mesh: may('text'), axes: need('axes'), sources: ints },
  collective_broadcast: { mesh: may('text'), axes: need('axes'), groups: may('lists') },
  axis_index: { mesh: may('text'), axes: need('axes') },
};

type AnySpecs = Readonly<Record<string, Readonly<Record<string, AttrSpec>>>>;

/** A start takes what its collective takes. */
const STARTED: AnySpecs = Object.fromEntries(
  STARTS.map((kind) => [kind, (ATTR_SCHEMA as AnySpecs)[kind.slice(0, -'_start'.length)] ?? {}]),
);

/** Besides its own, every op may keep attributes as StableHLO text has them: `extra="mhlo.frontend_attributes = {…}"`. */
const EXTRA = { extra: may('text') };

const SCHEMAS: ReadonlyMap<string, Readonly<Record<string, AttrSpec>>> = new Map(
  Object.entries({ ...STARTED, ...(ATTR_SCHEMA as AnySpecs) }).map(([kind, specs]) => [kind, { ...specs, ...EXTRA }]),
);

export const schemaOf = (kind: string): Readonly<Record<string, AttrSpec>> | undefined => SCHEMAS.get(kind);
