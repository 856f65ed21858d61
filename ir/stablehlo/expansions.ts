/**
 * Ops that stand for others: read as what they mean, so that nothing after the importer knows them. Results may be
 * values that exist already. (StableHLO spec; CHLO's are what XLA's own legalisation writes.)
 */
import { unsupported } from '../diagnostics.ts';
import { InferError } from '../op.ts';
import type { Block, Op, ValueId } from '../program.ts';
import { einsum } from '../text/einsum.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { DTYPES, hasUnknownDims, isComplex, isFloat, type TensorType } from '../types.ts';
import { batchNormGrad, batchNormTraining } from './batch-norm.ts';
import { raggedDot } from './ragged-dot.ts';
import { foldedConstant } from './constant-folding.ts';
import { mulhi } from './mulhi.ts';
import { scan } from './scan.ts';
import { OP_ATTRS, type Raw } from './op-attrs.ts';

export interface Expansion {
  readonly b: TypedBuilder;
  readonly operands: readonly ValueId[];
  readonly raw: Raw;
  readonly regions: readonly Block[];
  /** What makes a value, where it is known. */
  readonly maker: (value: ValueId) => Op | undefined;
  readonly bounds: Bounds;
}

/** Sizes that only the run knows, of dims that are read at their bound. */
export interface Bounds {
  readonly size: (value: ValueId, dim: number) => ValueId | undefined;
  readonly setSize: (value: ValueId, size: ValueId | undefined, dim: number) => ValueId;
}

/** What XLA expands before anything else looks at it. */
export const EXPANDED: ReadonlySet<string> = new Set(['chlo.square', 'chlo.top_k']);

type Expand = (e: Expansion) => readonly ValueId[];

const number = ({ raw }: Expansion, name: string): number => Number(raw.fields.get(name) ?? 0);
const text = ({ raw }: Expansion, ...names: string[]): string =>
  String(names.map((n) => raw.fields.get(n)).find((v) => v !== undefined) ?? '');
const list = ({ raw }: Expansion, ...names: string[]): number[] => {
  const value = names.map((n) => raw.fields.get(n)).find((v) => v !== undefined);
  return Array.isArray(value) ? (value as number[]) : typeof value === 'number' ? [value] : [];
};
const first = (e: Expansion): ValueId => e.operands[0] as ValueId;
const result = (e: Expansion): TensorType => e.raw.results[0] as TensorType;
const rankOf = (e: Expansion, v: ValueId): number => e.b.typeOf(v).shape.length;

/** The numbers of a constant operand; a size that only the run knows has no meaning in a program of static shapes. */
function known(e: Expansion, index: number, what: string): number[] {
  const found = foldedConstant(e.b, e.maker, e.operands[index] as ValueId);
  if (found === undefined)
    throw unsupported(`${what} that is not a constant`, {
      help: 'compute sizes from constants and from the dims of values alone: XLA takes no others',
    });
  return Array.from(found.data as ArrayLike<number | bigint>, Number);
}

/** As the result's type says, or, where that leaves sizes open, as the operand that holds them. */
const shapeAt = (e: Expansion, index: number, what: string): readonly number[] => {
  const { shape } = result(e);
  return hasUnknownDims(result(e)) ? known(e, index, what) : shape;
};

/** CHLO's broadcasting: dims of the smaller operand given, or aligned at the end. */
function alike(e: Expansion, values: readonly ValueId[]): ValueId[] {
  const shape = values.map((v) => e.b.typeOf(v).shape).reduce((a, s) => e.b.broadcastShape(a, s));
  const dims = list(e, 'broadcast_dimensions');
  return values.map((v) => {
    const given = dims.length > 0 && dims.length === rankOf(e, v) && rankOf(e, v) < shape.length;
    return given ? e.b.one('broadcast_in_dim', [v], { dims, shape }) : e.b.broadcastTo(v, shape);
  });
}

const broadcasting =
  (kind: string): Expand =>
  (e) => [e.b.one(kind, alike(e, e.operands))];

const infinite =
  (sign: 0 | 1 | -1): Expand =>
  (e) => {
    const type = e.b.typeOf(first(e));
    const value = sign === 0 ? e.b.one('abs', [first(e)]) : first(e);
    const bound = e.b.splat(sign < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY, type);
    return [e.b.one('compare', [value, bound], { direction: 'EQ', compare_type: 'FLOAT' })];
  };

/** Is the op read as others? Random bits are, where floats are asked for. */
export const isExpanded = (kind: string, { results }: Pick<Raw, 'results'>): boolean =>
  Object.hasOwn(EXPANSIONS, kind) && (kind !== 'rng_bit_generator' || isFloat(results[1]?.dtype ?? 'u32'));

export const EXPANSIONS: Readonly<Record<string, Expand>> = {
  batch_norm_grad: (e) => batchNormGrad(e.b, e.operands, number(e, 'feature_index'), number(e, 'epsilon')),
  batch_norm_training: (e) => batchNormTraining(e.b, e.operands, number(e, 'feature_index'), number(e, 'epsilon')),
  broadcast(e) {
    const sizes = list(e, 'sizes', 'broadcast_sizes');
    const { shape } = e.b.typeOf(first(e));
    return [
      e.b.one('broadcast_in_dim', [first(e)], {
        dims: shape.map((_, d) => d + sizes.length),
        shape: [...sizes, ...shape],
      }),
    ];
  },
  broadcast_add: broadcasting('add'),
  broadcast_and: broadcasting('and'),
  broadcast_atan2: broadcasting('atan2'),
  broadcast_complex: broadcasting('complex'),
  broadcast_divide: broadcasting('divide'),
  broadcast_maximum: broadcasting('maximum'),
  broadcast_minimum: broadcasting('minimum'),
  broadcast_multiply: broadcasting('multiply'),
  broadcast_next_after: broadcasting('next_after'),
  broadcast_or: broadcasting('or'),
  broadcast_polygamma: broadcasting('polygamma'),
  broadcast_power: broadcasting('power'),
  broadcast_remainder: broadcasting('remainder'),
  broadcast_select: broadcasting('select'),
  broadcast_shift_left: broadcasting('shift_left'),
  broadcast_shift_right_arithmetic: broadcasting('shift_right_arithmetic'),
  broadcast_shift_right_logical: broadcasting('shift_right_logical'),
  broadcast_subtract: broadcasting('subtract'),
  broadcast_xor: broadcasting('xor'),
  broadcast_zeta: broadcasting('zeta'),
  broadcast_compare(e) {
    const type = text(e, 'compare_type');
    const attrs = { direction: text(e, 'comparison_direction'), ...(type === '' ? {} : { compare_type: type }) };
    return [e.b.one('compare', alike(e, e.operands), attrs)];
  },
  conj(e) {
    const type = e.b.typeOf(first(e));
    if (!isComplex(type.dtype)) return e.operands;
    return [e.b.one('complex', [e.b.one('real', [first(e)]), e.b.one('negate', [e.b.one('imag', [first(e)])])])];
  },
  constant_like: (e) => [e.b.splat(number(e, 'value'), result(e))],
  dynamic_broadcast_in_dim: (e) => [
    e.b.one('broadcast_in_dim', [first(e)], {
      dims: list(e, 'dims', 'broadcast_dimensions'),
      shape: shapeAt(e, 1, 'the shape of dynamic_broadcast_in_dim'),
    }),
  ],
  dynamic_gather: (e) => [
    e.b.one('gather', e.operands.slice(0, 2), {
      ...OP_ATTRS.gather?.(e.raw),
      slice_sizes: known(e, 2, 'slice_sizes of dynamic_gather'),
    }),
  ],
  dynamic_iota: (e) => [
    e.b.one('iota', [], {
      dim: number(e, e.raw.fields.has('dim') ? 'dim' : 'iota_dimension'),
      dtype: result(e).dtype,
      shape: shapeAt(e, 0, 'the shape of dynamic_iota'),
    }),
  ],
  dynamic_pad(e) {
    const [low, high, interior] = [2, 3, 4].map((i) => known(e, i, 'padding of dynamic_pad'));
    return [e.b.one('pad', e.operands.slice(0, 2), { low, high, interior })];
  },
  dynamic_reshape: (e) => [e.b.one('reshape', [first(e)], { shape: shapeAt(e, 1, 'the shape of dynamic_reshape') })],
  einsum: (e) => [einsum(e.b, text(e, 'config', 'einsum_config'), e.operands)],
  get_dimension_size(e) {
    const dim = number(e, e.raw.fields.has('dim') ? 'dim' : 'dimension');
    return [e.bounds.size(first(e), dim) ?? e.b.splat(e.b.typeOf(first(e)).shape[dim] ?? 0, result(e))];
  },
  is_inf: infinite(0),
  is_neg_inf: infinite(-1),
  is_pos_inf: infinite(1),
  map: (e) => [mapped(e)],
  mulhi: (e) => [mulhi(e.b, first(e), e.operands[1] as ValueId)],
  ragged_dot: raggedDot,
  /** The bits of floats are those of integers as wide. */
  rng_bit_generator(e) {
    const bits = e.raw.results[1] as TensorType;
    const dtype = `u${DTYPES[bits.dtype].bits}`;
    const attrs = { ...OP_ATTRS.rng_bit_generator?.(e.raw), dtype };
    const [state, made] = e.b.apply('rng_bit_generator', e.operands, attrs) as [ValueId, ValueId];
    return [state, e.b.one('bitcast_convert', [made], { dtype: bits.dtype, shape: bits.shape })];
  },
  real_dynamic_slice(e) {
    const [start, limit, strides] = [1, 2, 3].map((i) => known(e, i, 'bounds of real_dynamic_slice'));
    return [e.b.one('slice', [first(e)], { start, limit, strides })];
  },
  scan(e) {
    const segments = list(e, 'operandSegmentSizes');
    const inputs = e.operands.slice(0, segments[0]);
    const form = {
      dim: number(e, 'dimension'),
      isReverse: e.raw.fields.get('is_reverse') === true,
      inputs,
      inits: e.operands.slice(inputs.length),
    };
    return scan(e.b, form, e.raw.results, e.regions[0] as Block);
  },
  set_dimension_size(e) {
    const dim = number(e, e.raw.fields.has('dim') ? 'dim' : 'dimension');
    const size = foldedConstant(e.b, e.maker, e.operands[1] as ValueId)?.data[0];
    const whole = size !== undefined && Number(size) === e.b.typeOf(first(e)).shape[dim];
    if (whole && e.bounds.size(first(e), dim) === undefined) return [first(e)];
    return [e.bounds.setSize(first(e), whole ? undefined : (e.operands[1] as ValueId), dim)];
  },
  square: (e) => [e.b.one('multiply', [first(e), first(e)])],
  torch_index_select: (e) => [indexSelect(e)],
  unary_einsum: (e) => [einsum(e.b, text(e, 'config', 'einsum_config'), e.operands)],
};

/** The region's ops on whole arrays; what it reads from outside, and its constants, are broadcast. */
function mapped(e: Expansion): ValueId {
  const [region] = e.regions as readonly [Block];
  const { shape } = result(e);
  const whole = new Map<ValueId, ValueId>(region.params.map((p, i) => [p, e.operands[i] as ValueId]));
  const read = (v: ValueId): ValueId => whole.get(v) ?? e.b.broadcastTo(v, shape);
  for (const op of region.ops) {
    if (op.kind === 'return') return read(op.operands[0] as ValueId);
    if (op.regions.length > 0) throw unsupported(`${op.kind} inside a map`);
    const scalar = op.operands.length === 0 || op.attrs.shape !== undefined;
    const made = scalar ? e.b.one(op.kind, op.operands, op.attrs) : e.b.one(op.kind, op.operands.map(read), op.attrs);
    whole.set(op.results[0] as ValueId, scalar ? e.b.broadcastTo(made, shape) : made);
  }
  throw new InferError('map: its region returns nothing');
}

/** operand[batch…, index[batch…, i…], …] along `dim`. */
function indexSelect(e: Expansion): ValueId {
  const [operand, index] = e.operands as readonly [ValueId, ValueId];
  const [x, ids] = [e.b.typeOf(operand), e.b.typeOf(index)];
  const [dim, batch] = [number(e, 'dim'), number(e, 'batch_dims')];
  const batches = Array.from({ length: batch }, (_, d) => d);
  const rest = x.shape.length - dim - 1;
  const rank = dim + (ids.shape.length - batch) + rest;
  const fromIndex = dim + ids.shape.length - batch;
  return e.b.one('gather', [operand, index], {
    offset_dims: Array.from({ length: rank }, (_, d) => d).filter((d) => (d >= batch && d < dim) || d >= fromIndex),
    collapsed_slice_dims: [dim],
    operand_batching_dims: batches,
    start_indices_batching_dims: batches,
    start_index_map: [dim],
    index_vector_dim: ids.shape.length,
    slice_sizes: x.shape.map((n, d) => (d === dim || d < batch ? 1 : n)),
    indices_are_sorted: false,
  });
}
