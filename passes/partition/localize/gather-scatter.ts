/**
 * gather and scatter with the operand sharded on a dim that the indices address (a vocabulary-sharded embedding).
 *
 * gather: every device clamps the global index as one device would, subtracts its shard's first row, reads its own row
 * (or any, where the row is another's) and puts zero where the row is another's. Exactly one device of a group has the
 * row, so the owed sum is the answer.
 * scatter: subtracting the shard's first row takes foreign updates out of range, where they are skipped.
 * A dim that the window takes whole is sharded in what is taken too: its one start inside is 0, on every device.
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { identityOf } from '../../../ir/monoid.ts';
import type { ValueId } from '../../../ir/program.ts';
import { overlaps } from '../../../ir/mesh.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import type { Emitter, Localizer, Site } from './localizer.ts';

export const localizeGather: Localizer = (site) => {
  const { op, operands, localResults, attrs, emit } = site;
  const gather = op.attrs as OpAttrs['gather'];
  const [operand, indices] = operands as readonly [ValueId, ValueId];
  const [type] = localResults as readonly [TensorType];
  const layout = site.operandLayouts[0] as Layout;
  const globalShape = (site.operandTypes[0] as TensorType).shape;
  const apart = (d: number): boolean =>
    dimAxes(layout, d).length > 0 &&
    (gather.collapsed_slice_dims.includes(d) || gather.slice_sizes[d] !== globalShape[d]);
  if (!gather.start_index_map.some(apart)) return [emit.op('gather', [operand, indices], type, attrs)];
  const localShape = emit.typeOf(operand).shape;
  const limit = (shape: readonly number[], { slice_sizes: taken }: Pick<OpAttrs['gather'], 'slice_sizes'>): number[] =>
    gather.start_index_map.map((d) => (shape[d] as number) - (taken[d] as number));
  const [global, own] = [limit(globalShape, gather), limit(localShape, attrs as OpAttrs['gather'])];
  const vectors = new IndexVectors(emit, indices, gather.index_vector_dim);
  const clamped = emit.op(
    'clamp',
    [vectors.constant(global.map(() => 0)), vectors.indices, vectors.constant(global)],
    emit.typeOf(vectors.indices),
  );
  const local = emit.binary('subtract', clamped, vectors.offsets(site, gather.start_index_map, apart));
  const inside = emit.binary(
    'and',
    emit.compare('GE', local, vectors.constant(own.map(() => 0))),
    emit.compare('LE', local, vectors.constant(own)),
  );
  const owned = vectors.allOf(inside);
  const rows = emit.op('gather', [operand, local], type, attrs);
  const batchDims = type.shape.map((_, d) => d).filter((d) => !gather.offset_dims.includes(d));
  const zero = emit.zero(type);
  return [emit.select(emit.broadcast(owned, type.shape, batchDims), rows, zero)];
};

export const localizeScatter: Localizer = (site) => {
  const { op, localResults, attrs, emit, regions } = site;
  const scatter = op.attrs as OpAttrs['scatter'];
  const count = op.results.length;
  const inputs = site.operands.slice(0, count).map((v, i) => onlyOnce(site, v, i));
  const indices = site.operands[count] as ValueId;
  const layout = site.operandLayouts[0] as Layout;
  const [shape, updates] = [0, count + 1].map((i) => (site.operandTypes[i] as TensorType).shape);
  const whole = wholeDims(scatter, shape as readonly number[], updates as readonly number[]);
  const apart = (d: number): boolean => dimAxes(layout, d).length > 0 && !whole.has(d);
  let local = indices;
  if (scatter.scatter_dims_to_operand_dims.some(apart)) {
    const vectors = new IndexVectors(emit, indices, scatter.index_vector_dim);
    const offsets = vectors.offsets(site, scatter.scatter_dims_to_operand_dims, apart);
    local = emit.binary('subtract', vectors.indices, offsets);
  }
  return emit.ops('scatter', [...inputs, local, ...site.operands.slice(count + 1)], localResults, attrs, regions);
};

/** Input dims that the window takes whole. */
function wholeDims(
  { inserted_window_dims: inserted, input_batching_dims: batching, update_window_dims: window }: OpAttrs['scatter'],
  shape: readonly number[],
  updates: readonly number[],
): ReadonlySet<number> {
  const inWindow = shape.map((_, d) => d).filter((d) => !inserted.includes(d) && !batching.includes(d));
  return new Set(inWindow.filter((d, w) => updates[window[w] as number] === shape[d]));
}

/** Where updates are split over axes, the old contents count on the first device of each group only. */
function onlyOnce(site: Site, input: ValueId, i: number): ValueId {
  const { emit } = site;
  const result = site.resultLayouts[i] as Layout;
  const owed = result.unreduced.filter(
    (a) => !(site.operandLayouts[i] as Layout).unreduced.some((b) => overlaps(a, b)),
  );
  if (owed.length === 0) return input;
  const type = emit.typeOf(input);
  const first = emit.compare('EQ', emit.axisIndex(owed), emit.constant(tensor('i32', []), [0]));
  const neutral = emit.constant(type, [identityOf(result.monoid ?? 'sum', type.dtype)]);
  return emit.select(emit.broadcast(first, type.shape, []), input, neutral);
}

/** Index vectors lie along one dim of the indices (or are scalars, when index_vector_dim = rank). */
class IndexVectors {
  /** Wide enough to count from a shard. */
  readonly indices: ValueId;
  private readonly emit: Emitter;
  private readonly type: TensorType;
  private readonly dim: number;

  constructor(emit: Emitter, indices: ValueId, dim: number) {
    this.emit = emit;
    this.indices = emit.signed(indices);
    this.type = emit.typeOf(this.indices);
    this.dim = dim;
  }

  /** One constant per index component, in the indices' shape. */
  constant(values: readonly number[]): ValueId {
    const { dtype } = this.type;
    const typed = values.map((v) => (dtype === 'i64' ? BigInt(v) : v));
    if (new Set(values).size === 1) return this.emit.constant(this.type, typed.slice(0, 1));
    return this.spread(this.emit.constant(tensor(dtype, [values.length]), typed));
  }

  /** Per component: the first element of this device's shard of the operand dim it addresses; 0 of those not `apart`. */
  offsets(site: Site, dims: readonly number[], apart: (dim: number) => boolean): ValueId {
    const { dtype } = this.type;
    const [layout, { shape }] = [site.operandLayouts[0] as Layout, site.operandTypes[0] as TensorType];
    const scalars = dims.map((d) =>
      apart(d)
        ? this.emit.shardOffset(dimAxes(layout, d), shape[d] as number, dtype)
        : this.emit.zero(tensor(dtype, [])),
    );
    if (scalars.length === 1) return this.emit.broadcast(scalars[0] as ValueId, this.type.shape, []);
    const parts = scalars.map((s) => this.emit.broadcast(s, [1], []));
    return this.spread(this.emit.op('concatenate', parts, tensor(dtype, [parts.length]), { dim: 0 }));
  }

  /** and over the components. */
  allOf(inside: ValueId): ValueId {
    const { shape } = this.type;
    if (this.dim === shape.length) return inside;
    const rest = shape.filter((_, d) => d !== this.dim);
    const yes = this.emit.constant(tensor('pred', []), [1]);
    return this.emit.op('reduce', [inside, yes], tensor('pred', rest), { dims: [this.dim] }, [
      this.emit.reducer('and', 'pred'),
    ]);
  }

  private spread(vector: ValueId): ValueId {
    return this.emit.broadcast(vector, this.type.shape, [this.dim]);
  }
}
