/** Reading and writing at computed places: gather, scatter, dynamic slices, sort, top_k and their jax.numpy forms. */
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Monoid } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import { REDUCERS } from '../../../ir/typed-build.ts';
import { DTYPES, type DType, isInteger, tensor } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Operand, Shape, Tensor } from '../tensor.ts';
import { currentTrace, mustBeTensor } from '../trace.ts';
import { iota } from './creation.ts';
import { convert, equal, select, less, add } from './elementwise.ts';
import { asTensor, dimOf, isNumber } from './lift.ts';
import { broadcastInDim, broadcastTo, concatenate, expandDims, reshape, squeeze } from './shaping.ts';

type GatherDims = Omit<OpAttrs['gather'], 'indices_are_sorted'>;
type ScatterDims = Omit<OpAttrs['scatter'], 'indices_are_sorted' | 'unique_indices'>;

/** StableHLO's gather; starts out of range are clamped. */
export function gather(x: Tensor, indices: Tensor, dims: GatherDims, options: { sorted?: boolean } = {}): Tensor {
  integers('gather', indices);
  return currentTrace().emit('gather', [x, indices], {
    ...dims,
    indices_are_sorted: options.sorted ?? false,
  })[0] as Tensor;
}

export interface ScatterOptions {
  /** What an update does to what is there; `replace` keeps the last. */
  readonly combine?: Monoid | 'replace';
  readonly sorted?: boolean;
  readonly unique?: boolean;
}

/** StableHLO's scatter; updates out of range are dropped. */
export function scatter<T extends Tensor>(
  x: T,
  indices: Tensor,
  updates: Tensor,
  dims: ScatterDims,
  options: ScatterOptions = {},
): T {
  const trace = currentTrace();
  integers('scatter', indices);
  const operands = [trace.id(x), trace.id(indices), trace.id(convert(updates, x.dtype))];
  const { combine = 'sum', sorted = false, unique = false } = options;
  const made = trace.build((b) => {
    const scalar = tensor(x.dtype, []);
    const region =
      combine === 'replace'
        ? b.region(() => {
            const [, update] = [b.param(scalar), b.param(scalar)];
            b.op('return', [update], [], b.origin);
          })
        : b.reducer(REDUCERS[combine], x.dtype);
    return b.one('scatter', operands, { ...dims, indices_are_sorted: sorted, unique_indices: unique }, [region]);
  });
  return trace.tensor(made) as T;
}

/** Rows of x along a dim at these places; out of range is clamped. The indices' dims stand where the dim was. */
export function take(x: Tensor, indices: Tensor | number, dim = 0): Tensor {
  const at = dimOf(x, dim);
  const where = asIndices(indices);
  const window = x.shape.map((_, d) => d).filter((d) => d !== at);
  return gather(x, where, {
    offset_dims: window.map((d) => (d < at ? d : d - 1 + where.rank)),
    collapsed_slice_dims: [at],
    operand_batching_dims: [],
    start_indices_batching_dims: [],
    start_index_map: [at],
    index_vector_dim: where.rank,
    slice_sizes: x.shape.map((n, d) => (d === at ? 1 : n)),
  });
}

/** Element i, j, … of the result is that of x with index [i, j, …] in place of its place in the dim. */
export function takeAlongDim(x: Tensor, indices: Tensor, dim = -1): Tensor {
  const at = dimOf(x, dim);
  if (indices.rank !== x.rank) fail('SH0204', `takeAlongDim takes indices of rank ${x.rank}, got ${indices.rank}`);
  const others = x.shape.map((_, d) => d).filter((d) => d !== at);
  return gather(x, indices, {
    offset_dims: [],
    collapsed_slice_dims: [at],
    operand_batching_dims: others,
    start_indices_batching_dims: others,
    start_index_map: [at],
    index_vector_dim: indices.rank,
    slice_sizes: x.shape.map(() => 1),
  });
}

/** A slice of static sizes at computed starts, clamped so that it lies inside. */
export function dynamicSlice(x: Tensor, starts: readonly Operand[], sizes: Shape): Tensor {
  return currentTrace().emit('dynamic_slice', [x, ...starts.map(asIndices)], { sizes })[0] as Tensor;
}

export function dynamicUpdateSlice<T extends Tensor>(x: T, update: Tensor, starts: readonly Operand[]): T {
  return currentTrace().emit('dynamic_update_slice', [x, convert(update, x.dtype), ...starts.map(asIndices)])[0] as T;
}

/** `x[i]` along a dim, which goes away. */
export function dynamicIndexInDim(x: Tensor, index: Operand, dim = 0): Tensor {
  const at = dimOf(x, dim);
  const starts = x.shape.map((_, d): Operand => (d === at ? index : 0));
  return squeeze(
    dynamicSlice(
      x,
      starts,
      x.shape.map((n, d) => (d === at ? 1 : n)),
    ),
    at,
  );
}

/** `x[i] = update` along a dim. */
export function dynamicUpdateIndexInDim<T extends Tensor>(x: T, update: Tensor, index: Operand, dim = 0): T {
  const at = dimOf(x, dim);
  const starts = x.shape.map((_, d): Operand => (d === at ? index : 0));
  return dynamicUpdateSlice(x, expandDims(update, at), starts);
}

/** 1 at the index, 0 elsewhere, along a new last dim. */
export function oneHot<D extends DType = 'f32'>(indices: Tensor, size: number, dtype?: D): Tensor<D> {
  const shape = [...indices.shape, size];
  const wide = broadcastInDim(
    indices,
    shape,
    indices.shape.map((_, d) => d),
  );
  return convert(equal(wide, iota(shape, indices.rank, indices.dtype)), (dtype ?? 'f32') as D);
}

/** Rows of a table: table [rows, features], ids [...] → [..., features]. */
export const embeddingLookup = (table: Tensor, ids: Tensor): Tensor => take(table, ids, 0);

/** Sorted along a dim, stable. */
export function sort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): Tensor {
  return sortTogether([x], dim, options)[0] as Tensor;
}

/** The order that sorts. */
export function argsort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): Tensor<'i32'> {
  return sortTogether([x, iota(x.shape, dimOf(x, dim))], dim, options)[1] as Tensor<'i32'>;
}

/** All operands in the order that sorts the first. */
export function sortTogether(operands: readonly Tensor[], dim = -1, options: { descending?: boolean } = {}): Tensor[] {
  const trace = currentTrace();
  const [keys] = operands;
  if (keys === undefined) fail('SH0206', 'sort takes at least one tensor');
  const ids = operands.map((t) => trace.id(t));
  const made = trace.build((b) => {
    const before = b.region(() => {
      const params = operands.flatMap((t) => [b.param(tensor(t.dtype, [])), b.param(tensor(t.dtype, []))]);
      const { class: cls } = DTYPES[keys.dtype];
      const compare_type = cls === 'float' ? 'TOTALORDER' : cls === 'signed' ? 'SIGNED' : 'UNSIGNED';
      const direction = options.descending === true ? 'GT' : 'LT';
      b.op('return', [b.one('compare', params.slice(0, 2), { direction, compare_type })], [], b.origin);
    });
    return b.apply('sort', ids, { dim: dimOf(keys, dim), is_stable: true }, [before]);
  });
  return made.map((id: ValueId) => trace.tensor(id));
}

/** The k largest of the last dim and their places. */
export function topK(x: Tensor, k: number): [values: Tensor, indices: Tensor<'i32'>] {
  const [values, indices] = currentTrace().emit('top_k', [x], { k }) as [Tensor, Tensor<'i32'>];
  return [values, indices];
}

/** Index vectors from one tensor per dim: `[i, j]` → [..., 2]. */
export function stackIndices(parts: readonly Tensor[]): Tensor {
  const shape = parts.reduce<Shape>((s, p) => (p.rank > s.length ? p.shape : s), []);
  return concatenate(
    parts.map((p) => reshape(broadcastTo(convert(p, 'i32'), shape), [...shape, 1])),
    shape.length,
  );
}

/** Negative indices count from the end. */
export function wrapIndices(indices: Tensor, size: number): Tensor {
  return select(less(indices, 0), add(indices, size), indices);
}

/** A start index: a number becomes an i32 scalar. */
function asIndices(x: Operand): Tensor {
  if (!isNumber(x)) {
    mustBeTensor(x);
    integers('this op', x);
    return x;
  }
  if (!Number.isInteger(Number(x))) fail('SH0613', `${String(x)} is not an index`, { expected: 'a whole number' });
  return convert(asTensor(BigInt(x as number)), 'i32');
}

function integers(what: string, x: Tensor): void {
  if (!isInteger(x.dtype))
    fail('SH0613', `${what} takes integers for indices, got ${String(x)}`, { help: "convert(x, 'i32')" });
}
