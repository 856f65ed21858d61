/** Tensors from nothing: constants and counting. */
import { elementsOf } from '../../../ir/elements.ts';
import { type DType, elementCount, tensor, typeText } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Matrix, Shape, Tensor, Vector } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { less } from './elementwise.ts';
import { checkDType, checkShape } from './types.ts';

export type Nested = number | bigint | boolean | readonly Nested[];

/** Numbers in nested arrays; f32 unless said otherwise (pred for booleans). */
export function constant(values: Nested, dtype?: DType): Tensor {
  if (dtype !== undefined) checkDType(dtype);
  const shape: number[] = [];
  for (let at: Nested = values; Array.isArray(at); at = at[0] as Nested) shape.push(at.length);
  const flat: (number | bigint)[] = [];
  let booleans = true;
  const visit = (node: Nested, depth: number): void => {
    if (Array.isArray(node)) {
      if (depth >= shape.length || node.length !== shape[depth])
        fail('SH0106', 'the rows of a constant differ in length', { expected: `shape [${shape.join(', ')}]` });
      for (const child of node) visit(child, depth + 1);
      return;
    }
    if (depth !== shape.length)
      fail('SH0106', 'the rows of a constant differ in depth', { expected: `shape [${shape.join(', ')}]` });
    booleans &&= typeof node === 'boolean';
    flat.push(typeof node === 'boolean' ? Number(node) : (node as number | bigint));
  };
  visit(values, 0);
  const type = tensor(dtype ?? (booleans && flat.length > 0 ? 'pred' : 'f32'), shape);
  if (elementCount(type) !== flat.length) fail('SH0106', `${flat.length} numbers do not fill ${typeText(type)}`);
  const attrs = { value: { data: elementsOf(type.dtype, flat) }, dtype: type.dtype, shape };
  return currentTrace().emit('constant', [], attrs)[0] as Tensor;
}

export function full<const S extends Shape, D extends DType = 'f32'>(
  shape: S,
  value: number | bigint,
  dtype?: D,
): Tensor<D, Lengths<S>> {
  const trace = currentTrace();
  checkShape(shape);
  if (dtype !== undefined) checkDType(dtype);
  return trace.tensor(trace.build((b) => b.splat(value, tensor(dtype ?? 'f32', shape)))) as Tensor<D, Lengths<S>>;
}

/** A shape as dims of any extent: what stays true when other code is given it. */
export type Lengths<S extends Shape> = number extends S['length'] ? Shape : { readonly [K in keyof S]: number };

export const zeros = <const S extends Shape, D extends DType = 'f32'>(shape: S, dtype?: D): Tensor<D, Lengths<S>> =>
  full(shape, 0, dtype);
export const ones = <const S extends Shape, D extends DType = 'f32'>(shape: S, dtype?: D): Tensor<D, Lengths<S>> =>
  full(shape, 1, dtype);
export const zerosLike = <T extends Tensor>(x: T): T => full(x.shape, 0, x.dtype) as Tensor as T;
export const onesLike = <T extends Tensor>(x: T): T => full(x.shape, 1, x.dtype) as Tensor as T;

/** Counts 0, 1, … along one dim. */
export function iota(shape: Shape, dim: number, dtype: DType = 'i32'): Tensor {
  checkShape(shape);
  checkDType(dtype);
  if (dim < 0 || dim >= shape.length) fail('SH0204', `iota: ${dim} is not a dim of [${shape.join(', ')}]`);
  return currentTrace().emit('iota', [], { dim, dtype, shape })[0] as Tensor;
}

export const arange = (n: number, dtype: DType = 'i32'): Vector => iota([n], 0, dtype) as Vector;

/** Ones on the diagonal. */
export function eye(n: number, dtype: DType = 'f32'): Matrix {
  const trace = currentTrace();
  const [rows, columns] = [iota([n, n], 0), iota([n, n], 1)];
  const [same] = trace.emit('compare', [rows, columns], { direction: 'EQ', compare_type: 'SIGNED' });
  return trace.emit('convert', [same as Tensor], { dtype })[0] as Matrix;
}

/** A pred [rows, columns] that holds at and below the diagonal: what position q may attend to. */
export function causalMask(rows: number, columns: number, offset = 0): Tensor<'pred', readonly [number, number]> {
  const [q, k] = [iota([rows, columns], 0), iota([rows, columns], 1)];
  return less(k, addOffset(q, offset + 1)) as Tensor<'pred', readonly [number, number]>;
}

function addOffset(x: Tensor, by: number): Tensor {
  const trace = currentTrace();
  const offset = trace.tensor(trace.build((b) => b.splat(by, tensor(x.dtype, x.shape))));
  return trace.emit('add', [x, offset])[0] as Tensor;
}
