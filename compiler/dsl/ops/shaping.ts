/** Ops that move elements: reshape, transpose, broadcast, concatenate, slice, pad, reverse and their jax.numpy forms. */
import { type DType, tensor } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { currentTrace, mustBeTensor } from '../trace.ts';
import { convert } from './elementwise.ts';
import type { Lengths } from './creation.ts';
import { commonType, dimOf, dimsOf } from './lift.ts';
import { checkDType, checkShape } from './types.ts';

/** Row-major; one extent may be -1, which is what is left. */
export function reshape<D extends DType, const S extends Shape>(x: Tensor<D>, shape: S): Tensor<D, Lengths<S>> {
  const count = x.shape.reduce((n, d) => n * d, 1);
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const filled = shape.map((d) => (d === -1 && known > 0 && count % known === 0 ? count / known : d));
  if (shape.filter((d) => d === -1).length > 1)
    fail('SH0106', `reshape to [${shape.join(', ')}]`, { expected: 'at most one -1' });
  return currentTrace().emit('reshape', [x], { shape: filled })[0] as Tensor<D, Lengths<S>>;
}

/** Result dim i is operand dim `permutation[i]`; without one, all dims in reverse. */
export function transpose<T extends Tensor>(x: T, permutation?: readonly number[]): T {
  const dims = permutation === undefined ? x.shape.map((_, d) => x.shape.length - 1 - d) : dimsOf(x, permutation);
  if (dims.length !== x.shape.length)
    fail('SH0204', `transpose: [${dims.join(', ')}] does not place every dim of ${String(x)}`, {
      expected: `the ${x.shape.length} dims, each once`,
    });
  if (dims.every((from, to) => from === to)) return x;
  return currentTrace().emit('transpose', [x], { permutation: dims })[0] as T;
}

export function swapDims<T extends Tensor>(x: T, a: number, b: number): T {
  const dims = x.shape.map((_, d) => d);
  [dims[dimOf(x, a)], dims[dimOf(x, b)]] = [dimOf(x, b), dimOf(x, a)];
  return transpose(x, dims);
}

/** The dim to another place, the others in order. */
export function moveDim<T extends Tensor>(x: T, from: number, to: number): T {
  const dims = x.shape.map((_, d) => d).filter((d) => d !== dimOf(x, from));
  dims.splice(dimOf(x, to), 0, dimOf(x, from));
  return transpose(x, dims);
}

/** By NumPy's rule: dims align at the end, extent 1 stretches. */
export function broadcastTo<D extends DType, const S extends Shape>(x: Tensor<D>, shape: S): Tensor<D, Lengths<S>> {
  const trace = currentTrace();
  checkShape(shape);
  const fits =
    x.shape.length <= shape.length &&
    x.shape.every((n, d) => n === 1 || n === shape[shape.length - x.shape.length + d]);
  if (!fits) fail('SH0204', `[${x.shape.join(',')}] does not broadcast to [${shape.join(',')}]`);
  const id = trace.id(x);
  return trace.tensor(trace.build((b) => b.broadcastTo(id, shape))) as Tensor<D, Lengths<S>>;
}

/** Operand dim i becomes result dim `dims[i]`. */
export function broadcastInDim(x: Tensor, shape: Shape, dims: readonly number[]): Tensor {
  return currentTrace().emit('broadcast_in_dim', [x], { shape, dims })[0] as Tensor;
}

/** Dims of extent 1 at these places of the result. */
export function expandDims(x: Tensor, dims: number | readonly number[]): Tensor {
  const added = typeof dims === 'number' ? [dims] : dims;
  const rank = x.shape.length + added.length;
  const places = added.map((d) => (d < 0 ? d + rank : d));
  if (places.some((d) => d < 0 || d >= rank))
    fail('SH0204', `[${added.join(', ')}] are not dims of a result of rank ${rank}`);
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, d) => (places.includes(d) ? 1 : (rest.shift() as number)));
  return reshape(x, shape) as Tensor;
}

/** Without these dims of extent 1; all such dims by default. */
export function squeeze(x: Tensor, dims?: number | readonly number[]): Tensor {
  const gone = dims === undefined ? x.shape.flatMap((n, d) => (n === 1 ? [d] : [])) : dimsOf(x, dims);
  const wide = gone.find((d) => x.shape[d] !== 1);
  if (wide !== undefined) fail('SH0204', `squeeze: dim ${wide} of [${x.shape.join(',')}] is not 1`);
  return reshape(
    x,
    x.shape.filter((_, d) => !gone.includes(d)),
  ) as Tensor;
}

export function concatenate(parts: readonly Tensor[], dim = 0): Tensor {
  const trace = currentTrace();
  mustBeList('concatenate', parts);
  const [first] = parts;
  const at = dimOf(first, dim);
  const odd = parts.find((p) => p.rank !== first.rank || p.shape.some((n, d) => d !== at && n !== first.shape[d]));
  if (odd !== undefined)
    fail(
      'SH0204',
      `concatenate along dim ${at}: [${first.shape.join(',')}] and [${odd.shape.join(',')}] differ in another dim`,
    );
  const dtype = commonType(trace, parts);
  return trace.emit(
    'concatenate',
    parts.map((p) => convert(p, dtype)),
    { dim: at },
  )[0] as Tensor;
}

function mustBeList(what: string, parts: readonly Tensor[]): asserts parts is readonly [Tensor, ...Tensor[]] {
  if (!Array.isArray(parts) || parts.length === 0)
    fail('SH0206', `${what} takes a list of tensors`, { expected: `${what}([x, y], dim)` });
  parts.forEach(mustBeTensor);
}

export function stack(parts: readonly Tensor[], dim = 0): Tensor {
  mustBeList('stack', parts);
  return concatenate(
    parts.map((p) => expandDims(p, dim)),
    dim,
  );
}

/** Elements start, start + stride, … below limit, per dim. */
export function slice(x: Tensor, start: Shape, limit: Shape, strides: Shape = x.shape.map(() => 1)): Tensor {
  return currentTrace().emit('slice', [x], { start, limit, strides })[0] as Tensor;
}

/** One dim cut, the others whole; negative ends count from the end. */
export function sliceInDim(
  x: Tensor,
  start: number,
  limit?: number,
  options: { dim?: number; stride?: number } = {},
): Tensor {
  const { dim = 0, stride = 1 } = options;
  const at = dimOf(x, dim);
  const size = x.shape[at] as number;
  const place = (i: number): number => (i < 0 ? i + size : i);
  return slice(
    x,
    x.shape.map((_, d) => (d === at ? place(start) : 0)),
    x.shape.map((n, d) => (d === at ? place(limit ?? size) : n)),
    x.shape.map((_, d) => (d === at ? stride : 1)),
  );
}

/** The element at a fixed place of a dim, which goes away: `x[i]`. */
export function indexInDim(x: Tensor, index: number, dim = 0): Tensor {
  const at = dimOf(x, dim);
  const size = x.shape[at] as number;
  const place = index < 0 ? index + size : index;
  return squeeze(sliceInDim(x, place, place + 1, { dim: at }), at);
}

/** Equal parts along a dim. */
export function split(x: Tensor, parts: number, dim = 0): Tensor[] {
  const at = dimOf(x, dim);
  const size = (x.shape[at] as number) / parts;
  if (!Number.isInteger(size))
    fail('SH0204', `dim ${at} of [${x.shape.join(',')}] does not split into ${parts} equal parts`);
  return Array.from({ length: parts }, (_, i) => sliceInDim(x, i * size, (i + 1) * size, { dim: at }));
}

export interface Padding {
  readonly low?: number;
  readonly high?: number;
  /** Between elements. */
  readonly interior?: number;
}

/** One entry per dim; negative paddings crop. */
export function pad<T extends Tensor>(
  x: T,
  paddings: readonly (Padding | readonly [number, number] | null)[],
  value = 0,
): T {
  const trace = currentTrace();
  if (paddings.length !== x.shape.length)
    fail('SH0204', `pad takes one entry per dim: ${x.shape.length}, got ${paddings.length}`);
  const entries = paddings.map((p): Padding => (isPair(p) ? { low: p[0], high: p[1] } : (p ?? {})));
  const fill = trace.tensor(trace.build((b) => b.splat(value, tensor(x.dtype, []))));
  return trace.emit('pad', [x, fill], {
    low: entries.map((p) => p.low ?? 0),
    high: entries.map((p) => p.high ?? 0),
    interior: entries.map((p) => p.interior ?? 0),
  })[0] as T;
}

const isPair = (p: Padding | readonly [number, number] | null): p is readonly [number, number] => Array.isArray(p);

export function reverse<T extends Tensor>(x: T, dims?: number | readonly number[]): T {
  return currentTrace().emit('reverse', [x], { dims: dimsOf(x, dims) })[0] as T;
}

/** Element i moves to i + shift, around the end. */
export function roll<T extends Tensor>(x: T, shift: number, dim = 0): T {
  const at = dimOf(x, dim);
  const size = x.shape[at] as number;
  const by = size === 0 ? 0 : ((shift % size) + size) % size;
  if (by === 0) return x;
  return concatenate([sliceInDim(x, size - by, size, { dim: at }), sliceInDim(x, 0, size - by, { dim: at })], at) as T;
}

/** Each element `times` times in a row along a dim. */
export function repeat(x: Tensor, times: number, dim = 0): Tensor {
  const at = dimOf(x, dim);
  const wide = expandDims(x, at + 1);
  const shape = [...x.shape.slice(0, at + 1), times, ...x.shape.slice(at + 1)];
  return reshape(
    broadcastTo(wide, shape),
    x.shape.map((n, d) => (d === at ? n * times : n)),
  ) as Tensor;
}

/** The same bits as another type; where the widths differ, the last dim is split or joined. */
export function bitcastConvert(x: Tensor, dtype: DType, shape: Shape = x.shape): Tensor {
  checkDType(dtype);
  return currentTrace().emit('bitcast_convert', [x], { dtype, shape })[0] as Tensor;
}
