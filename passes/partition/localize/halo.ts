/**
 * Halo exchange: the window of a sharded dim that a device computes on, put together from its own shard and parts of
 * its neighbours'.
 *
 *   shards of 8, window [8i - 2, 8i + 10)
 *   →  %l = collective_shift (slice %x [6:8]) by=-1      // the last 2 of the shard before; zeros on the first device
 *      %r = collective_shift (slice %x [0:2]) by=1
 *      concatenate %l, %x, %r
 *
 * Where the window does not move as fast as the shards, what all devices need is put together and cut by index, or
 * rounds.ts sends each device what it needs, whichever is less.
 */
import { type AffineWindow, type DilatedWindow, type Halo, type HaloPiece, windowStart } from '../../../ir/halo.ts';
import { exchangeOf } from '../../../ir/halo-exchange.ts';
import { type AxisRef, axesSize } from '../../../ir/mesh.ts';
import type { DimPadding } from '../../../ir/padding.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor } from '../../../ir/types.ts';
import type { Emitter, ShardedDim } from './localizer.ts';
import { cutAt, joined, part, resized } from './parts.ts';
import { windowInRounds } from './rounds.ts';

/** What may stand where a window holds no element that is needed. */
export interface Around {
  /** A scalar: outside the dim; else zero. */
  readonly fill?: ValueId | undefined;
  /** Nobody needs the dim's elements from here on: they may be zeros. */
  readonly end?: number | undefined;
}

/** The device's window. */
export function exchangeHalo(
  emit: Emitter,
  value: ValueId,
  at: ShardedDim,
  window: AffineWindow,
  { fill, end }: Around = {},
): ValueId {
  const { dim, axes } = at;
  const extent = emit.typeOf(value).shape[dim] as number;
  if (window.width === 0) return part(emit, value, dim, 0, 0);
  const { halo, rounds } = exchangeOf(window, axesSize(axes), extent, end);
  const first = new Place(emit, axes, window);
  const fromShifts = (): ValueId => {
    const all = collected(emit, value, at, halo, extent);
    const isWindow = emit.typeOf(all).shape[dim] === window.width;
    return isWindow ? all : cutAt(emit, all, dim, first.fromShard(extent, halo.low), window.width);
  };
  const own =
    rounds === undefined
      ? fromShifts()
      : emit.window(value, at, window, end, () => windowInRounds(emit, value, at, window, rounds));
  if (fill === undefined || !first.leaves(window.width, extent)) return own;
  const inside = emit.inside(first.value(), window.width, extent * axesSize(axes));
  const { shape } = emit.typeOf(own);
  return emit.select(emit.broadcast(inside, shape, [dim]), own, emit.broadcast(fill, shape, []));
}

/**
 * As `exchangeHalo`, of a dim that the op dilates. Where shards start between elements the holes are written out too,
 * and the dim is dilated no more (`DilatedWindow.between`).
 *
 *   elements 2 apart, the device's window starts at place 5i  →  from element ⌊5i / 2⌋ on: a . b . c . d .,
 *   of which dynamic_slice takes what begins at 5i mod 2
 */
export function exchangeDilated(
  emit: Emitter,
  value: ValueId,
  at: ShardedDim,
  { window, between }: DilatedWindow,
  around: Around = {},
): ValueId {
  const elements = exchangeHalo(emit, value, at, window, around);
  if (between === undefined) return elements;
  const holes = between.base - 1;
  const spread = spreadOut(emit, elements, at.dim, { holes, after: holes, fill: around.fill });
  const place = new Place(emit, at.axes, { ...between, per: between.base });
  return cutAt(emit, spread, at.dim, place.remainder(), between.width);
}

/** Elements of a dim with holes between them, and after the last; holes hold zero, or `fill`. */
export function spreadOut(
  emit: Emitter,
  value: ValueId,
  dim: number,
  { holes, after = 0, fill }: { readonly holes: number; readonly after?: number; readonly fill?: ValueId | undefined },
): ValueId {
  const type = emit.typeOf(value);
  const extent = type.shape[dim] as number;
  const along = (n: number): number[] => type.shape.map((_, d) => (d === dim ? n : 0));
  return emit.op(
    'pad',
    [value, fill ?? emit.zero(tensor(type.dtype, []))],
    resized(type, dim, Math.max(0, extent - 1) * holes + extent + after),
    { low: along(0), high: along(after), interior: along(holes) },
  );
}

/**
 * Where the elements of a dim that are needed end: those after it are read by padding of the result alone, and nothing is
 * to be found there but zeros at most. `windowOf`: what so many elements of the result read.
 *
 *   slice %x [0:3] : f32[3 of 2]     // x=3, shards of 3: device 2's element is padding, and is not sent
 */
export function neededEnd(
  result: DimPadding | undefined,
  windowOf: (size: number) => DilatedWindow | null,
): number | undefined {
  const last = result === undefined || !zerosDo(result) ? null : windowOf(result.size);
  return last === null ? undefined : windowStart(last.window, 0) + last.window.width;
}

const zerosDo = ({ holds }: DimPadding): boolean => typeof holds !== 'object' || Number(holds.value) === 0;

/** ⌊(step·i + start) / per⌋ of the device at index i along the axes. */
export class Place {
  private readonly emit: Emitter;
  private readonly axes: readonly AxisRef[];
  private readonly at: AffineWindow;
  /** Added to the quotient, so that what is divided is never negative. */
  private readonly raised: number;

  constructor(emit: Emitter, axes: readonly AxisRef[], at: AffineWindow) {
    this.emit = emit;
    this.axes = axes;
    this.at = at;
    this.raised = Math.max(0, -windowStart(at, 0), -windowStart(at, axesSize(axes) - 1));
  }

  value(): ValueId {
    const { per = 1 } = this.at;
    return per === 1 ? this.places(0) : this.plus(this.of('divide', per), -this.raised);
  }

  /** Counted from the first element of the device's shard, less `low`. */
  fromShard(extent: number, low: number): ValueId {
    const { step, start, per = 1 } = this.at;
    if (per === 1)
      return new Place(this.emit, this.axes, { step: step - extent, start: start - low, width: 0 }).value();
    const shard = new Place(this.emit, this.axes, { step: extent, start: low, width: 0 });
    return this.emit.binary('subtract', this.value(), shard.value());
  }

  remainder(): ValueId {
    return this.of('remainder', this.at.per ?? 1);
  }

  /** Does a window from here leave the dim on some device? */
  leaves(width: number, extent: number): boolean {
    const shards = axesSize(this.axes);
    const ends = [windowStart(this.at, 0), windowStart(this.at, shards - 1)];
    return Math.min(...ends) < 0 || Math.max(...ends) + width > extent * shards;
  }

  private of(kind: 'divide' | 'remainder', per: number): ValueId {
    const scalar = tensor('i32', []);
    return this.emit.op(kind, [this.places(this.raised * per), this.emit.constant(scalar, [per])], scalar);
  }

  private places(by: number): ValueId {
    const { emit, axes, at } = this;
    const moved = emit.binary('multiply', emit.axisIndex(axes), emit.constant(tensor('i32', []), [at.step]));
    return this.plus(moved, at.start + by);
  }

  private plus(value: ValueId, by: number): ValueId {
    return this.emit.binary('add', value, this.emit.constant(tensor('i32', []), [by]));
  }
}

/** What all devices' windows cover, counted from the device's own shard; zeros where no device needs anything. */
function collected(emit: Emitter, value: ValueId, at: ShardedDim, halo: Halo, extent: number): ValueId {
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
  return joined(emit, parts, at.dim);
}

/** A part of the shard `by` places further along. */
function fetch(emit: Emitter, value: ValueId, at: ShardedDim, piece: HaloPiece): ValueId {
  const own = (): ValueId => part(emit, value, at.dim, piece.from, piece.to);
  return piece.by === 0 ? own() : emit.border(value, at, piece, own);
}
