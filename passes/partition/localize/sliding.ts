/**
 * pad, slice and reduce_window on sharded dims: each device gets the window of the operand that its shard of the result
 * reads, and works on it with its own limits.
 *
 *   %1 = slice %0 [2:10:1] @{x}      // 16 elements, x=2: the second device reads [6:10), of which it holds [8:16)
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import type { DilatedWindow } from '../../../ir/halo.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { padWindow } from '../../../ir/ops/pad.ts';
import { sliceWindow } from '../../../ir/ops/shaping.ts';
import { reducedWindow } from '../../../ir/ops/windows.ts';
import type { ValueId } from '../../../ir/program.ts';
import { type TensorType, withShape } from '../../../ir/types.ts';
import { exchangeDilated, neededEnd } from './halo.ts';
import { resized } from './parts.ts';
import type { Emitter, Localizer, Site } from './localizer.ts';

export const localizeSlice: Localizer = (site) => {
  const attrs = site.op.attrs as unknown as OpAttrs['slice'];
  const [start, limit] = [[...attrs.start], [...attrs.limit]];
  const value = widened(
    site,
    0,
    (result, d, shards) => sliceWindow(attrs, result, d, shards),
    (d, { window }) => {
      start[d] = 0;
      limit[d] = window.width;
    },
  );
  return [site.emit.op('slice', [value], site.localResults[0] as TensorType, { ...site.attrs, start, limit })];
};

export const localizePad: Localizer = (site) => {
  const attrs = site.op.attrs as unknown as OpAttrs['pad'];
  const [low, high, interior] = [[...attrs.low], [...attrs.high], [...attrs.interior]];
  const fill = site.operands[1] as ValueId;
  const value = widened(
    site,
    0,
    (result, d, shards) => padWindow(attrs, result, d, shards, passedOver(site, d)),
    (d, need) => {
      low[d] = need.padLow;
      high[d] = need.padHigh + passedOver(site, d);
      if (need.between !== undefined) interior[d] = 0;
    },
    fill,
  );
  const cropped = crop(site.emit, value, low, high, interior);
  const padded = { ...site.attrs, low, high, interior };
  return [site.emit.op('pad', [cropped, fill], site.localResults[0] as TensorType, padded)];
};

/** Elements at the end of every shard of the result that its readers do not take: they slice it with strides. */
function passedOver({ readers, resultTypes }: Site, d: number): number {
  const extent = resultTypes[0]?.shape[d] as number;
  const skipped = (readers[0] ?? []).map(({ kind, attrs }) => {
    if (kind !== 'slice') return 0;
    const { start, limit, strides } = attrs as unknown as OpAttrs['slice'];
    const by = strides[d] as number;
    return start[d] === 0 && limit[d] === extent && extent % by === 0 ? by - 1 : 0;
  });
  return skipped.length === 0 ? 0 : Math.min(...skipped);
}

/**
 * Negative edges without holes become a slice, and 0 in `low` and `high`: XLA's CPU compiler folds a pad into the
 * reduce_window after it, and gets negative edges wrong.
 */
function crop(emit: Emitter, value: ValueId, low: number[], high: number[], interior: readonly number[]): ValueId {
  const type = emit.typeOf(value);
  const start = type.shape.map((n, d) => (interior[d] === 0 ? Math.min(n, Math.max(0, -(low[d] as number))) : 0));
  const limit = type.shape.map((n, d) =>
    interior[d] === 0 ? Math.max(start[d] as number, Math.min(n, n + (high[d] as number))) : n,
  );
  if (type.shape.every((n, d) => start[d] === 0 && limit[d] === n)) return value;
  type.shape.forEach((n, d) => {
    low[d] = (low[d] as number) + (start[d] as number);
    high[d] = (high[d] as number) + n - (limit[d] as number);
  });
  const cut = withShape(
    type,
    limit.map((l, d) => l - (start[d] as number)),
  );
  return emit.op('slice', [value], cut, { start, limit, strides: start.map(() => 1) });
}

export const localizeReduceWindow: Localizer = (site) => {
  const attrs = site.op.attrs as unknown as OpAttrs['reduce_window'];
  const [pad_low, pad_high, base_dilations] = [[...attrs.pad_low], [...attrs.pad_high], [...attrs.base_dilations]];
  const n = site.localResults.length;
  const starts = site.operands.slice(n);
  const values = starts.map((fill, i) =>
    widened(
      site,
      i,
      (result, d, shards) => reducedWindow(attrs, result, d, shards),
      (d, need) => {
        pad_low[d] = need.padLow;
        pad_high[d] = need.padHigh;
        if (need.between !== undefined) base_dilations[d] = 1;
      },
      fill,
    ),
  );
  return site.emit.ops(
    'reduce_window',
    [...values, ...starts],
    site.localResults,
    { ...site.attrs, pad_low, pad_high, base_dilations },
    site.regions,
  );
};

/** The operand with every dim that is sharded and not passed through replaced by the device's window of it. */
function widened(
  site: Site,
  operand: number,
  windowOf: (result: TensorType, d: number, shards: number) => DilatedWindow | null,
  narrow: (d: number, need: DilatedWindow) => void,
  fill?: ValueId,
): ValueId {
  const layout = site.operandLayouts[operand] as Layout;
  const result = site.resultTypes[0] as TensorType;
  return layout.dims.reduce((value, _, d) => {
    const axes = dimAxes(layout, d);
    const empty = site.operandTypes[operand]?.shape[d] === 0 && result.shape[d] === 0;
    if (axes.length === 0 || empty) return value;
    const need = windowOf(result, d, axesSize(axes));
    if (need === null) throw internalError(`localize: ${site.op.kind} is split where its windows do not align`);
    narrow(d, need);
    const end = neededEnd(site.resultPadding[0]?.[d], (size) => windowOf(resized(result, d, size), d, 1));
    return exchangeDilated(site.emit, value, { dim: d, axes }, need, { fill, end });
  }, site.operands[operand] as ValueId);
}
