/**
 * Halo exchange: the window of a sharded dim that a device computes on, put together from its own shard and parts of
 * its neighbours'.
 *
 *   shards of 8, window [8i - 2, 8i + 10)
 *   →  %l = collective_shift (slice %x [6:8]) by=-1      // the last 2 of the shard before; zeros on the first device
 *      %r = collective_shift (slice %x [0:2]) by=1
 *      concatenate %l, %x, %r
 *
 * Where the window does not move as fast as the shards, what all devices need is put together and cut by index.
 */
import { type AffineWindow, haloOf, type HaloPiece, windowPlace } from '../../../ir/halo.ts';
import { type AxisRef, axesSize } from '../../../ir/mesh.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType, withShape } from '../../../ir/types.ts';
import type { Emitter } from './localizer.ts';

/** A dim of a per-device value, and the axes that shard it. */
export interface ShardedDim {
  readonly dim: number;
  readonly axes: readonly AxisRef[];
}

/** The device's window. Elements outside the dim are zero, or `fill` (a scalar) where it is given. */
export function exchangeHalo(
  emit: Emitter,
  value: ValueId,
  at: ShardedDim,
  window: AffineWindow,
  fill?: ValueId,
): ValueId {
  const extent = emit.typeOf(value).shape[at.dim] as number;
  const shards = axesSize(at.axes);
  if (window.width === 0) return part(emit, value, at.dim, 0, 0);
  const halo = haloOf(window, shards, extent);
  const parts: ValueId[] = [];
  let end = halo.low;
  const zerosTo = (place: number): void => {
    if (place > end) parts.push(emit.zero(resized(emit.typeOf(value), at.dim, place - end)));
    end = Math.max(end, place);
  };
  for (const piece of halo.pieces.filter((p) => p.to > p.from)) {
    zerosTo(piece.by * extent + piece.from);
    parts.push(fetch(emit, value, at, piece));
    end = piece.by * extent + piece.to;
  }
  zerosTo(halo.high);
  const all = joined(emit, parts, at.dim);
  const cut = halo.high - halo.low === window.width ? all : windowOf(emit, all, at, window, { extent, low: halo.low });
  const leaves =
    window.start < 0 ||
    window.start + window.step * (shards - 1) < 0 ||
    Math.max(window.start, window.start + window.step * (shards - 1)) + window.width > extent * shards;
  return fill === undefined || !leaves ? cut : masked(emit, cut, at, { window, total: extent * shards, fill });
}

/** A part of the shard `by` places further along. */
function fetch(emit: Emitter, value: ValueId, { dim, axes }: ShardedDim, { by, from, to }: HaloPiece): ValueId {
  const sent = part(emit, value, dim, from, to);
  return by === 0
    ? sent
    : emit.op('collective_shift', [sent], emit.typeOf(sent), { mesh: emit.mesh.name, axes, by, flip: false });
}

function part(emit: Emitter, value: ValueId, dim: number, from: number, to: number): ValueId {
  const type = emit.typeOf(value);
  if (from === 0 && to === type.shape[dim]) return value;
  const start = type.shape.map((_, d) => (d === dim ? from : 0));
  const limit = type.shape.map((n, d) => (d === dim ? to : n));
  return emit.op('slice', [value], resized(type, dim, to - from), { start, limit, strides: type.shape.map(() => 1) });
}

function joined(emit: Emitter, parts: readonly ValueId[], dim: number): ValueId {
  const [first] = parts as readonly [ValueId];
  if (parts.length === 1) return first;
  const total = parts.reduce((n, p) => n + (emit.typeOf(p).shape[dim] as number), 0);
  return emit.op('concatenate', parts, resized(emit.typeOf(first), dim, total), { dim });
}

function windowOf(
  emit: Emitter,
  all: ValueId,
  { dim, axes }: ShardedDim,
  window: AffineWindow,
  place: { extent: number; low: number },
): ValueId {
  const scalar = tensor('i32', []);
  const type = resized(emit.typeOf(all), dim, window.width);
  const step = emit.binary('multiply', emit.axisIndex(axes), emit.constant(scalar, [window.step - place.extent]));
  const start = emit.binary('add', step, emit.constant(scalar, [windowPlace(window, place.extent, 0) - place.low]));
  const starts = type.shape.map((_, d) => (d === dim ? start : emit.constant(scalar, [0])));
  return emit.op('dynamic_slice', [all, ...starts], type, { sizes: type.shape });
}

interface Mask {
  readonly window: AffineWindow;
  /** Elements of the whole dim. */
  readonly total: number;
  readonly fill: ValueId;
}

function masked(emit: Emitter, value: ValueId, { dim, axes }: ShardedDim, { window, total, fill }: Mask): ValueId {
  const { shape } = emit.typeOf(value);
  const scalar = tensor('i32', []);
  const line = tensor('i32', [window.width]);
  const start = emit.binary(
    'add',
    emit.binary('multiply', emit.axisIndex(axes), emit.constant(scalar, [window.step])),
    emit.constant(scalar, [window.start]),
  );
  const places = emit.binary(
    'add',
    emit.op('iota', [], line, { dim: 0, dtype: 'i32', shape: line.shape }),
    emit.broadcast(start, line.shape, []),
  );
  const inside = emit.binary(
    'and',
    emit.compare('GE', places, emit.constant(line, [0])),
    emit.compare('LT', places, emit.constant(line, [total])),
  );
  return emit.select(emit.broadcast(inside, shape, [dim]), value, emit.broadcast(fill, shape, []));
}

const resized = (type: TensorType, dim: number, extent: number): TensorType =>
  withShape(
    type,
    type.shape.map((n, d) => (d === dim ? extent : n)),
  );
