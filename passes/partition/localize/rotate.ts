/**
 * rotate along a sharded dim: the border comes from the neighbour around the ring, the rest stays.
 *
 *   [0 1 2 3 | 4 5 6 7] by 1  →  [7 | 0 1 2   3 | 4 5 6]: one collective_shift of one element
 *
 * Of a padded dim the border of the last shard lies before its padding, which stays.
 *
 *   [0 1 2 3 | 4 5 - -] by 1  →  [5 | 0 1 2   3 | 4 - -]: every shard sends its last true element
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { type PaddedRotation, paddedRotation, rotatedPieces } from '../../../ir/ops/rotate.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { exchangeHalo } from './halo.ts';
import { cutAt, joined, part, resized } from './parts.ts';
import type { Emitter, Localizer, ShardedDim } from './localizer.ts';

export const localizeRotate: Localizer = (site) => {
  const { emit } = site;
  const attrs = site.op.attrs as unknown as OpAttrs['rotate'];
  const axes = dimAxes(site.operandLayouts[0] as Layout, attrs.dim);
  const turn = new Turning(emit, site.operands[0] as ValueId, { dim: attrs.dim, axes });
  const whole = (site.resultTypes[0] as TensorType).shape[attrs.dim] as number;
  const padded = paddedRotation(attrs, whole, axesSize(axes));
  return [padded === undefined ? turn.whole(attrs.by, whole) : turn.padded(padded)];
};

/** A shard of the dim that turns. */
class Turning {
  private readonly emit: Emitter;
  private readonly value: ValueId;
  private readonly at: ShardedDim;
  private readonly type: TensorType;
  private readonly extent: number;

  constructor(emit: Emitter, value: ValueId, at: ShardedDim) {
    this.emit = emit;
    this.value = value;
    this.at = at;
    this.type = emit.typeOf(value);
    this.extent = this.type.shape[at.dim] as number;
  }

  whole(by: number, size: number): ValueId {
    return this.joined(
      rotatedPieces(by, size, axesSize(this.at.axes)).map(({ from, start, limit }) => {
        const own = this.part(this.value, start, limit);
        return from === 0 ? own : this.shifted(own, from);
      }),
    );
  }

  padded(rotation: PaddedRotation): ValueId {
    const { by, size, ring } = rotation;
    if (by === 0) return this.value;
    if (this.at.axes.length === 0)
      return this.joined([
        ...rotatedPieces(by, size, 1).map((p) => this.part(this.value, p.start, p.limit)),
        ...(size < this.extent ? [this.part(this.value, size, this.extent)] : []),
      ]);
    const turned = ring ? (by > 0 ? this.right(rotation) : this.left(rotation)) : this.far(rotation);
    return this.emit.select(this.before(size), turned, this.value);
  }

  /** The last true elements of the shard before, then one's own. */
  private right({ by, size }: PaddedRotation): ValueId {
    const { emit } = this;
    const last = emit.binary('subtract', this.trueElements(size), emit.constant(tensor('i32', []), [by]));
    const sent = cutAt(emit, this.value, this.at.dim, last, by);
    return this.joined([this.shifted(sent, -1), this.part(this.value, 0, this.extent - by)]);
  }

  /** One's own but for the first, then the first of the shard after, behind the last true element. */
  private left({ by, size }: PaddedRotation): ValueId {
    const { emit, extent } = this;
    const received = this.shifted(this.part(this.value, 0, -by), 1);
    const room = resized(this.type, this.at.dim, extent - by);
    const wide = this.joined([this.value, received]);
    const written = emit.op('dynamic_update_slice', [wide, received, ...this.starts(this.trueElements(size))], room);
    return this.part(written, -by, extent - by);
  }

  /** What passes the end and what does not, each as a window of its own. */
  private far({ by, size, straight, around }: PaddedRotation): ValueId {
    const { emit, at, extent } = this;
    const direct = exchangeHalo(emit, this.value, at, straight);
    const came = exchangeHalo(emit, this.value, at, around);
    const missing = extent - around.width;
    const wrapped = missing === 0 ? came : this.joined([came, emit.zero(resized(this.type, this.at.dim, missing))]);
    return by > 0
      ? emit.select(this.before(by), wrapped, direct)
      : emit.select(this.before(size + by), direct, wrapped);
  }

  /** Does an element stand before this place of the whole dim? */
  private before(place: number): ValueId {
    const { emit, at, extent } = this;
    const places = emit.placesFrom(emit.shardOffset(at.axes, extent * axesSize(at.axes), 'i32'), extent);
    const before = emit.compare('LT', places, emit.constant(emit.typeOf(places), [place]));
    return emit.broadcast(before, this.type.shape, [at.dim]);
  }

  /** How many elements of the device's shard are no padding; it has some. */
  private trueElements(size: number): ValueId {
    const { emit, at, extent } = this;
    const scalar = tensor('i32', []);
    const first = emit.shardOffset(at.axes, extent * axesSize(at.axes), 'i32');
    const left = emit.binary('subtract', emit.constant(scalar, [size]), first);
    return emit.op('minimum', [left, emit.constant(scalar, [extent])], scalar);
  }

  private starts(along: ValueId): ValueId[] {
    const zero = this.emit.constant(tensor('i32', []), [0]);
    return this.type.shape.map((_, d) => (d === this.at.dim ? along : zero));
  }

  private shifted(value: ValueId, by: number): ValueId {
    const attrs = { mesh: this.emit.mesh.name, axes: this.at.axes, by, flip: false, wrap: true };
    return this.emit.op('collective_shift', [value], this.emit.typeOf(value), attrs);
  }

  private part(value: ValueId, from: number, to: number): ValueId {
    return part(this.emit, value, this.at.dim, from, to);
  }

  private joined(parts: readonly ValueId[]): ValueId {
    return parts.length === 0 ? this.value : joined(this.emit, parts, this.at.dim);
  }
}
