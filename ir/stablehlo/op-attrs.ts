/** From the attributes as written (either form) to the op's own, as ir/attrs.ts names them. One entry per op kind. */
import type { Attrs } from '../program.ts';
import type { TensorType } from '../types.ts';
import type { Value } from './attributes.ts';

/** What was read of one op, before its kind's attributes are known. */
export interface Raw {
  readonly fields: ReadonlyMap<string, Value>;
  /** Lists without a key, in order (`[0:2]` of slice gives triples). */
  readonly lists: readonly (readonly number[])[];
  /** Bare words: comparison directions, types. */
  readonly words: readonly string[];
  /** Verbatim text of a field, for what is only given back. */
  readonly verbatim: ReadonlyMap<string, string>;
  readonly operands: readonly TensorType[];
  readonly results: readonly TensorType[];
}

type Convert = (raw: Raw) => Attrs;

const ints = (raw: Raw, ...names: string[]): number[] => {
  for (const name of names) {
    const value = raw.fields.get(name);
    if (Array.isArray(value)) return value as number[];
    if (typeof value === 'number') return [value];
  }
  return [];
};
const num = (raw: Raw, name: string, otherwise = 0): number =>
  typeof raw.fields.get(name) === 'number' ? (raw.fields.get(name) as number) : otherwise;
const flag = (raw: Raw, name: string): boolean => raw.fields.get(name) === true;
const result = (raw: Raw): TensorType => raw.results[0] as TensorType;
const record = (raw: Raw, ...names: string[]): Readonly<Record<string, Value>> => {
  for (const name of names) {
    const value = raw.fields.get(name);
    if (typeof value === 'object' && !Array.isArray(value)) return value as Readonly<Record<string, Value>>;
  }
  return {};
};
const list = (value: Value | undefined): number[] =>
  Array.isArray(value) ? (value as number[]) : typeof value === 'number' ? [value] : [];
const dtypeAndShape: Convert = (raw) => ({ dtype: result(raw).dtype, shape: result(raw).shape });
const kept = (raw: Raw, ...names: string[]): Attrs => {
  const found: Record<string, string> = {};
  for (const name of names) {
    const text = raw.fields.has(name) ? raw.verbatim.get(name) : undefined;
    if (text !== undefined) found[name] = text;
  }
  return found;
};

/** Pretty form: `precision = [DEFAULT, DEFAULT]`; generic: `precision_config = [#stablehlo<precision DEFAULT>, …]`. */
function precisionOf(raw: Raw): Attrs {
  const generic = raw.fields.get('precision_config');
  if (Array.isArray(generic)) return { precision: `[${generic.join(', ')}]` };
  return kept(raw, 'precision');
}

/** As the pretty form has it: `<lhs_precision_type = tf32, …>`; the generic form names its dialect before. */
function algorithmOf(raw: Raw): Attrs {
  const { algorithm } = kept(raw, 'algorithm') as { readonly algorithm?: string };
  return algorithm === undefined ? {} : { algorithm: algorithm.replace(/^#stablehlo\.dot_algorithm(?=<)/, '') };
}

/** A list with one entry per dim of the first operand; absent = ones. */
const orOnes = (raw: Raw, name: string): number[] =>
  raw.fields.has(name) ? ints(raw, name) : (raw.operands[0] as TensorType).shape.map(() => 1);

function windows(raw: Raw): {
  window_dimensions: number[];
  window_strides: number[];
  pad_low: number[];
  pad_high: number[];
} {
  return {
    window_dimensions: orOnes(raw, 'window_dimensions'),
    window_strides: orOnes(raw, 'window_strides'),
    ...padding(raw.fields.get('padding'), raw),
  };
}

/** `[[low, high], …]`; absent = none. */
function padding(value: Value | undefined, raw: Raw): { pad_low: number[]; pad_high: number[] } {
  const pairs = Array.isArray(value) ? (value as number[][]) : (raw.operands[0] as TensorType).shape.map(() => [0, 0]);
  return { pad_low: pairs.map((p) => p[0] as number), pad_high: pairs.map((p) => p[1] as number) };
}

/** `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]` → dims by role: [batch or input feature, feature or output feature, ...spatial]. */
function convolutionDims(text: string): [number[], number[], number[]] {
  const lists = [...text.matchAll(/\[([^\]]*)\]/g)].map((m) => (m[1] ?? '').split(',').map((t) => t.trim()));
  const roles = (list: readonly string[] | undefined, first: string, second: string): number[] => {
    const all = list ?? [];
    const spatial = all
      .filter((t) => t !== first && t !== second)
      .map(Number)
      .sort((a, b) => a - b);
    return [first, second, ...spatial.map(String)].map((role) => all.indexOf(role));
  };
  return [roles(lists[0], 'b', 'f'), roles(lists[1], 'i', 'o'), roles(lists[2], 'b', 'f')];
}

export const OP_ATTRS: Readonly<Record<string, Convert>> = {
  sharding_group: (raw) => ({ group: num(raw, 'group_id') }),
  propagation_barrier: (raw) => ({ direction: String(raw.fields.get('allowed_direction')) }),
  broadcast_in_dim: (raw) => ({ dims: ints(raw, 'dims', 'broadcast_dimensions'), shape: result(raw).shape }),
  reshape: (raw) => ({ shape: result(raw).shape }),
  bitcast_convert: dtypeAndShape,
  convert: (raw) => ({ dtype: result(raw).dtype }),
  transpose: (raw) => ({ permutation: ints(raw, 'dims', 'permutation') }),
  reverse: (raw) => ({ dims: ints(raw, 'dims', 'dimensions') }),
  iota: (raw) => ({ dim: num(raw, 'dim', num(raw, 'iota_dimension')), ...dtypeAndShape(raw) }),
  compare: (raw) => {
    const direction = raw.words[0] ?? String(raw.fields.get('comparison_direction'));
    const type = raw.words[1] ?? raw.fields.get('compare_type');
    return { direction, ...(typeof type === 'string' && type !== 'NOTYPE' ? { compare_type: type } : {}) };
  },
  concatenate: (raw) => ({ dim: num(raw, 'dim', num(raw, 'dimension')) }),
  slice: (raw) => {
    if (raw.fields.has('start_indices'))
      return { start: ints(raw, 'start_indices'), limit: ints(raw, 'limit_indices'), strides: ints(raw, 'strides') };
    return {
      start: raw.lists.map((l) => l[0]),
      limit: raw.lists.map((l) => l[1]),
      strides: raw.lists.map((l) => l[2] ?? 1),
    };
  },
  pad: (raw) => ({
    low: ints(raw, 'low', 'edge_padding_low'),
    high: ints(raw, 'high', 'edge_padding_high'),
    interior: ints(raw, 'interior', 'interior_padding'),
  }),
  dynamic_slice: (raw) => ({ sizes: ints(raw, 'sizes', 'slice_sizes') }),
  reduce_precision: (raw) => {
    const format = /e(\d+)m(\d+)/.exec(String(raw.fields.get('format') ?? ''));
    return {
      exponent_bits: format === null ? num(raw, 'exponent_bits') : Number(format[1]),
      mantissa_bits: format === null ? num(raw, 'mantissa_bits') : Number(format[2]),
    };
  },
  dot_general: (raw) => {
    const numbers = record(raw, 'dot_dimension_numbers');
    const pair = (name: string, l: string, r: string): [number[], number[]] => {
      const both = raw.fields.get(name);
      return Array.isArray(both) ? [list(both[0]), list(both[1])] : [list(numbers[l]), list(numbers[r])];
    };
    const [lhs_batch, rhs_batch] = pair('batching_dims', 'lhs_batching_dimensions', 'rhs_batching_dimensions');
    const [lhs_contracting, rhs_contracting] = pair(
      'contracting_dims',
      'lhs_contracting_dimensions',
      'rhs_contracting_dimensions',
    );
    return {
      lhs_batch,
      rhs_batch,
      lhs_contracting,
      rhs_contracting,
      dtype: result(raw).dtype,
      ...precisionOf(raw),
      ...algorithmOf(raw),
    };
  },
  reduce: (raw) => ({ dims: ints(raw, 'dimensions') }),
  gather: (raw) => {
    const n = record(raw, 'dimension_numbers');
    return {
      offset_dims: list(n.offset_dims),
      collapsed_slice_dims: list(n.collapsed_slice_dims),
      operand_batching_dims: list(n.operand_batching_dims),
      start_indices_batching_dims: list(n.start_indices_batching_dims),
      start_index_map: list(n.start_index_map),
      index_vector_dim: Number(n.index_vector_dim ?? 0),
      slice_sizes: ints(raw, 'slice_sizes'),
      indices_are_sorted: flag(raw, 'indices_are_sorted'),
    };
  },
  scatter: (raw) => {
    const n = record(raw, 'scatter_dimension_numbers');
    return {
      update_window_dims: list(n.update_window_dims),
      inserted_window_dims: list(n.inserted_window_dims),
      input_batching_dims: list(n.input_batching_dims),
      scatter_indices_batching_dims: list(n.scatter_indices_batching_dims),
      scatter_dims_to_operand_dims: list(n.scatter_dims_to_operand_dims),
      index_vector_dim: Number(n.index_vector_dim ?? 0),
      indices_are_sorted: flag(raw, 'indices_are_sorted'),
      unique_indices: flag(raw, 'unique_indices'),
    };
  },
  reduce_window: (raw) => ({
    ...windows(raw),
    base_dilations: orOnes(raw, 'base_dilations'),
    window_dilations: orOnes(raw, 'window_dilations'),
  }),
  select_and_scatter: (raw) => windows(raw),
  convolution: (raw) => {
    const [input_dims, kernel_dims, output_dims] = convolutionDims(
      (raw.fields.has('dim_numbers') ? raw.verbatim.get('dim_numbers') : undefined) ??
        String(raw.fields.get('dimension_numbers')),
    );
    const window = record(raw, 'window');
    const rank = input_dims.length - 2;
    const each = <T>(value: Value | undefined, otherwise: T): T[] =>
      Array.isArray(value)
        ? (value as T[])
        : Array.from({ length: rank }, () => (value === undefined ? otherwise : (value as T)));
    const pads = each<number[]>(window.pad ?? raw.fields.get('padding'), [0, 0]);
    const precision = raw.fields.get('precision_config');
    return {
      input_dims,
      kernel_dims,
      output_dims,
      strides: each(window.stride ?? raw.fields.get('window_strides'), 1),
      pad_low: pads.map((p) => p[0] as number),
      pad_high: pads.map((p) => p[1] as number),
      lhs_dilation: each(window.lhs_dilate ?? raw.fields.get('lhs_dilation'), 1),
      rhs_dilation: each(window.rhs_dilate ?? raw.fields.get('rhs_dilation'), 1),
      reversal: each(window.reverse ?? raw.fields.get('window_reversal'), false),
      feature_group_count: num(raw, 'feature_group_count', 1),
      batch_group_count: num(raw, 'batch_group_count', 1),
      ...(Array.isArray(precision) ? { precision: precision.join(', ') } : {}),
      dtype: result(raw).dtype,
    };
  },
  all_gather: (raw) => ({ all_gather_dim: num(raw, 'all_gather_dim') }),
  all_to_all: (raw) => ({
    split_dimension: num(raw, 'split_dimension'),
    concat_dimension: num(raw, 'concat_dimension'),
  }),
  reduce_scatter: (raw) => ({ scatter_dimension: num(raw, 'scatter_dimension') }),
  batch_norm_inference: (raw) => ({ epsilon: num(raw, 'epsilon'), feature_index: num(raw, 'feature_index') }),
  cholesky: (raw) => ({ lower: flag(raw, 'lower') }),
  fft: (raw) => ({
    fft_type: String(raw.fields.get('type') ?? raw.fields.get('fft_type')),
    fft_length: ints(raw, 'length', 'fft_length'),
  }),
  rng: (raw) => ({
    distribution: String(raw.fields.get('distribution') ?? raw.fields.get('rng_distribution')),
    shape: result(raw).shape,
  }),
  rng_bit_generator: (raw) => ({
    algorithm: String(raw.fields.get('algorithm') ?? raw.fields.get('rng_algorithm')),
    dtype: raw.results[1]?.dtype ?? 'u32',
    shape: raw.results[1]?.shape ?? [],
  }),
  triangular_solve: (raw) => ({
    left_side: flag(raw, 'left_side'),
    lower: flag(raw, 'lower'),
    unit_diagonal: flag(raw, 'unit_diagonal'),
    transpose_a: String(raw.fields.get('transpose_a')),
  }),
  top_k: (raw) => ({ k: num(raw, 'k', result(raw).shape.at(-1) ?? 0) }),
  sort: (raw) => {
    const dim = num(raw, 'dimension', -1);
    // Counted from the end where it is negative.
    return { dim: dim < 0 ? dim + (raw.operands[0]?.shape.length ?? 0) : dim, is_stable: flag(raw, 'is_stable') };
  },
};
