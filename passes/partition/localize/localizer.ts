/** What a special localizer works with: the op, its layouts, and a builder of per-device ops. */
import { axesKey } from '../../../ir/axes.ts';
import type { FuncBuilder } from '../../../ir/build.ts';
import type { AffineWindow, HaloPiece } from '../../../ir/halo.ts';
import type { Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, type Mesh } from '../../../ir/mesh.ts';
import { elementsOf, splatElements } from '../../../ir/elements.ts';
import type { DimPadding } from '../../../ir/padding.ts';
import type { Attrs, Block, Op, Origin, ValueId } from '../../../ir/program.ts';
import { tensor, type DType, type TensorType } from '../../../ir/types.ts';
import type { Borders } from './borders.ts';

type Padding = readonly (DimPadding | undefined)[] | undefined;

/** One op about to become its per-device form. Types are global, operands are already per-device values. */
export interface Site {
  readonly op: Op;
  readonly operands: readonly ValueId[];
  readonly operandTypes: readonly TensorType[];
  readonly resultTypes: readonly TensorType[];
  readonly operandLayouts: readonly Layout[];
  readonly resultLayouts: readonly Layout[];
  readonly localResults: readonly TensorType[];
  /** Of the global types; absent = not padded. */
  readonly resultPadding: readonly Padding[];
  readonly regions: readonly Block[];
  readonly attrs: Attrs;
  /** What makes the operands, and what reads the results. */
  readonly makers: readonly (Op | undefined)[];
  readonly readers: readonly (readonly Op[])[];
  readonly emit: Emitter;
}

/** A dim of a per-device value, and the axes that shard it. */
export interface ShardedDim {
  readonly dim: number;
  readonly axes: readonly AxisRef[];
}

/** Gives the per-device results. */
export type Localizer = (site: Site) => readonly ValueId[];

/** Short forms of the few ops that localizers put around the local op. */
export class Emitter {
  readonly mesh: Mesh;
  private readonly builder: FuncBuilder;
  private readonly origin: Origin;
  private readonly borders: Borders;

  constructor(builder: FuncBuilder, mesh: Mesh, origin: Origin, borders: Borders) {
    this.builder = builder;
    this.mesh = mesh;
    this.origin = origin;
    this.borders = borders;
  }

  /** The same, for another reason: what explain says of the ops. */
  because(reason: string): Emitter {
    return new Emitter(this.builder, this.mesh, { ...this.origin, reason }, this.borders);
  }

  op(
    kind: string,
    operands: readonly ValueId[],
    type: TensorType,
    attrs: Attrs = {},
    regions: readonly Block[] = [],
  ): ValueId {
    return this.builder.op(kind, operands, [type], this.origin, attrs, regions)[0] as ValueId;
  }

  /** Elements [from, to) along a dim of the shard `by` places further along the axes; fetched once. */
  border(value: ValueId, { dim, axes }: ShardedDim, { by, from, to }: HaloPiece, slice: () => ValueId): ValueId {
    return this.borders.of(`${value} ${dim} ${axesKey(axes)} ${by} ${from} ${to}`, () => {
      const sent = slice();
      return this.op('collective_shift', [sent], this.typeOf(sent), { mesh: this.mesh.name, axes, by, flip: false });
    });
  }

  /** The device's window of a sharded dim, of which nobody needs anything from `end` on; put together once. */
  window(
    value: ValueId,
    { dim, axes }: ShardedDim,
    { step, start, width, per = 1 }: AffineWindow,
    end: number | undefined,
    make: () => ValueId,
  ): ValueId {
    return this.borders.of(`${value} ${dim} ${axesKey(axes)} ${step} ${start} ${width} ${per} ${end ?? ''}`, make);
  }

  /** What the device at `sources[i]` of the one at index i along the axes has; zeros where that is -1. */
  permuted(value: ValueId, axes: readonly AxisRef[], sources: readonly number[]): ValueId {
    return this.op('device_permute', [value], this.typeOf(value), { mesh: this.mesh.name, axes, sources });
  }

  ops(
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    attrs: Attrs,
    regions: readonly Block[],
  ): ValueId[] {
    return this.builder.op(kind, operands, types, this.origin, attrs, regions);
  }

  typeOf(value: ValueId): TensorType {
    return this.builder.typeOf(value);
  }

  /** A splat (one value) or a vector of the given values. */
  constant(type: TensorType, values: readonly (number | bigint)[]): ValueId {
    const [first] = values;
    return this.op('constant', [], type, {
      value: {
        data:
          first !== undefined && values.length === 1
            ? splatElements(type.dtype, first)
            : elementsOf(type.dtype, values),
      },
      dtype: type.dtype,
      shape: type.shape,
    });
  }

  zero(type: TensorType): ValueId {
    return this.op('constant', [], type, {
      value: { data: splatElements(type.dtype, 0) },
      dtype: type.dtype,
      shape: type.shape,
    });
  }

  broadcast(value: ValueId, shape: readonly number[], dims: readonly number[]): ValueId {
    return this.op('broadcast_in_dim', [value], tensor(this.typeOf(value).dtype, shape), { dims, shape });
  }

  binary(
    kind: 'add' | 'subtract' | 'multiply' | 'and' | 'or' | 'maximum' | 'minimum',
    a: ValueId,
    b: ValueId,
  ): ValueId {
    return this.op(kind, [a, b], this.typeOf(a));
  }

  compare(direction: 'EQ' | 'GE' | 'LE' | 'LT', a: ValueId, b: ValueId): ValueId {
    const { dtype, shape } = this.typeOf(a);
    return this.op('compare', [a, b], tensor('pred', shape), {
      direction,
      compare_type: dtype.startsWith('u') || dtype === 'pred' ? 'UNSIGNED' : 'SIGNED',
    });
  }

  /** Do the `count` places from `first` (a scalar i32) on lie in [0, total)? */
  inside(first: ValueId, count: number, total: number): ValueId {
    const places = this.placesFrom(first, count);
    const line = this.typeOf(places);
    return this.binary(
      'and',
      this.compare('GE', places, this.constant(line, [0])),
      this.compare('LT', places, this.constant(line, [total])),
    );
  }

  /** i32[count]: first, first + 1, … */
  placesFrom(first: ValueId, count: number): ValueId {
    const line = tensor('i32', [count]);
    const counted = this.op('iota', [], line, { dim: 0, dtype: 'i32', shape: line.shape });
    return this.binary('add', counted, this.broadcast(first, line.shape, []));
  }

  select(pred: ValueId, a: ValueId, b: ValueId): ValueId {
    return this.op('select', [pred, a, b], this.typeOf(a));
  }

  convert(value: ValueId, dtype: DType): ValueId {
    const type = this.typeOf(value);
    return type.dtype === dtype ? value : this.op('convert', [value], tensor(dtype, type.shape), { dtype });
  }

  /** Indices, wide and signed: they may be narrow, and their distance to a shard negative or long. */
  signed(index: ValueId): ValueId {
    const type = this.typeOf(index);
    switch (type.dtype) {
      case 'i64':
        return index;
      case 'u64':
        return this.convert(this.binary('minimum', index, this.constant(type, [2n ** 63n - 1n])), 'i64');
      case 'u32':
        return this.convert(index, 'i64');
      default:
        return this.convert(index, 'i32');
    }
  }

  /** A region of two scalars and one op on them. */
  reducer(kind: string, dtype: DType): Block {
    const scalar = tensor(dtype, []);
    return this.region([scalar, scalar], (sides) => [this.op(kind, sides, scalar)]);
  }

  region(types: readonly TensorType[], body: (params: readonly ValueId[]) => readonly ValueId[]): Block {
    return this.builder.region(() => {
      const results = body(types.map((t) => this.builder.param(t)));
      this.builder.op('return', results, [], this.origin);
    });
  }

  /** The ops of a region without regions of its own once more, on these values; gives what it returns. */
  inlined(region: Block, inputs: readonly ValueId[]): readonly ValueId[] {
    const map = new Map(region.params.map((p, i) => [p, inputs[i] as ValueId]));
    const read = (v: ValueId): ValueId => map.get(v) ?? v;
    for (const op of region.ops) {
      if (op.kind === 'return') return op.operands.map(read);
      const types = op.results.map((r) => this.typeOf(r));
      const made = this.builder.op(op.kind, op.operands.map(read), types, op.origin, op.attrs);
      op.results.forEach((r, i) => map.set(r, made[i] as ValueId));
    }
    return [];
  }

  /** This device's index along axes, first major: a scalar i32. */
  axisIndex(axes: readonly AxisRef[]): ValueId {
    return this.op('axis_index', [], tensor('i32', []), { mesh: this.mesh.name, axes });
  }

  /** First global element of this device's shard: axis index × local extent, a scalar of the given type. */
  shardOffset(axes: readonly AxisRef[], extent: number, dtype: DType): ValueId {
    const local = this.constant(tensor('i32', []), [extent / axesSize(axes)]);
    return this.convert(this.binary('multiply', this.axisIndex(axes), local), dtype);
  }
}
