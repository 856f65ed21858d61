/** reduce_window and select_and_scatter (StableHLO spec): windows sliding over a padded, dilated operand. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder, type FactorRule } from '../factors.ts';
import { type AffineWindow, type DilatedWindow, dilatedWindow, reach, receivedBy, windowStart } from '../halo.ts';
import { identityOf } from '../monoid.ts';
import { type AnyOpDef, defineOp, InferError, type KernelContext, type OpView, passes } from '../op.ts';
import type { Block } from '../program.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { laneAt, lanes, setLane } from './lanes.ts';
import { regionMonoid } from './monoid.ts';
import type { PadRule } from '../padding.ts';
import { forEachIndex } from './strided.ts';

type ReduceWindow = OpAttrs['reduce_window'];
type SelectAndScatter = OpAttrs['select_and_scatter'];

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
  const padded = low + (size === 0 ? 0 : (size - 1) * dilation + 1) + high;
  const reach = window === 0 ? 0 : (window - 1) * windowDilation + 1;
  return padded <= 0 || reach > padded ? 0 : Math.floor((padded - reach) / stride) + 1;
}

const at = (list: readonly number[], d: number): number => list[d] as number;

const reduceWindow = defineOp<ReduceWindow>({
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
      const trivial = isTrivialWindow(attrs, d) && attrs.base_dilations[d] === 1;
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
    if (isTrivialWindow(attrs, d) && attrs.base_dilations[d] === 1) return [];
    const elements = receivedBy(
      reducedWindow(attrs, results[0] as TensorType, d, shards),
      shards,
      at((operands[0] as TensorType).shape, d),
    );
    return elements === null ? null : operands.map((_, i) => (i < results.length ? elements : 0));
  },
  kernel: (view, inputs, ctx) => reduceWindows(view, inputs, ctx),
  padRule: windowPadding,
  /** As much padding at the end as the longer result needs. */
  padAttrs: ({ attrs, operands, results }, padded) => ({
    ...attrs,
    pad_high: (padded.results[0] as TensorType).shape.map((count, d) => {
      const size = at((padded.operands[0] as TensorType).shape, d);
      if (size === operands[0]?.shape[d] && count === results[0]?.shape[d]) return at(attrs.pad_high, d);
      const taken = {
        count,
        stride: at(attrs.window_strides, d),
        size: at(attrs.window_dimensions, d),
        dilation: at(attrs.window_dilations, d),
      };
      return reach(taken) - at(attrs.pad_low, d) - dilated(size, at(attrs.base_dilations, d));
    }),
  }),
  linearity: ({ regions, results }) => (results.length === 1 && regionMonoid(regions[0]) === 'sum' ? [[0, 1]] : []),
  flops: ({ results, attrs }) =>
    elementCount(results[0] as TensorType) * results.length * attrs.window_dimensions.reduce((n, w) => n * w, 1),
});

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
export const isTrivialWindow = (attrs: SelectAndScatter, d: number): boolean =>
  attrs.pad_low[d] === 0 &&
  attrs.pad_high[d] === 0 &&
  attrs.window_strides[d] === 1 &&
  attrs.window_dimensions[d] === 1;

function checkRanks(kind: string, type: TensorType, lists: readonly (readonly number[])[]): void {
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
  forEachIndex(attrs.window_dimensions, (position) => {
    forEachIndex(shape, (index, flat) => {
      let offset = 0;
      for (let d = 0; d < index.length; d++) {
        const p =
          at(index, d) * at(attrs.window_strides, d) +
          at(position, d) * at(attrs.window_dilations, d) -
          at(attrs.pad_low, d);
        const i = p / at(attrs.base_dilations, d);
        if (i < 0 || i >= at(source, d) || !Number.isInteger(i)) offset = Number.NaN;
        else offset += i * at(strides, d);
      }
      offsets[flat] = Number.isNaN(offset) ? -1 : offset;
    });
    sums = ctx.call(view.regions[0] as Block, [
      ...sums,
      ...inputs.slice(0, n).map((x, i) => lanes(x, offsets, starts[i] as TensorArray)),
    ]);
  });
  return sums.map((s) => ({ ...s, shape }));
}

/** Operands: operand, source, init; regions: select(a, b) -> pred keeps a, scatter(old, new). */
const selectAndScatter = defineOp<SelectAndScatter>({
  kind: 'select_and_scatter',
  infer({ operands, attrs }) {
    const [type, source] = operands;
    if (type === undefined || source === undefined || operands.length !== 3)
      throw new InferError('select_and_scatter takes an operand, a source and a start value');
    checkRanks('select_and_scatter', type, [
      attrs.window_dimensions,
      attrs.window_strides,
      attrs.pad_low,
      attrs.pad_high,
    ]);
    const windows = type.shape.map((size, d) =>
      windowCount(
        size,
        1,
        at(attrs.pad_low, d),
        at(attrs.pad_high, d),
        at(attrs.window_dimensions, d),
        1,
        at(attrs.window_strides, d),
      ),
    );
    if (tensor(source.dtype, windows) !== source)
      throw new InferError(
        `select_and_scatter needs one source element per window: [${windows.join(',')}], got ${typeText(source)}`,
      );
    return [type];
  },
  factors({ operands, attrs }) {
    const [type, source] = operands as readonly [TensorType, TensorType];
    const rank = type.shape.length;
    const rule = new RuleBuilder([rank, rank, 0], [rank]);
    type.shape.forEach((size, d) => {
      if (isTrivialWindow(attrs, d)) rule.add([d, d, null], [d], size);
      else
        rule.add([null, d, null], [null], at(source.shape, d), 'replicate').add([d, null, null], [d], size, 'permute');
    });
    return rule.build();
  },
  /** A dim's operand, source and result in the same shards. */
  split({ operands, attrs }) {
    const [type, source] = operands as readonly [TensorType, TensorType];
    const rank = type.shape.length;
    const rule = new RuleBuilder([rank, rank, 0], [rank]);
    type.shape.forEach((size, d) =>
      rule.add(
        [d, d, null],
        [d],
        isTrivialWindow(attrs, d) ? size : Math.max(size, at(source.shape, d)),
        isTrivialWindow(attrs, d) ? 'pass' : 'permute',
      ),
    );
    return rule.build();
  },
  halo(view, d, shards) {
    if (isTrivialWindow(view.attrs, d)) return [];
    const [type, source] = view.operands as readonly [TensorType, TensorType];
    const need = scatteredWindows(view, d, shards);
    if (need === null) return null;
    const received = (window: AffineWindow, size: number): number | null =>
      receivedBy({ window, padLow: 0, padHigh: 0 }, shards, size);
    const elements = [received(need.operand, at(type.shape, d)), received(need.source, at(source.shape, d))];
    return elements.every((n) => n !== null) ? [...elements, 0] : null;
  },
  kernel: (view, inputs, ctx) => [selectThenScatter(view, inputs, ctx)],
  padRule: scatterPadding,
  padAttrs: ({ attrs, operands }, padded) => ({
    ...attrs,
    pad_high: attrs.pad_high.map((high, d) => {
      const [size, windows] = padded.operands.map((t) => at(t.shape, d)) as [number, number];
      if (operands.every((t, i) => t.shape[d] === padded.operands[i]?.shape[d])) return high;
      const [stride, length] = [at(attrs.window_strides, d), at(attrs.window_dimensions, d)];
      return isTrivialWindow(attrs, d) ? high : (windows - 1) * stride + length - at(attrs.pad_low, d) - size;
    }),
  }),
  flops: ({ operands, attrs }) =>
    elementCount(operands[1] as TensorType) * attrs.window_dimensions.reduce((n, w) => n * w, 1),
});

/** Windows that there truly are not scatter nothing; elements that there are not are never chosen. */
function scatterPadding(
  { attrs, operands, regions }: OpView<SelectAndScatter>,
  f: number,
  rule: FactorRule,
): PadRule | null {
  if (passes(rule, f)) return {};
  const [type] = operands as readonly [TensorType];
  const d = [0, 1].flatMap((i) => rule.operands[i]?.findIndex((held) => held.includes(f)) ?? -1).find((i) => i >= 0);
  const monoid = regionMonoid(regions[1]);
  if (d === undefined || monoid === null || at(attrs.window_dimensions, d) === 0) return null;
  if (operands.some((t) => t.shape[d] === 0)) return null;
  if (rule.operands[1]?.[d]?.includes(f) === true)
    return { apart: 'all', needs: () => [undefined, { value: identityOf(monoid, type.dtype) }] };
  if (at(attrs.pad_high, d) <= 0) return { apart: 'all' };
  const fills = neverChosen(regions[0], type);
  return fills === null ? null : { apart: 'all', needs: () => [{ value: fills.after }] };
}

/** What a shard of a select_and_scatter works on. */
export interface ScatteredWindows {
  /** All windows that touch the shard. */
  readonly source: AffineWindow;
  /** The operand that they cover, from the earliest place at which any shard's first window starts. */
  readonly operand: AffineWindow;
  /** Elements that the windows cover. */
  readonly width: number;
  /** Elements before the shard that its first window covers: `before` and `phase`, the place of the shard in its window. */
  readonly before: number;
  readonly phase: AffineWindow;
  /** The largest phase of a shard. */
  readonly latest: number;
  /** Do all shards start at the same phase? */
  readonly aligned: boolean;
}

/**
 * Null where the scatter's neutral element is not known, or windows reach into padding and it is not known what would
 * never be chosen.
 *
 *   shards of 5, windows of 3, stride 2: those that touch [5, 10) start at 4, 6 and 8, the first one before the shard
 */
export function scatteredWindows(
  { attrs, operands, regions }: OpView<SelectAndScatter>,
  d: number,
  shards: number,
): ScatteredWindows | null {
  const [type] = operands as readonly [TensorType];
  const extent = at(type.shape, d) / shards;
  const [size, stride, low] = [at(attrs.window_dimensions, d), at(attrs.window_strides, d), at(attrs.pad_low, d)];
  if (!Number.isInteger(extent) || extent === 0 || size === 0 || regionMonoid(regions[1]) === null) return null;
  const padded = low > 0 || at(attrs.pad_high, d) > 0;
  if (padded && neverChosen(regions[0], type) === null) return null;
  const before = Math.max(size - stride, 0);
  const phase = { step: extent, start: low - before, per: stride, width: 0 };
  let [windows, latest, least] = [0, 0, stride];
  for (let i = 0; i < shards; i++) {
    const first = windowStart(phase, i);
    const late = extent * i + phase.start - first * stride;
    windows = Math.max(windows, Math.floor((extent * (i + 1) - 1 + low) / stride) - first + 1);
    [latest, least] = [Math.max(latest, late), Math.min(least, late)];
  }
  const width = Math.max((windows - 1) * stride + size, extent + before + latest);
  const operand = { step: extent, start: -before - latest, width: width + latest - least };
  const source = { ...phase, width: windows };
  return { source, operand, width, before, phase, latest, aligned: latest === least };
}

/**
 * What `a >= b ? a : b` never chooses beside a number: before it NaN, which gives way, after it -∞, which does not win.
 * Null for other regions and for types without them.
 */
export function neverChosen(
  select: Block | undefined,
  { dtype }: TensorType,
): { before: number; after: number } | null {
  const [compare, end] = select?.ops ?? [];
  const plain =
    compare?.kind === 'compare' &&
    end?.operands[0] === compare.results[0] &&
    compare.operands.every((v, i) => v === select?.params[i]) &&
    compare.attrs.compare_type !== 'TOTALORDER' &&
    (dtype === 'f32' || dtype === 'f64' || dtype === 'bf16' || dtype === 'f16');
  if (!plain) return null;
  if (compare.attrs.direction === 'GE') return { before: Number.NaN, after: Number.NEGATIVE_INFINITY };
  return compare.attrs.direction === 'LE' ? { before: Number.NaN, after: Number.POSITIVE_INFINITY } : null;
}

function selectThenScatter(
  view: OpView<SelectAndScatter>,
  inputs: readonly TensorArray[],
  ctx: KernelContext,
): TensorArray {
  const { attrs, regions } = view;
  const [x, source, init] = inputs as readonly [TensorArray, TensorArray, TensorArray];
  const strides = stridesOf(x.shape);
  const windows = source.shape.reduce((n, s) => n * s, 1);
  const [best, offsets] = [new Int32Array(windows).fill(-1), new Int32Array(windows)];
  forEachIndex(attrs.window_dimensions, (position) => {
    forEachIndex(source.shape, (index, flat) => {
      const place = index.map((i, d) => i * at(attrs.window_strides, d) + at(position, d) - at(attrs.pad_low, d));
      const inside = place.every((p, d) => p >= 0 && p < at(x.shape, d));
      offsets[flat] = inside ? place.reduce((o, p, d) => o + p * at(strides, d), 0) : -1;
    });
    const kept = ctx.call(regions[0] as Block, [lanes(x, best, init), lanes(x, offsets, init)])[0]?.data as Uint8Array;
    for (let i = 0; i < best.length; i++)
      if (offsets[i] !== -1 && (best[i] === -1 || kept[i] === 0)) best[i] = offsets[i] as number;
  });
  const result = lanes(x, new Int32Array(elementCount(tensor(x.dtype, x.shape))).fill(-1), init);
  best.forEach((to, i) => {
    if (to === -1) return;
    const [sum] = ctx.call(regions[1] as Block, [laneAt(result, to), laneAt(source, i)]);
    setLane(result, to, sum as TensorArray);
  });
  return { ...result, shape: x.shape };
}

const defs: readonly AnyOpDef[] = [reduceWindow, selectAndScatter];
export const windowOps: Readonly<Record<string, AnyOpDef>> = Object.fromEntries(defs.map((d) => [d.kind, d]));
