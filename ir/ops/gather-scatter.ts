/** gather and scatter, as StableHLO defines them: gather clamps out-of-range starts, scatter skips updates that fall outside. */
import { stridesOf, type Storage, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorKind, RuleBuilder } from '../factors.ts';
import type { Monoid } from '../layout.ts';
import { defineOp, InferError, type KernelContext, type OpView } from '../op.ts';
import type { Block } from '../program.ts';
import { type DType, elementCount, tensor, type TensorType } from '../types.ts';
import { combineOn, regionMonoid } from './monoid.ts';
import { allocateReal, roundAll } from './rounding.ts';
import { forEachIndex } from './strided.ts';

type Gather = OpAttrs['gather'];
type Scatter = OpAttrs['scatter'];

const batchDims = (rank: number, window: readonly number[]): number[] => Array.from({ length: rank }, (_, d) => d).filter((d) => !window.includes(d));
/** Dims of the indices without the index vector, in order. */
const indexDims = (rank: number, vector: number): number[] => Array.from({ length: rank }, (_, d) => d).filter((d) => d !== vector);

export const gather = defineOp<Gather>({
  kind: 'gather',
  infer({ operands, attrs }) {
    const [x, indices] = operands;
    if (x === undefined || indices === undefined) throw new InferError('gather takes an operand and start indices');
    const batch = indexDims(indices.shape.length, attrs.index_vector_dim).map((d) => indices.shape[d] as number);
    const window = attrs.slice_sizes.filter((_, d) => !attrs.collapsed_slice_dims.includes(d) && !attrs.operand_batching_dims.includes(d));
    const shape: number[] = [];
    for (let d = 0, b = 0, w = 0; d < batch.length + window.length; d++) shape.push((attrs.offset_dims.includes(d) ? window[w++] : batch[b++]) as number);
    return [tensor(x.dtype, shape)];
  },
  factors({ operands, results, attrs }) {
    const [x, indices] = operands as readonly [TensorType, TensorType];
    const out = results[0] as TensorType;
    const rule = new RuleBuilder([x.shape.length, indices.shape.length], [out.shape.length]);
    const fromIndices = indexDims(indices.shape.length, attrs.index_vector_dim);
    batchDims(out.shape.length, attrs.offset_dims).forEach((d, b) => {
      const at = fromIndices[b] as number;
      const batching = attrs.start_indices_batching_dims.indexOf(at);
      rule.add([batching < 0 ? null : (attrs.operand_batching_dims[batching] as number), at], [d], out.shape[d] as number);
    });
    // A dim that no index addresses is read at 0 by everyone: its first shard would have to tell the others.
    const held = (d: number): FactorKind => (attrs.start_index_map.includes(d) ? 'reduce' : 'replicate');
    const windowDims = x.shape.map((_, d) => d).filter((d) => !attrs.collapsed_slice_dims.includes(d) && !attrs.operand_batching_dims.includes(d));
    windowDims.forEach((d, w) => {
      const to = attrs.offset_dims[w] as number;
      const [size, taken] = [x.shape[d] as number, attrs.slice_sizes[d] as number];
      if (size === taken) rule.add([d, null], [to], size);
      else if (taken === 1) rule.add([d, null], [null], size, held(d)).add([null, null], [to], 1);
      else rule.add([d, null], [to], size, 'replicate', true);
    });
    for (const d of attrs.collapsed_slice_dims) rule.add([d, null], [null], x.shape[d] as number, held(d));
    if (attrs.index_vector_dim < indices.shape.length) rule.add([null, attrs.index_vector_dim], [null], indices.shape[attrs.index_vector_dim] as number, 'replicate');
    return rule.build();
  },
  kernel(view, [x, indices], ctx) {
    return [gatherKernel(view, x as TensorArray, indices as TensorArray, ctx)];
  },
  localAttrs: ({ attrs, operands }, local) => {
    const [whole, part] = [(operands[0] as TensorType).shape, (local.operands[0] as TensorType).shape];
    return { ...attrs, slice_sizes: attrs.slice_sizes.map((s, d) => (s === whole[d] && !attrs.collapsed_slice_dims.includes(d) ? (part[d] as number) : s)) };
  },
  linearity: () => [[0]],
  combiner: () => 'sum',
  flops: () => 0,
});

function gatherKernel(view: OpView<Gather>, x: TensorArray, indices: TensorArray, ctx: KernelContext): TensorArray {
  const { attrs } = view;
  const type = view.results[0] as TensorType;
  const strides = stridesOf(x.shape);
  const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
  const windowDims = x.shape.map((_, d) => d).filter((d) => !attrs.collapsed_slice_dims.includes(d) && !attrs.operand_batching_dims.includes(d));
  const batch = batchDims(type.shape.length, attrs.offset_dims);
  const starts = startReader(indices, attrs.index_vector_dim);
  forEachIndex(type.shape, (index, flat) => {
    const at = batch.map((d) => index[d] as number);
    let offset = 0;
    attrs.start_index_map.forEach((d, k) => {
      const limit = (x.shape[d] as number) - (attrs.slice_sizes[d] as number);
      offset += Math.min(Math.max(starts(at, k), 0), limit) * (strides[d] as number);
    });
    attrs.operand_batching_dims.forEach((d, b) => {
      offset += (at[batchPosition(attrs.start_indices_batching_dims[b] as number, attrs.index_vector_dim)] as number) * (strides[d] as number);
    });
    windowDims.forEach((d, w) => {
      offset += (index[attrs.offset_dims[w] as number] as number) * (strides[d] as number);
    });
    (data as Float64Array)[flat] = x.data[offset] as number;
  });
  return { dtype: type.dtype, shape: type.shape, data };
}

/** Component k of the index vector at a batch position. */
function startReader(indices: TensorArray, vectorDim: number): (at: readonly number[], k: number) => number {
  const strides = stridesOf(indices.shape);
  const dims = indexDims(indices.shape.length, vectorDim);
  const step = strides[vectorDim] ?? 0;
  return (at, k) => Number(indices.data[dims.reduce((o, d, i) => o + (at[i] as number) * (strides[d] as number), k * step)]);
}

/** Where a dim of the indices stands among its batch dims. */
const batchPosition = (dim: number, vectorDim: number): number => (dim < vectorDim ? dim : dim - 1);

export const scatter = defineOp<Scatter>({
  kind: 'scatter',
  infer({ operands }) {
    const n = (operands.length - 1) / 2;
    if (!Number.isInteger(n) || n < 1) throw new InferError('scatter takes n inputs, indices and n updates');
    return operands.slice(0, n);
  },
  factors({ operands, results, attrs, regions }) {
    const n = results.length;
    const x = operands[0] as TensorType;
    const indices = operands[n] as TensorType;
    const updates = operands[n + 1] as TensorType;
    const rule = new RuleBuilder(operands.map((t) => t.shape.length), results.map((t) => t.shape.length));
    const held = (operand: number | null, index: number | null, update: number | null): (number | null)[] =>
      operands.map((_, i) => (i < n ? operand : i === n ? index : update));
    const partial = regionMonoid(regions[0]) === null ? 'replicate' : 'reduce';
    const fromIndices = indexDims(indices.shape.length, attrs.index_vector_dim);
    batchDims(updates.shape.length, attrs.update_window_dims).forEach((d, b) => {
      const at = fromIndices[b] as number;
      const batching = attrs.scatter_indices_batching_dims.indexOf(at);
      const operand = batching < 0 ? null : (attrs.input_batching_dims[batching] as number);
      rule.add(held(operand, at, d), results.map(() => operand), updates.shape[d] as number, operand === null ? partial : 'pass');
    });
    const windowDims = x.shape.map((_, d) => d).filter((d) => !attrs.inserted_window_dims.includes(d) && !attrs.input_batching_dims.includes(d));
    windowDims.forEach((d, w) => {
      const at = attrs.update_window_dims[w] as number;
      const size = x.shape[d] as number;
      if (size === updates.shape[at]) rule.add(held(d, null, at), results.map(() => d), size);
      else rule.add(held(d, null, null), results.map(() => d), size, 'replicate').add(held(null, null, at), results.map(() => null), updates.shape[at] as number, 'replicate');
    });
    // Updates of a dim that no index addresses go to its element 0, which is one shard's.
    for (const d of attrs.inserted_window_dims) {
      const kind = attrs.scatter_dims_to_operand_dims.includes(d) ? 'pass' : 'replicate';
      rule.add(held(d, null, null), results.map(() => d), x.shape[d] as number, kind);
    }
    if (attrs.index_vector_dim < indices.shape.length) rule.add(held(null, attrs.index_vector_dim, null), results.map(() => null), indices.shape[attrs.index_vector_dim] as number, 'replicate');
    return rule.build();
  },
  kernel: (view, inputs, ctx) => scatterKernel(view, inputs, ctx),
  linearity: ({ regions, results }) => (results.length === 1 && regionMonoid(regions[0]) === 'sum' ? [[0, 2]] : []),
  combiner: ({ regions, results }) => (results.length === 1 ? regionMonoid(regions[0]) : null),
  flops: ({ operands, results }) => elementCount(operands[results.length + 1] as TensorType),
});

function scatterKernel(view: OpView<Scatter>, inputs: readonly TensorArray[], ctx: KernelContext): TensorArray[] {
  const { attrs } = view;
  const n = view.results.length;
  const region = view.regions[0] as Block;
  const out = inputs.slice(0, n).map((x) => {
    const data = allocateReal(x.dtype, x.data.length, ctx.precision);
    (data as Float64Array).set(x.data as Float64Array);
    return { ...x, data };
  });
  const [first, indices, update] = [out[0] as TensorArray, inputs[n] as TensorArray, inputs[n + 1] as TensorArray];
  const strides = stridesOf(first.shape);
  const batch = batchDims(update.shape.length, attrs.update_window_dims);
  const windowDims = first.shape.map((_, d) => d).filter((d) => !attrs.inserted_window_dims.includes(d) && !attrs.input_batching_dims.includes(d));
  const starts = startReader(indices, attrs.index_vector_dim);
  const monoid = n === 1 ? regionMonoid(region) : null;
  const write = writer(out, inputs.slice(n + 1), region, monoid, ctx);
  forEachIndex(update.shape, (index, flat) => {
    const at = batch.map((d) => index[d] as number);
    const target = new Array<number>(first.shape.length).fill(0);
    attrs.scatter_dims_to_operand_dims.forEach((d, k) => { target[d] = starts(at, k); });
    attrs.input_batching_dims.forEach((d, b) => { target[d] = at[batchPosition(attrs.scatter_indices_batching_dims[b] as number, attrs.index_vector_dim)] as number; });
    windowDims.forEach((d, w) => { target[d] = (target[d] as number) + (index[attrs.update_window_dims[w] as number] as number); });
    if (target.some((t, d) => t < 0 || t >= (first.shape[d] as number))) return;
    write(target.reduce((o, t, d) => o + t * (strides[d] as number), 0), flat);
  });
  for (const o of out) roundAll(o.dtype, ctx.precision, o.data);
  return out;
}

function writer(out: readonly TensorArray[], updates: readonly TensorArray[], region: Block, monoid: Monoid | null, ctx: KernelContext): (to: number, from: number) => void {
  const [target, source] = [out[0]?.data as Float64Array, updates[0]?.data as Float64Array];
  const wide = (target as Storage) instanceof BigInt64Array || (target as Storage) instanceof BigUint64Array;
  if (monoid !== null && !wide) {
    const combine = combineOn(monoid, out[0]?.dtype as DType);
    return (to, from) => { target[to] = combine(target[to] as number, source[from] as number); };
  }
  const scalar = (x: TensorArray, i: number): TensorArray => ({ dtype: x.dtype, shape: [], data: x.data.slice(i, i + 1) });
  return (to, from) => {
    const results = ctx.call(region, [...out.map((x) => scalar(x, to)), ...updates.map((x) => scalar(x, from))]);
    results.forEach((r, i) => { (out[i]?.data as Float64Array)[to] = r.data[0] as number; });
  };
}
