/** gather and scatter, as StableHLO defines them: gather clamps out-of-range starts, scatter skips updates that fall outside. */
import { stridesOf, type Storage, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type Factor, type FactorKind, RuleBuilder, type FactorRule } from '../factors.ts';
import type { Monoid } from '../layout.ts';
import { defineOp, firstOf, InferError, type KernelContext, type OpView, passes } from '../op.ts';
import type { Block } from '../program.ts';
import { type DType, elementCount, isComplex, tensor, type TensorType, DTYPES } from '../types.ts';
import { onParts } from './complex.ts';
import { laneAt, setLane } from './lanes.ts';
import { combineOn, combinerOf, monoidsOf, regionMonoid } from './monoid.ts';
import { allocateReal, roundAll } from './rounding.ts';
import type { PadRule } from '../padding.ts';
import { forEachIndex } from './strided.ts';

type Gather = OpAttrs['gather'];
type Scatter = OpAttrs['scatter'];

const batchDims = (rank: number, window: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, d) => d).filter((d) => !window.includes(d));
/** Dims of the indices without the index vector, in order. */
const indexDims = (rank: number, vector: number): number[] =>
  Array.from({ length: rank }, (_, d) => d).filter((d) => d !== vector);

export const gather = defineOp<Gather>({
  kind: 'gather',
  infer({ operands, attrs }) {
    const [x, indices] = operands;
    if (x === undefined || indices === undefined) throw new InferError('gather takes an operand and start indices');
    const batch = indexDims(indices.shape.length, attrs.index_vector_dim).map((d) => indices.shape[d] as number);
    const window = attrs.slice_sizes.filter(
      (_, d) => !attrs.collapsed_slice_dims.includes(d) && !attrs.operand_batching_dims.includes(d),
    );
    const shape: number[] = [];
    for (let d = 0, b = 0, w = 0; d < batch.length + window.length; d++)
      shape.push((attrs.offset_dims.includes(d) ? window[w++] : batch[b++]) as number);
    return [tensor(x.dtype, shape)];
  },
  factors({ operands, results, attrs }) {
    const [x, indices] = operands as readonly [TensorType, TensorType];
    const rule = new RuleBuilder([x.shape.length, indices.shape.length], [(results[0] as TensorType).shape.length]);
    const windows: Windows = {
      input: x.shape,
      indices: indices.shape,
      slices: (results[0] as TensorType).shape,
      vectorDim: attrs.index_vector_dim,
      offsetDims: attrs.offset_dims,
      gone: attrs.collapsed_slice_dims,
      inputBatch: attrs.operand_batching_dims,
      indicesBatch: attrs.start_indices_batching_dims,
    };
    // A dim that no index addresses is read at 0 by everyone: its first shard would have to tell the others.
    const held = (d: number): Pick<Factor, 'kind' | 'whole'> =>
      attrs.start_index_map.includes(d) ? { kind: 'reduce' } : { kind: 'reduce', whole: true };
    addWindowFactors(windows, {
      add: (input, index, slice, factor) => rule.factor([input, index], [slice], factor),
      partial: 'pass',
      gone: (d, size) => (size === 1 ? { kind: 'replicate' } : held(d)),
      sliced(d, input, slice) {
        if (slice !== 1) return [{ size: input, kind: 'replicate', blocked: true }];
        return [
          { size: input, ...held(d) },
          { size: slice, kind: 'replicate' },
        ];
      },
    });
    return rule.build();
  },
  kernel: onParts((view, [x, indices], ctx) => [
    gatherKernel(view as OpView<Gather>, x as TensorArray, indices as TensorArray, ctx),
  ]),
  /** Starts are clamped against the true size before (pad-dims/clamped-starts.ts), so that padding is not read. */
  padRule: (_, f, rule) => (passes(rule, f) ? {} : rule.factors[f]?.kind === 'reduce' ? { apart: 'operands' } : null),
  localAttrs: ({ attrs, operands }, local) => {
    const [whole, part] = [(operands[0] as TensorType).shape, (local.operands[0] as TensorType).shape];
    return {
      ...attrs,
      slice_sizes: attrs.slice_sizes.map((s, d) =>
        s === whole[d] && !attrs.collapsed_slice_dims.includes(d) ? (part[d] as number) : s,
      ),
    };
  },
  linearity: () => [[0]],
  combiner: () => 'sum',
  flops: () => 0,
});

/** What gather and scatter have in common: an input, indices into it, and slices of it (gathered, or to be added). */
interface Windows {
  readonly input: readonly number[];
  readonly indices: readonly number[];
  readonly slices: readonly number[];
  readonly vectorDim: number;
  /** Dims of the slices that lie in the window; the others are batch dims, in the indices' order. */
  readonly offsetDims: readonly number[];
  /** Input dims that no slice dim stands for: a slice takes one element of them. */
  readonly gone: readonly number[];
  readonly inputBatch: readonly number[];
  readonly indicesBatch: readonly number[];
}

interface WindowRules {
  add(input: number | null, index: number | null, slice: number | null, factor: Factor): void;
  /** A batch dim that the input lacks. */
  readonly partial: FactorKind;
  /** Input dim `d` of this size. */
  gone(d: number, size: number): Pick<Factor, 'kind' | 'whole'>;
  /** A window dim that is not taken whole: one factor for both, or one for the input and one for the slice. */
  sliced(d: number, input: number, slice: number): readonly Factor[];
}

/** Factors in the order of Shardy's: the slices' dims, then the collapsed or inserted dims, then the index vector. */
function addWindowFactors(w: Windows, rules: WindowRules): void {
  const fromIndices = indexDims(w.indices.length, w.vectorDim);
  const window = w.input.map((_, d) => d).filter((d) => !w.gone.includes(d) && !w.inputBatch.includes(d));
  let [batch, inWindow] = [0, 0];
  w.slices.forEach((size, slice) => {
    if (!w.offsetDims.includes(slice)) {
      const index = fromIndices[batch++] as number;
      const batching = w.indicesBatch.indexOf(index);
      const input = batching < 0 ? null : (w.inputBatch[batching] as number);
      rules.add(input, index, slice, { size, kind: input === null ? rules.partial : 'pass' });
      return;
    }
    const input = window[inWindow++] as number;
    const whole = w.input[input] as number;
    const factors: readonly Factor[] = whole === size ? [{ size, kind: 'pass' }] : rules.sliced(input, whole, size);
    if (factors.length === 1) rules.add(input, null, slice, factors[0] as Factor);
    else factors.forEach((factor, i) => rules.add(i === 0 ? input : null, null, i === 0 ? null : slice, factor));
  });
  for (const d of w.gone)
    rules.add(d, null, null, { size: w.input[d] as number, ...rules.gone(d, w.input[d] as number) });
  if (w.vectorDim < w.indices.length)
    rules.add(null, w.vectorDim, null, { size: w.indices[w.vectorDim] as number, kind: 'replicate' });
}

function gatherKernel(view: OpView<Gather>, x: TensorArray, indices: TensorArray, ctx: KernelContext): TensorArray {
  const { attrs } = view;
  const type = view.results[0] as TensorType;
  const strides = stridesOf(x.shape);
  const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
  const windowDims = x.shape
    .map((_, d) => d)
    .filter((d) => !attrs.collapsed_slice_dims.includes(d) && !attrs.operand_batching_dims.includes(d));
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
      offset +=
        (at[batchPosition(attrs.start_indices_batching_dims[b] as number, attrs.index_vector_dim)] as number) *
        (strides[d] as number);
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
  return (at, k) =>
    Number(indices.data[dims.reduce((o, d, i) => o + (at[i] as number) * (strides[d] as number), k * step)]);
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
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      results.map((t) => t.shape.length),
    );
    const windows: Windows = {
      input: x.shape,
      indices: indices.shape,
      slices: updates.shape,
      vectorDim: attrs.index_vector_dim,
      offsetDims: attrs.update_window_dims,
      gone: attrs.inserted_window_dims,
      inputBatch: attrs.input_batching_dims,
      indicesBatch: attrs.scatter_indices_batching_dims,
    };
    addWindowFactors(windows, {
      add: (input, index, slice, factor) =>
        rule.factor(
          operands.map((_, i) => (i < n ? input : i === n ? index : slice)),
          results.map(() => input),
          factor,
        ),
      partial: monoidsOf(regions[0], x) === null ? 'replicate' : 'reduce',
      // Updates of a dim that no index addresses go to its element 0, which is one shard's.
      gone: (d) => (attrs.scatter_dims_to_operand_dims.includes(d) ? { kind: 'pass' } : { kind: 'pass', whole: true }),
      sliced: (_, input, slice) => [
        { size: input, kind: 'replicate' },
        { size: slice, kind: 'replicate' },
      ],
    });
    return rule.build();
  },
  kernel: (view, inputs, ctx) => scatterKernel(view, inputs, ctx),
  padRule: scatterPadding,
  linearity: ({ regions, results }) => (results.length === 1 && regionMonoid(regions[0]) === 'sum' ? [[0, 2]] : []),
  combiner: ({ regions, results }) => (results.length === 1 ? combinerOf(regions[0], firstOf(results)) : null),
  flops: ({ operands, results }) => elementCount(operands[results.length + 1] as TensorType),
});

/** Updates at padded positions must go nowhere: their indices lie outside. What lands in an input's padding stays there. */
function scatterPadding({ operands, results, attrs }: OpView<Scatter>, f: number, rule: FactorRule): PadRule | null {
  const n = results.length;
  const [input, index, update] = [0, n, n + 1].map(
    (i) => rule.operands[i]?.findIndex((dims) => dims.includes(f)) ?? -1,
  );
  if (index === attrs.index_vector_dim && update === -1) return null;
  if (input !== -1) return passes(rule, f) || rule.factors[f]?.kind === 'pass' ? {} : null;
  if (index === undefined || index < 0 || update === -1) return null;
  const { shape } = operands[0] as TensorType;
  const addressed = attrs.scatter_dims_to_operand_dims.map((d) => shape[d] as number);
  const nowhere = outside(operands[n]?.dtype ?? 'i32', Math.min(...addressed));
  if (nowhere === undefined || addressed.length === 0) return null;
  return { needs: (held) => held.map((_, i) => (i === n ? { value: nowhere } : undefined)) };
}

/** An index beyond a dim of this extent, at which a window is skipped; none where the type reaches no further than the dim. */
function outside(dtype: DType, extent: number): number | bigint | undefined {
  const { bits, class: cls } = DTYPES[dtype];
  const highest = 2 ** Math.min(bits, 53) - 1;
  if (cls !== 'signed' && highest < extent) return undefined;
  const index = cls === 'signed' ? -1 : highest;
  return bits === 64 ? BigInt(index) : index;
}

/**
 * A window that does not lie inside as a whole is skipped, as XLA does (scatter_expander.cc) and JAX's modes rely on;
 * StableHLO's own interpreter skips its elements outside.
 */
function scatterKernel(view: OpView<Scatter>, inputs: readonly TensorArray[], ctx: KernelContext): TensorArray[] {
  const { attrs } = view;
  const n = view.results.length;
  const region = view.regions[0] as Block;
  const out = inputs.slice(0, n).map((x) => ({ ...x, data: x.data.slice() }));
  const [first, indices, update] = [out[0] as TensorArray, inputs[n] as TensorArray, inputs[n + 1] as TensorArray];
  const strides = stridesOf(first.shape);
  const batch = batchDims(update.shape.length, attrs.update_window_dims);
  const windowDims = first.shape
    .map((_, d) => d)
    .filter((d) => !attrs.inserted_window_dims.includes(d) && !attrs.input_batching_dims.includes(d));
  const starts = startReader(indices, attrs.index_vector_dim);
  const monoid = n === 1 ? combinerOf(region, firstOf(inputs)) : null;
  const write = writer(out, inputs.slice(n + 1), region, monoid, ctx);
  const extents = first.shape.map(() => 1);
  windowDims.forEach((d, w) => {
    extents[d] = update.shape[attrs.update_window_dims[w] as number] as number;
  });
  forEachIndex(update.shape, (index, flat) => {
    const at = batch.map((d) => index[d] as number);
    const target = new Array<number>(first.shape.length).fill(0);
    attrs.scatter_dims_to_operand_dims.forEach((d, k) => {
      target[d] = starts(at, k);
    });
    attrs.input_batching_dims.forEach((d, b) => {
      target[d] = at[batchPosition(attrs.scatter_indices_batching_dims[b] as number, attrs.index_vector_dim)] as number;
    });
    if (target.some((t, d) => t < 0 || t + (extents[d] as number) > (first.shape[d] as number))) return;
    windowDims.forEach((d, w) => {
      target[d] = (target[d] as number) + (index[attrs.update_window_dims[w] as number] as number);
    });
    write(
      target.reduce((o, t, d) => o + t * (strides[d] as number), 0),
      flat,
    );
  });
  for (const o of out) roundAll(o.dtype, ctx.precision, o.data);
  return out;
}

function writer(
  out: readonly TensorArray[],
  updates: readonly TensorArray[],
  region: Block,
  monoid: Monoid | null,
  ctx: KernelContext,
): (to: number, from: number) => void {
  const [target, source] = [out[0]?.data as Float64Array, updates[0]?.data as Float64Array];
  const wide = (target as Storage) instanceof BigInt64Array || (target as Storage) instanceof BigUint64Array;
  if (monoid !== null && !wide && !isComplex(out[0]?.dtype as DType)) {
    const combine = combineOn(monoid, out[0]?.dtype as DType);
    return (to, from) => {
      target[to] = combine(target[to] as number, source[from] as number);
    };
  }
  return (to, from) => {
    const results = ctx.call(region, [...out.map((x) => laneAt(x, to)), ...updates.map((x) => laneAt(x, from))]);
    results.forEach((r, i) => setLane(out[i] as TensorArray, to, r));
  };
}
