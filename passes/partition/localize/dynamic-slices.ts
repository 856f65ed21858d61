/**
 * dynamic_slice and dynamic_update_slice along sharded dims. A shard is widened by the slice's size on both sides, so
 * that the clamped global start, counted from the shard, always falls inside: what lies in the margin is another's.
 *
 *   slice: zeros in the margin; devices give the elements they hold and zeros for the rest, and a sum is owed
 *   update: written into the widened shard, whose margin is then cut off
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType, withShape } from '../../../ir/types.ts';
import type { Emitter, Localizer, Site } from './localizer.ts';

export const localizeDynamicSlice: Localizer = (site) => {
  const { emit, operands } = site;
  const [type] = site.localResults as readonly [TensorType];
  const whole = (site.resultTypes[0] as TensorType).shape;
  const margins = margin(site, (d) => whole[d] as number);
  const wide = widen(emit, operands[0] as ValueId, margins);
  const starts = startsInShard(site, operands.slice(1), margins);
  return [
    emit.op('dynamic_slice', [wide, ...starts], type, {
      ...site.attrs,
      sizes: type.shape,
    } satisfies OpAttrs['dynamic_slice']),
  ];
};

export const localizeDynamicUpdateSlice: Localizer = (site) => {
  const { emit, operands } = site;
  const [x, update] = operands as readonly [ValueId, ValueId];
  const type = emit.typeOf(x);
  const whole = (site.operandTypes[1] as TensorType).shape;
  const margins = margin(site, (d) => whole[d] as number);
  const wide = widen(emit, x, margins);
  const starts = startsInShard(site, operands.slice(2), margins);
  const written = emit.op('dynamic_update_slice', [wide, update, ...starts], emit.typeOf(wide));
  if (margins.every((m) => m === 0)) return [written];
  const limit = margins.map((m, d) => m + (type.shape[d] as number));
  return [emit.op('slice', [written], type, { start: margins, limit, strides: margins.map(() => 1) })];
};

/** Per dim: the slice's extent where the dim is sharded and not taken whole, else 0. */
function margin(site: Site, extent: (d: number) => number): number[] {
  const layout = site.operandLayouts[0] as Layout;
  const { shape } = site.operandTypes[0] as TensorType;
  return shape.map((size, d) => (dimAxes(layout, d).length > 0 && extent(d) !== size ? extent(d) : 0));
}

function widen(emit: Emitter, value: ValueId, margins: readonly number[]): ValueId {
  if (margins.every((m) => m === 0)) return value;
  const type = emit.typeOf(value);
  const zero = emit.zero(tensor(type.dtype, []));
  const wide = withShape(
    type,
    type.shape.map((n, d) => n + 2 * (margins[d] as number)),
  );
  return emit.op('pad', [value, zero], wide, { low: margins, high: margins, interior: margins.map(() => 0) });
}

/** All of one type, as StableHLO has it. */
function startsInShard(site: Site, starts: readonly ValueId[], margins: readonly number[]): ValueId[] {
  if (margins.every((m) => m === 0)) return [...starts];
  return starts.map((s, d) => startInShard(site, site.emit.signed(s), d, margins));
}

/** Clamped as on one device, then counted from the first element of the widened shard. */
function startInShard(site: Site, start: ValueId, d: number, margins: readonly number[]): ValueId {
  const { emit } = site;
  const extent = margins[d] as number;
  if (extent === 0) return start;
  const size = (site.operandTypes[0] as TensorType).shape[d] as number;
  const type = emit.typeOf(start);
  const number = (n: number): ValueId => emit.constant(type, [type.dtype === 'i64' ? BigInt(n) : n]);
  const clamped = emit.op('clamp', [number(0), start, number(size - extent)], type);
  const first = emit.shardOffset(dimAxes(site.operandLayouts[0] as Layout, d), size, type.dtype);
  return emit.binary('add', emit.binary('subtract', clamped, first), number(extent));
}
