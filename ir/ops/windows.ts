/** reduce_window (StableHLO spec): windows sliding over a padded, dilated operand. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder, type FactorRule } from '../factors.ts';
import { type DilatedWindow, dilatedWindow, reach } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { defineOp, InferError, type KernelContext, type LocalShapes, type OpView, passes } from '../op.ts';
import type { Block } from '../program.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { lanes } from './lanes.ts';
import { regionMonoid } from './monoid.ts';
import type { PadRule } from '../padding.ts';
import { forEachIndex } from './strided.ts';

type ReduceWindow = OpAttrs['reduce_window'];

/** `windows` of a dim of `size` elements with `dilation - 1` holes between neighbours and this padding. */
export function windowCount(
  size: number,
  dilation: number,
  low: number,
  high: number,
  window: number,
  windowDilation: number,
  stride: number,
): number {
  if ([dilation, windowDilation, stride].some((n) => n < 1) || window < 0)
    throw new InferError(
      `a window of ${window}, its stride ${stride}, dilations ${dilation} and ${windowDilation}: strides and dilations are from 1`,
    );
  const padded = low + (size === 0 ? 0 : (size - 1) * dilation + 1) + high;
  const reach = window === 0 ? 0 : (window - 1) * windowDilation + 1;
  return padded <= 0 || reach > padded ? 0 : Math.floor((padded - reach) / stride) + 1;
}

const at = (list: readonly number[], d: number): number => list[d] as number;

export const reduceWindow = defineOp<ReduceWindow>({
  kind: 'reduce_window',
  infer({ operands, attrs }) {
    const n = operands.length / 2;
    if (!Number.isInteger(n) || n === 0) throw new InferError('reduce_window takes as many start values as inputs');
    return operands.slice(0, n).map((t) => {
      checkRanks('reduce_window', t, [
        attrs.window_dimensions,
        attrs.window_strides,
        attrs.base_dilations,
        attrs.window_dilations,
        attrs.pad_low,
        attrs.pad_high,
      ]);
      return tensor(
        t.dtype,
        t.shape.map((size, d) =>
          windowCount(
            size,
            at(attrs.base_dilations, d),
            at(attrs.pad_low, d),
            at(attrs.pad_high, d),
            at(attrs.window_dimensions, d),
            at(attrs.window_dilations, d),
            at(attrs.window_strides, d),
          ),
        ),
      );
    });
  },
  /** Base dilations move elements apart: unlike Shardy, such a dim is not passed through. */
  factors({ operands, results, attrs }) {
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      results.map((t) => t.shape.length),
    );
    (results[0] as TensorType).shape.forEach((size, d) => {
      const trivial = isAlone(attrs, d);
      rule.add(
        operands.map((_, i) => (i < results.length ? d : null)),
        results.map(() => d),
        size,
        trivial ? 'pass' : 'permute',
      );
    });
    return rule.build();
  },
  halo({ operands, results, attrs }, d, shards) {
    if (isAlone(attrs, d)) return [];
    const elements = receivedBy(
      reducedWindow(attrs, results[0] as TensorType, d, shards),
      shards,
      at((operands[0] as TensorType).shape, d),
    );
    return elements === null ? null : operands.map((_, i) => (i < results.length ? elements : 0));
  },
  kernel: (view, inputs, ctx) => reduceWindows(view, inputs, ctx),
  padRule: windowPadding,
  padAttrs: paddedWindows,
  linearity: ({ regions, results }) => (results.length === 1 && regionMonoid(regions[0]) === 'sum' ? [[0, 1]] : []),
  flops: ({ results, attrs }) =>
    elementCount(results[0] as TensorType) * results.length * attrs.window_dimensions.reduce((n, w) => n * w, 1),
});

/**
 * As much padding at the end as the longer result needs. A scan's window, over all elements before or after, grows with
 * the dim, so that it stays one: no true result sees more.
 */
function paddedWindows(view: OpView<ReduceWindow>, { operands, results }: LocalShapes): ReduceWindow {
  const { attrs } = view;
  const dims = attrs.window_dimensions.map((window, d) => {
    const [low, high] = [at(attrs.pad_low, d), at(attrs.pad_high, d)];
    const [size, count] = [at((operands[0] as TensorType).shape, d), at((results[0] as TensorType).shape, d)];
    if (size === view.operands[0]?.shape[d] && count === view.results[0]?.shape[d]) return { window, low, high };
    const scan = scanAlong(view.attrs, view.operands[0]?.shape ?? [], d);
    if (scan !== null && size === count)
      return scan === 'forward' ? { window: size, low: size - 1, high: 0 } : { window: size, low: 0, high: size - 1 };
    const taken = { count, stride: at(attrs.window_strides, d), size: window, dilation: at(attrs.window_dilations, d) };
    return { window, low, high: reach(taken) - low - dilated(size, at(attrs.base_dilations, d)) };
  });
  return {
    ...attrs,
    window_dimensions: dims.map((d) => d.window),
    pad_low: dims.map((d) => d.low),
    pad_high: dims.map((d) => d.high),
  };
}

/** The one dim along which elements meet, where it is scanned: cumsum, cumprod and their like. */
export function scanOf(attrs: ReduceWindow, shape: readonly number[]): Scan | undefined {
  const [dim, ...more] = shape.flatMap((_, d) => (isAlone(attrs, d) ? [] : [d]));
  const direction = dim === undefined || more.length > 0 ? null : scanAlong(attrs, shape, dim);
  return dim === undefined || direction === null ? undefined : { dim, direction };
}

export interface Scan {
  readonly dim: number;
  readonly direction: 'forward' | 'reverse';
}

/** Along this dim every element stays by itself. */
const isAlone = (attrs: ReduceWindow, d: number): boolean => isTrivialWindow(attrs, d) && attrs.base_dilations[d] === 1;

/** Is it, along this dim, a window over all that comes before (or after) an element? */
function scanAlong(attrs: ReduceWindow, shape: readonly number[], d: number): Scan['direction'] | null {
  const size = shape[d];
  const plain = [attrs.window_strides, attrs.base_dilations, attrs.window_dilations].every((list) => list[d] === 1);
  if (size === undefined || !plain || attrs.window_dimensions[d] !== size) return null;
  const [low, high] = [attrs.pad_low[d], attrs.pad_high[d]];
  if (low === size - 1 && high === 0) return 'forward';
  return low === 0 && high === size - 1 ? 'reverse' : null;
}

const dilated = (size: number, dilation: number): number => (size === 0 ? 0 : (size - 1) * dilation + 1);

/** Windows that reach beyond the operand read start values there, which its padding must then hold. */
function windowPadding(
  { attrs, operands, results }: OpView<ReduceWindow>,
  d: number,
  rule: FactorRule,
): PadRule | null {
  if (passes(rule, d)) return {};
  const n = results.length;
  if (attrs.window_dimensions[d] === 0 || results[0]?.shape[d] === 0 || operands[0]?.shape[d] === 0) return null;
  const beyond = at(attrs.pad_high, d) > 0;
  return {
    apart: 'all',
    needs(held) {
      const starts = held.slice(n);
      return !beyond ? [] : starts.every((s) => typeof s === 'object') ? starts : null;
    },
  };
}

/** What a shard of the windows along a dim reads of the operand; null = they do not divide, or start between elements. */
export function reducedWindow(
  attrs: ReduceWindow,
  result: TensorType,
  d: number,
  shards: number,
): DilatedWindow | null {
  const [count, stride] = [at(result.shape, d) / shards, at(attrs.window_strides, d)];
  if (!Number.isInteger(count) || count === 0 || at(attrs.window_dimensions, d) === 0) return null;
  const width = reach({ count, stride, size: at(attrs.window_dimensions, d), dilation: at(attrs.window_dilations, d) });
  return dilatedWindow(count * stride, at(attrs.pad_low, d), width, at(attrs.base_dilations, d));
}

/** Windows of one element at unpadded, consecutive positions. */
export const isTrivialWindow = (attrs: OpAttrs['select_and_scatter'], d: number): boolean =>
  attrs.pad_low[d] === 0 &&
  attrs.pad_high[d] === 0 &&
  attrs.window_strides[d] === 1 &&
  attrs.window_dimensions[d] === 1;

export function checkRanks(kind: string, type: TensorType, lists: readonly (readonly number[])[]): void {
  if (lists.some((l) => l.length !== type.shape.length))
    throw new InferError(`${kind} needs one window extent, stride, dilation and padding per dim of ${typeText(type)}`);
}

/** One region call per position within the window, on vectors over all windows. */
function reduceWindows(view: OpView<ReduceWindow>, inputs: readonly TensorArray[], ctx: KernelContext): TensorArray[] {
  const { attrs, results } = view;
  const n = results.length;
  const { shape } = results[0] as TensorType;
  const source = (inputs[0] as TensorArray).shape;
  const strides = stridesOf(source);
  const count = elementCount(results[0] as TensorType);
  const starts = inputs.slice(n);
  let sums = starts.map((init) => lanes(init, new Int32Array(count).fill(-1), init));
  const offsets = new Int32Array(count);
  /** Where window `index` of a dim reads; NaN: beyond the operand, or between its elements. */
  const read = (index: number, position: number, d: number): number => {
    const p = index * at(attrs.window_strides, d) + position * at(attrs.window_dilations, d) - at(attrs.pad_low, d);
    const i = p / at(attrs.base_dilations, d);
    return i < 0 || i >= at(source, d) || !Number.isInteger(i) ? Number.NaN : i * at(strides, d);
  };
  forEachIndex(attrs.window_dimensions, (position) => {
    const reads = shape.map((extent, d) =>
      Float64Array.from({ length: extent }, (_, i) => read(i, at(position, d), d)),
    );
    forEachIndex(shape, (index, flat) => {
      let offset = 0;
      for (let d = 0; d < index.length; d++) offset += (reads[d] as Float64Array)[at(index, d)] as number;
      offsets[flat] = Number.isNaN(offset) ? -1 : offset;
    });
    sums = ctx.call(view.regions[0] as Block, [
      ...sums,
      ...inputs.slice(0, n).map((x, i) => lanes(x, offsets, starts[i] as TensorArray)),
    ]);
  });
  return sums.map((s) => ({ ...s, shape }));
}
