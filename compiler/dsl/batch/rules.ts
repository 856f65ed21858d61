/** How an op runs on a batch: per kind, the same op with a dim more. A batched value has its batch as dim 0. */
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Attrs, Op, ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { tensor } from '../../../ir/types.ts';

/** An operand as it is now. */
export interface Batched {
  readonly id: ValueId;
  readonly batched: boolean;
}

export interface BatchedOp {
  readonly b: TypedBuilder;
  readonly op: Op;
  readonly operands: readonly Batched[];
  /** Extent of the batch. */
  readonly size: number;
}

/** The results, all batched; undefined = the op is not known to run on a batch in this form. */
type Rule = (on: BatchedOp) => readonly ValueId[] | undefined;

const up = (dims: readonly number[]): number[] => dims.map((d) => d + 1);
const upFrom0 = (dims: readonly number[]): number[] => [0, ...up(dims)];

/** Batched: itself, or copies. */
export function ensure({ b, size }: Pick<BatchedOp, 'b' | 'size'>, { id, batched }: Batched): ValueId {
  if (batched) return id;
  const { shape } = b.typeOf(id);
  return b.one('broadcast_in_dim', [id], { dims: shape.map((_, d) => d + 1), shape: [size, ...shape] });
}

const all = (on: BatchedOp): ValueId[] => on.operands.map((x) => ensure(on, x));
const same = (on: BatchedOp, operands: readonly ValueId[], attrs: Attrs): ValueId[] =>
  on.b.apply(on.op.kind, operands, attrs, on.op.regions);

/** The same op on batched operands, with other attributes. */
const plain =
  (attrs: (attrs: never, size: number) => Attrs): Rule =>
  (on) =>
    same(on, all(on), attrs(on.op.attrs as never, on.size));
const unchanged: Rule = (on) => same(on, all(on), on.op.attrs);

/** Operands that stand beside the first are scalars that all elements share. */
const firstOnly =
  (attrs: (attrs: never) => Attrs): Rule =>
  (on) => {
    const count = on.op.results.length;
    if (on.operands.slice(count).some((x) => x.batched)) return undefined;
    const operands = on.operands.map((x, i) => (i < count ? ensure(on, x) : x.id));
    return same(on, operands, attrs(on.op.attrs as never));
  };

/** Dims of the collective's groups count one more; devices exchange whole batches. */
export const collective: Rule = ({ b, op, operands }) => {
  const [x] = operands as [Batched];
  const { axes, moves } = op.attrs as { axes?: readonly unknown[]; moves?: OpAttrs['all_to_all']['moves'] };
  const perDim = Array.isArray(axes?.[0]);
  const { dtype, shape } = b.typeOf(op.results[0] as ValueId);
  const type = tensor(dtype, [b.typeOf(x.id).shape[0] as number, ...shape]);
  return b.op(op.kind, [x.id], [type], b.origin, {
    ...op.attrs,
    ...(perDim ? { axes: [[], ...(axes as readonly unknown[])] } : {}),
    ...(moves === undefined ? {} : { moves: moves.map((m) => ({ ...m, source: m.source + 1, target: m.target + 1 })) }),
  });
};

/** Every operand at the result's shape: scalars beside tensors are spread. */
export const elementwise: Rule = (on) => {
  const { b, op, size } = on;
  const rank = b.typeOf(op.results[0] as ValueId).shape.length;
  const shape = [size, ...b.typeOf(op.results[0] as ValueId).shape];
  const operands = on.operands.map((x): ValueId => {
    const own = b.typeOf(x.id).shape.length - (x.batched ? 1 : 0);
    if (own === rank) return ensure(on, x);
    return b.one('broadcast_in_dim', [x.id], { dims: x.batched ? [0] : [], shape });
  });
  return same(on, operands, op.attrs);
};

const dotGeneral: Rule = (on) => {
  const { b, operands } = on;
  const attrs = on.op.attrs as OpAttrs['dot_general'];
  const [l, r] = operands as [Batched, Batched];
  const ids = operands.map((x) => x.id);
  const left = l.batched ? { lhs_batch: up(attrs.lhs_batch), lhs_contracting: up(attrs.lhs_contracting) } : {};
  const right = r.batched ? { rhs_batch: up(attrs.rhs_batch), rhs_contracting: up(attrs.rhs_contracting) } : {};
  if (l.batched && r.batched) {
    const batch = { lhs_batch: upFrom0(attrs.lhs_batch), rhs_batch: upFrom0(attrs.rhs_batch) };
    return same(on, ids, { ...attrs, ...left, ...right, ...batch });
  }
  const [made] = same(on, ids, { ...attrs, ...left, ...right }) as [ValueId];
  const lhsFree = b.typeOf(l.id).shape.length - attrs.lhs_batch.length - attrs.lhs_contracting.length;
  return [toFront(b, made, attrs.lhs_batch.length + (l.batched ? 0 : lhsFree))];
};

export function toFront(b: TypedBuilder, id: ValueId, dim: number): ValueId {
  if (dim === 0) return id;
  const others = b
    .typeOf(id)
    .shape.map((_, d) => d)
    .filter((d) => d !== dim);
  return b.one('transpose', [id], { permutation: [dim, ...others] });
}

const gather: Rule = (on) => {
  const { op, size, operands } = on;
  const attrs = op.attrs as OpAttrs['gather'];
  const [x, indices] = operands as [Batched, Batched];
  const shifted = x.batched
    ? {
        collapsed_slice_dims: up(attrs.collapsed_slice_dims),
        operand_batching_dims: up(attrs.operand_batching_dims),
        start_index_map: up(attrs.start_index_map),
      }
    : {};
  if (!indices.batched)
    return same(on, [x.id, indices.id], {
      ...attrs,
      ...shifted,
      offset_dims: upFrom0(attrs.offset_dims),
      slice_sizes: [size, ...attrs.slice_sizes],
    });
  const own = {
    offset_dims: up(attrs.offset_dims),
    start_indices_batching_dims: up(attrs.start_indices_batching_dims),
    index_vector_dim: attrs.index_vector_dim + 1,
  };
  if (!x.batched) return same(on, [x.id, indices.id], { ...attrs, ...own });
  return same(on, [x.id, indices.id], {
    ...attrs,
    ...shifted,
    ...own,
    operand_batching_dims: upFrom0(attrs.operand_batching_dims),
    start_indices_batching_dims: upFrom0(attrs.start_indices_batching_dims),
    slice_sizes: [1, ...attrs.slice_sizes],
  });
};

const scatter: Rule = (on) => {
  const { op, operands } = on;
  const attrs = op.attrs as OpAttrs['scatter'];
  const n = op.results.length;
  const indices = operands[n] as Batched;
  const ids = operands.map((x, i) => (i === n && !indices.batched ? x.id : ensure(on, x)));
  const shifted = {
    ...attrs,
    inserted_window_dims: up(attrs.inserted_window_dims),
    scatter_dims_to_operand_dims: up(attrs.scatter_dims_to_operand_dims),
  };
  if (!indices.batched)
    return same(on, ids, {
      ...shifted,
      update_window_dims: upFrom0(attrs.update_window_dims),
      input_batching_dims: up(attrs.input_batching_dims),
    });
  return same(on, ids, {
    ...shifted,
    update_window_dims: up(attrs.update_window_dims),
    input_batching_dims: upFrom0(attrs.input_batching_dims),
    scatter_indices_batching_dims: upFrom0(attrs.scatter_indices_batching_dims),
    index_vector_dim: attrs.index_vector_dim + 1,
  });
};

/** Starts that differ within the batch make it a gather. */
const dynamicSlice: Rule = (on) => {
  const { b, op, size, operands } = on;
  const { sizes } = op.attrs as OpAttrs['dynamic_slice'];
  const [x, ...starts] = operands as [Batched, ...Batched[]];
  if (!starts.some((s) => s.batched)) {
    const zero = b.splat(0, b.typeOf((starts[0] as Batched).id));
    return same(on, [x.id, zero, ...starts.map((s) => s.id)], { sizes: [size, ...sizes] });
  }
  const rank = sizes.map((_, d) => d + 1);
  return b.apply('gather', [ensure(on, x), indexVectors(on, starts)], {
    offset_dims: rank,
    collapsed_slice_dims: [],
    operand_batching_dims: [0],
    start_indices_batching_dims: [0],
    start_index_map: rank,
    index_vector_dim: 1,
    slice_sizes: [1, ...sizes],
    indices_are_sorted: false,
  });
};

/** … and the update a scatter, its starts clamped first. */
const dynamicUpdateSlice: Rule = (on) => {
  const { b, op, operands } = on;
  const [x, update, ...starts] = operands as [Batched, Batched, ...Batched[]];
  const both = [ensure(on, x), ensure(on, update)];
  if (!starts.some((s) => s.batched)) {
    const [first] = starts;
    const zero = first === undefined ? [] : [b.splat(0, b.typeOf(first.id))];
    return same(on, [...both, ...zero, ...starts.map((s) => s.id)], op.attrs);
  }
  const [whole, part] = both.map((id) => b.typeOf(id).shape.slice(1)) as [number[], number[]];
  const limits = whole.map((n, d) => n - (part[d] as number));
  const clamped = starts.map((s, d): Batched => {
    const type = b.typeOf(s.id);
    return { ...s, id: b.one('clamp', [b.splat(0, type), s.id, b.splat(limits[d] as number, type)]) };
  });
  const rank = whole.map((_, d) => d + 1);
  const { dtype } = b.typeOf(x.id);
  const replace = b.region(() => {
    const [, fresh] = [b.param(tensor(dtype, [])), b.param(tensor(dtype, []))];
    b.op('return', [fresh], [], b.origin);
  });
  const attrs: OpAttrs['scatter'] = {
    update_window_dims: rank,
    inserted_window_dims: [],
    input_batching_dims: [0],
    scatter_indices_batching_dims: [0],
    scatter_dims_to_operand_dims: rank,
    index_vector_dim: 1,
    indices_are_sorted: true,
    unique_indices: true,
  };
  return b.apply('scatter', [both[0] as ValueId, indexVectors(on, clamped), both[1] as ValueId], { ...attrs }, [
    replace,
  ]);
};

/** [batch, number of starts]. */
function indexVectors(on: BatchedOp, starts: readonly Batched[]): ValueId {
  const { b, size } = on;
  const parts = starts.map((s) => b.one('reshape', [ensure(on, s)], { shape: [size, 1] }));
  return b.one('concatenate', parts, { dim: 1 });
}

/** The batch goes into the batch dim, or, where kernels differ, into feature groups. */
const convolution: Rule = (on) => {
  const { b, op, size, operands } = on;
  const attrs = op.attrs as OpAttrs['convolution'];
  const [x, kernel] = operands as [Batched, Batched];
  const at = (dims: readonly number[], i: number): number => dims[i] as number;
  if (!kernel.batched && attrs.batch_group_count === 1) {
    const [made] = same(on, [merge(b, x.id, at(attrs.input_dims, 0)), kernel.id], attrs) as [ValueId];
    return [unmerge(b, made, at(attrs.output_dims, 0), size)];
  }
  if (attrs.batch_group_count !== 1) return undefined;
  const [made] = same(
    on,
    [merge(b, ensure(on, x), at(attrs.input_dims, 1)), merge(b, ensure(on, kernel), at(attrs.kernel_dims, 1))],
    { ...attrs, feature_group_count: attrs.feature_group_count * size },
  ) as [ValueId];
  return [unmerge(b, made, at(attrs.output_dims, 1), size)];
};

/** Dim 0 becomes the major part of what is dim `into` without it. */
function merge(b: TypedBuilder, id: ValueId, into: number): ValueId {
  const { shape } = b.typeOf(id);
  const order = shape.slice(1).flatMap((_, d) => (d === into ? [0, d + 1] : [d + 1]));
  const merged = shape.slice(1).map((n, d) => (d === into ? n * (shape[0] as number) : n));
  return b.one('reshape', [b.one('transpose', [id], { permutation: order })], { shape: merged });
}

function unmerge(b: TypedBuilder, id: ValueId, from: number, size: number): ValueId {
  const { shape } = b.typeOf(id);
  const split = shape.flatMap((n, d) => (d === from ? [size, n / size] : [n]));
  return toFront(b, b.one('reshape', [id], { shape: split }), from);
}

const windows = (attrs: OpAttrs['reduce_window']): Attrs => ({
  ...attrs,
  window_dimensions: [1, ...attrs.window_dimensions],
  window_strides: [1, ...attrs.window_strides],
  base_dilations: [1, ...attrs.base_dilations],
  window_dilations: [1, ...attrs.window_dilations],
  pad_low: [0, ...attrs.pad_low],
  pad_high: [0, ...attrs.pad_high],
});

const selectAndScatter: Rule = (on) => {
  const attrs = on.op.attrs as OpAttrs['select_and_scatter'];
  const [x, source, start] = on.operands as [Batched, Batched, Batched];
  if (start.batched) return undefined;
  return same(on, [ensure(on, x), ensure(on, source), start.id], {
    window_dimensions: [1, ...attrs.window_dimensions],
    window_strides: [1, ...attrs.window_strides],
    pad_low: [0, ...attrs.pad_low],
    pad_high: [0, ...attrs.pad_high],
  });
};

export const batchRules: Readonly<Record<string, Rule>> = {
  broadcast_in_dim: plain((a: OpAttrs['broadcast_in_dim'], n) => ({ dims: upFrom0(a.dims), shape: [n, ...a.shape] })),
  reshape: plain((a: OpAttrs['reshape'], n) => ({ shape: [n, ...a.shape] })),
  bitcast_convert: plain((a: OpAttrs['bitcast_convert'], n) => ({ ...a, shape: [n, ...a.shape] })),
  transpose: plain((a: OpAttrs['transpose']) => ({ permutation: upFrom0(a.permutation) })),
  reverse: plain((a: OpAttrs['reverse']) => ({ dims: up(a.dims) })),
  slice: plain((a: OpAttrs['slice'], n) => ({
    start: [0, ...a.start],
    limit: [n, ...a.limit],
    strides: [1, ...a.strides],
  })),
  pad: firstOnly((a: OpAttrs['pad']) => ({ low: [0, ...a.low], high: [0, ...a.high], interior: [0, ...a.interior] })),
  concatenate: plain((a: OpAttrs['concatenate']) => ({ dim: a.dim + 1 })),
  sort: plain((a: OpAttrs['sort']) => ({ ...a, dim: a.dim + 1 })),
  top_k: unchanged,
  cholesky: unchanged,
  triangular_solve: unchanged,
  fft: unchanged,
  reduce: firstOnly((a: OpAttrs['reduce']) => ({ dims: up(a.dims) })),
  reduce_window: firstOnly(windows),
  select_and_scatter: selectAndScatter,
  dot_general: dotGeneral,
  convolution,
  gather,
  scatter,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
};
