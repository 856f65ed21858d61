/** Gradients of gather, scatter, sort and top_k: cotangents go back to where their values came from. */
import type { OpAttrs } from '../../attrs.ts';
import { type Gradient, type GradientOp, NoGradient } from '../../gradient.ts';
import type { Block, ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { tensor, type TensorType } from '../../types.ts';
import { regionMonoid } from '../monoid.ts';

type Gather = OpAttrs['gather'];
type Scatter = OpAttrs['scatter'];

/** Adds every slice's cotangent to its place; starts are clamped as gather clamps them. */
const gather: Gradient<Gather> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const [x, indices] = operands as [ValueId, ValueId];
  const { shape, dtype } = b.typeOf(x);
  const limits = attrs.start_index_map.map((d) => (shape[d] as number) - (attrs.slice_sizes[d] as number));
  const clamped = b.one('clamp', [
    b.splat(0, b.typeOf(indices)),
    indices,
    perComponent(b, limits, b.typeOf(indices), attrs.index_vector_dim),
  ]);
  return [
    b.one('scatter', [b.splat(0, tensor(dtype, shape)), clamped, g], scatterOf(attrs), [b.reducer('add', dtype)]),
  ];
};

const scatterOf = (attrs: Gather): Scatter => ({
  update_window_dims: attrs.offset_dims,
  inserted_window_dims: attrs.collapsed_slice_dims,
  input_batching_dims: attrs.operand_batching_dims,
  scatter_indices_batching_dims: attrs.start_indices_batching_dims,
  scatter_dims_to_operand_dims: attrs.start_index_map,
  index_vector_dim: attrs.index_vector_dim,
  indices_are_sorted: attrs.indices_are_sorted,
  unique_indices: false,
});

/** A number for each component of the index vectors, at the indices' shape. */
function perComponent(b: TypedBuilder, values: readonly number[], type: TensorType, vectorDim: number): ValueId {
  if (values.length <= 1 || vectorDim >= type.shape.length) return b.splat(values[0] ?? 0, type);
  const parts = values.map((v) => b.splat(v, tensor(type.dtype, [1])));
  const vector = b.one('concatenate', parts, { dim: 0 });
  return b.one('broadcast_in_dim', [vector], { dims: [vectorDim], shape: type.shape });
}

const scatter: Gradient<Scatter> = (b, op, cotangents) => {
  const [g, ...more] = cotangents;
  if (g === undefined && more.length === 0) return [];
  const monoid = op.results.length === 1 ? regionMonoid(op.regions[0]) : null;
  const replaces = op.results.length === 1 && isReplace(op.regions[0]);
  if (g === undefined || (monoid !== 'sum' && !(replaces && op.attrs.unique_indices)))
    throw new NoGradient(
      replaces
        ? 'a scatter that replaces has a gradient where its indices are unique'
        : 'a scatter has a gradient where it adds',
    );
  const [x, indices, updates] = op.operands as [ValueId, ValueId, ValueId];
  const taken = takenBack(b, op, g, b.typeOf(x), b.typeOf(updates));
  if (!replaces) return [g, undefined, taken];
  const zeros = b.splat(0, b.typeOf(updates));
  return [b.one('scatter', [g, indices, zeros], op.attrs, op.regions), undefined, taken];
};

/** `(old, new) → new`. */
const isReplace = (region: Block | undefined): boolean =>
  region !== undefined && region.ops.length === 1 && region.ops[0]?.operands[0] === region.params[1];

/** The updates' cotangents: what lies where each was put; nothing for those that fell outside. */
function takenBack(b: TypedBuilder, op: GradientOp<Scatter>, g: ValueId, x: TensorType, updates: TensorType): ValueId {
  const { attrs } = op;
  const indices = op.operands[1] as ValueId;
  const window = x.shape
    .map((_, d) => d)
    .filter((d) => !attrs.inserted_window_dims.includes(d) && !attrs.input_batching_dims.includes(d));
  const sizes = x.shape.map((_, d) => {
    const w = window.indexOf(d);
    return w < 0 ? 1 : (updates.shape[attrs.update_window_dims[w] as number] as number);
  });
  const taken = b.one('gather', [g, indices], {
    offset_dims: attrs.update_window_dims,
    collapsed_slice_dims: attrs.inserted_window_dims,
    operand_batching_dims: attrs.input_batching_dims,
    start_indices_batching_dims: attrs.scatter_indices_batching_dims,
    start_index_map: attrs.scatter_dims_to_operand_dims,
    index_vector_dim: attrs.index_vector_dim,
    slice_sizes: sizes,
    indices_are_sorted: attrs.indices_are_sorted,
  });
  const type = b.typeOf(indices);
  const limits = attrs.scatter_dims_to_operand_dims.map((d) => (x.shape[d] as number) - (sizes[d] as number));
  const compared = (direction: string, limit: ValueId): ValueId =>
    b.one('compare', [indices, limit], { direction, compare_type: 'SIGNED' });
  const inside = b.one('and', [
    compared('GE', b.splat(0, type)),
    compared('LE', perComponent(b, limits, type, attrs.index_vector_dim)),
  ]);
  const hasVector = attrs.index_vector_dim < type.shape.length;
  const whole = hasVector ? b.reduce('and', inside, [attrs.index_vector_dim]) : inside;
  const batch = updates.shape.map((_, d) => d).filter((d) => !attrs.update_window_dims.includes(d));
  const mask = b.one('broadcast_in_dim', [whole], { dims: batch, shape: updates.shape });
  return b.one('select', [mask, taken, b.splat(0, updates)]);
}

/** Sorted again with a counter beside: where each element came from; its inverse takes the cotangents back. */
const sort: Gradient<OpAttrs['sort']> = (b, { attrs, operands, regions }, cotangents) => {
  if (cotangents.every((g) => g === undefined)) return [];
  const { shape } = b.typeOf(operands[0] as ValueId);
  const count = (): ValueId => b.one('iota', [], { dim: attrs.dim, dtype: 'i32', shape });
  const order = b.apply('sort', [...operands, count()], attrs, [withTwoMore(b, regions[0] as Block)]).at(-1) as ValueId;
  const ascending = b.region(() => {
    const scalar = tensor('i32', []);
    const [p, q] = [0, 1, 2, 3].map(() => b.param(scalar)) as [ValueId, ValueId];
    b.op('return', [b.one('compare', [p, q], { direction: 'LT', compare_type: 'SIGNED' })], [], b.origin);
  });
  const places = b.apply('sort', [order, count()], { dim: attrs.dim, is_stable: true }, [ascending])[1] as ValueId;
  return cotangents.map((g) => (g === undefined ? undefined : takeAlong(b, g, places, attrs.dim)));
};

/** A comparator that takes, and ignores, one operand more. */
function withTwoMore(b: TypedBuilder, comparator: Block): Block {
  const scalar = tensor('i32', []);
  const renamed = new Map<ValueId, ValueId>();
  const now = (id: ValueId): ValueId => renamed.get(id) ?? id;
  return b.region(() => {
    for (const p of comparator.params) renamed.set(p, b.param(b.typeOf(p)));
    b.param(scalar);
    b.param(scalar);
    for (const op of comparator.ops) {
      const results = op.results.map((r) => b.value(b.typeOf(r)));
      op.results.forEach((r, i) => renamed.set(r, results[i] as ValueId));
      b.push({ ...op, operands: op.operands.map(now), results });
    }
  });
}

function takeAlong(b: TypedBuilder, x: ValueId, places: ValueId, dim: number): ValueId {
  const { shape } = b.typeOf(x);
  const others = shape.map((_, d) => d).filter((d) => d !== dim);
  return b.one('gather', [x, places], {
    offset_dims: [],
    collapsed_slice_dims: [dim],
    operand_batching_dims: others,
    start_indices_batching_dims: others,
    start_index_map: [dim],
    index_vector_dim: shape.length,
    slice_sizes: shape.map(() => 1),
    indices_are_sorted: false,
  });
}

/** The k cotangents to their places. */
const topK: Gradient = (b, { operands, results }, [g]) => {
  if (g === undefined) return [];
  const type = b.typeOf(operands[0] as ValueId);
  const last = type.shape.length - 1;
  const others = type.shape.map((_, d) => d).filter((d) => d !== last);
  const attrs: Scatter = {
    update_window_dims: [],
    inserted_window_dims: [last],
    input_batching_dims: others,
    scatter_indices_batching_dims: others,
    scatter_dims_to_operand_dims: [last],
    index_vector_dim: type.shape.length,
    indices_are_sorted: false,
    unique_indices: true,
  };
  return [b.one('scatter', [b.splat(0, type), results[1] as ValueId, g], { ...attrs }, [b.reducer('add', type.dtype)])];
};

export const indexingGradients: Readonly<Record<string, Gradient>> = {
  gather: gather as Gradient,
  scatter: scatter as Gradient,
  sort: sort as Gradient,
  top_k: topK,
};
