/** select_and_scatter (StableHLO spec): each window chooses an element, and its source element is scattered there. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { type AffineWindow, windowStart } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { identityOf } from '../monoid.ts';
import { defineOp, InferError, type KernelContext, type OpView, passes } from '../op.ts';
import type { PadRule } from '../padding.ts';
import type { Block } from '../program.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { laneAt, lanes, setLane } from './lanes.ts';
import { regionMonoid } from './monoid.ts';
import { forEachIndex } from './strided.ts';
import { checkRanks, isTrivialWindow, windowCount } from './windows.ts';

type SelectAndScatter = OpAttrs['select_and_scatter'];

const at = (list: readonly number[], d: number): number => list[d] as number;

/** Operands: operand, source, init; regions: select(a, b) -> pred keeps a, scatter(old, new). */
export const selectAndScatter = defineOp<SelectAndScatter>({
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
  // Not apart: the result is as long as the operand.
  if (at(attrs.pad_high, d) <= 0) return {};
  const fills = neverChosen(regions[0], type);
  return fills === null ? null : { needs: () => [{ value: fills.after }] };
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
