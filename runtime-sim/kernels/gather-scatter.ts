/**
 * gather, and scatter by a known monoid, on stacks: per index vector one block is moved (or combined), where the
 * reference kernels go element by element.
 */
import { type Storage, stridesOf } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { combineOn, regionMonoid } from '../../ir/ops/monoid.ts';
import { roundAll } from '../../ir/ops/rounding.ts';
import { DTYPES, elementCount, type TensorType } from '../../ir/types.ts';
import { room } from '../memory/room.ts';
import { aligned, type Rows } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { offsets, planMove, runMove } from './move.ts';

export const gatherScatterKernels: Readonly<Record<string, StackedKernel>> = { gather, scatter };

/** How windows lie: one per batch position, which is a position of the slices and one of the indices. */
interface Windows {
  /** Of the array that the windows lie in. */
  readonly shape: readonly number[];
  /** Extents and steps of a window, over `dims` of the array: steps in the slices. */
  readonly dims: readonly number[];
  readonly sizes: readonly number[];
  readonly steps: readonly number[];
  /** Per batch position: offset in the slices, of the index vector, and in the array by its batching dims. */
  readonly inSlices: Int32Array;
  readonly inIndices: Int32Array;
  readonly inArray: Int32Array;
  /** Component k of an index vector, `vectorStep` apart, addresses this dim. */
  readonly addressed: readonly number[];
  readonly vectorStep: number;
}

function gather({ view, operands, copies, precision }: StackedCall): Storage {
  const attrs = view.attrs as OpAttrs['gather'];
  const [from, indices] = view.operands as readonly [TensorType, TensorType];
  const to = view.results[0] as TensorType;
  const windows = windowsOf(from.shape, indices.shape, to.shape, {
    vectorDim: attrs.index_vector_dim,
    offsetDims: attrs.offset_dims,
    gone: [...attrs.collapsed_slice_dims, ...attrs.operand_batching_dims],
    arrayBatch: attrs.operand_batching_dims,
    indicesBatch: attrs.start_indices_batching_dims,
    addressed: attrs.start_index_map,
  });
  const [x, starts] = operands as readonly [Rows, Rows];
  const [whole, part, vectors] = [elementCount(from), elementCount(to), elementCount(indices)];
  const out = room(to.dtype, copies * part, precision);
  const strides = stridesOf(from.shape);
  const move = planMove(
    windows.sizes,
    windows.dims.map((d) => strides[d] as number),
    windows.steps,
  );
  const limits = windows.addressed.map((d) => (from.shape[d] as number) - (attrs.slice_sizes[d] as number));
  const { data } = starts.stack;
  for (let c = 0; c < copies; c++) {
    const [source, index] = [(x.of?.[c] ?? c) * whole, (starts.of?.[c] ?? c) * vectors];
    for (let b = 0; b < windows.inSlices.length; b++) {
      let at = source + (windows.inArray[b] as number);
      const vector = index + (windows.inIndices[b] as number);
      windows.addressed.forEach((d, k) => {
        const start = Number(data[vector + k * windows.vectorStep]);
        at += Math.min(Math.max(start, 0), limits[k] as number) * (strides[d] as number);
      });
      runMove(move, x.stack.data, at, out, c * part + (windows.inSlices[b] as number));
    }
  }
  return out;
}

function scatter({ view, operands, copies, precision }: StackedCall): Storage | undefined {
  const monoid = view.results.length === 1 ? regionMonoid(view.regions[0]) : null;
  const [to, indices, updates] = view.operands as readonly [TensorType, TensorType, TensorType];
  if (monoid === null || DTYPES[to.dtype].bits > 32) return undefined;
  const attrs = view.attrs as OpAttrs['scatter'];
  const windows = windowsOf(to.shape, indices.shape, updates.shape, {
    vectorDim: attrs.index_vector_dim,
    offsetDims: attrs.update_window_dims,
    gone: [...attrs.inserted_window_dims, ...attrs.input_batching_dims],
    arrayBatch: attrs.input_batching_dims,
    indicesBatch: attrs.scatter_indices_batching_dims,
    addressed: attrs.scatter_dims_to_operand_dims,
  });
  const [x, starts, patch] = operands as readonly [Rows, Rows, Rows];
  const [whole, part, vectors] = [elementCount(to), elementCount(updates), elementCount(indices)];
  const out = room(to.dtype, copies * whole, precision) as Float64Array;
  out.set(aligned(x).data as Float64Array);
  const add = adder(windows, combineOn(monoid, to.dtype), patch.stack.data as Float64Array, out);
  const first = new Array<number>(to.shape.length);
  for (let c = 0; c < copies; c++) {
    const [source, index] = [(patch.of?.[c] ?? c) * part, (starts.of?.[c] ?? c) * vectors];
    for (let b = 0; b < windows.inSlices.length; b++) {
      first.fill(0);
      const vector = index + (windows.inIndices[b] as number);
      windows.addressed.forEach((d, k) => {
        first[d] = Number(starts.stack.data[vector + k * windows.vectorStep]);
      });
      add(first, source + (windows.inSlices[b] as number), c * whole + (windows.inArray[b] as number));
    }
  }
  return roundAll(to.dtype, precision, out);
}

type Add = (first: readonly number[], from: number, to: number) => void;

/** Combines a window of updates, from an offset on, with the array where the window starts, unless it reaches out. */
function adder(
  windows: Windows,
  combine: (a: number, b: number) => number,
  from: Float64Array,
  out: Float64Array,
): Add {
  const { shape, dims, sizes, steps } = windows;
  const strides = stridesOf(shape);
  const last = dims.length - 1;
  const [run, step] = [sizes[last] ?? 1, steps[last] ?? 1];
  const stride = strides[dims[last] ?? 0] ?? 1;
  const outer = sizes.slice(0, -1);
  const inSlices = offsets(outer, steps);
  const inArray = offsets(
    outer,
    dims.map((d) => strides[d] as number),
  );
  const highest = shape.map((n, d) => n - (dims.includes(d) ? (sizes[dims.indexOf(d)] as number) : 1));
  return (first, from0, to0) => {
    if (first.some((f, d) => f < 0 || f > (highest[d] as number))) return;
    const base = first.reduce((o, f, d) => o + f * (strides[d] as number), to0);
    for (let row = 0; row < inSlices.length; row++) {
      let [a, o] = [from0 + (inSlices[row] as number), base + (inArray[row] as number)];
      for (let i = 0; i < run; i++, a += step, o += stride) out[o] = combine(out[o] as number, from[a] as number);
    }
  };
}

interface WindowDims {
  readonly vectorDim: number;
  readonly offsetDims: readonly number[];
  /** Dims of the array that a window has no dim for. */
  readonly gone: readonly number[];
  readonly arrayBatch: readonly number[];
  readonly indicesBatch: readonly number[];
  readonly addressed: readonly number[];
}

function windowsOf(
  array: readonly number[],
  indices: readonly number[],
  slices: readonly number[],
  { vectorDim, offsetDims, gone, arrayBatch, indicesBatch, addressed }: WindowDims,
): Windows {
  const [inArray, inIndices, inSlices] = [stridesOf(array), stridesOf(indices), stridesOf(slices)];
  const sliceBatch = slices.map((_, d) => d).filter((d) => !offsetDims.includes(d));
  const indexBatch = indices.map((_, d) => d).filter((d) => d !== vectorDim);
  const sizes = sliceBatch.map((d) => slices[d] as number);
  const steps = (of: (dim: number, batch: number) => number): Int32Array => offsets(sizes, sliceBatch.map(of));
  return {
    shape: array,
    dims: array.map((_, d) => d).filter((d) => !gone.includes(d)),
    sizes: offsetDims.map((d) => slices[d] as number),
    steps: offsetDims.map((d) => inSlices[d] as number),
    inSlices: steps((d) => inSlices[d] as number),
    inIndices: steps((_, b) => inIndices[indexBatch[b] as number] as number),
    inArray: steps((_, b) => inArray[arrayBatch[indicesBatch.indexOf(indexBatch[b] as number)] ?? -1] ?? 0),
    addressed,
    vectorStep: inIndices[vectorDim] ?? 0,
  };
}
