/**
 * Stacks: the copies of a value in one array [copies, …local shape], so that one call works on all of them. A call may
 * read several stacks that hold the same data over different devices; each comes with the row that each copy reads.
 */
import type { Storage, TensorArray } from '../ir/array.ts';
import { roomLike } from './memory/room.ts';

export interface Rows {
  /** [rows, …local shape]. */
  readonly stack: TensorArray;
  /** Copy of the call → row; absent: copy c reads row c. */
  readonly of?: Int32Array;
}

/** Storage elements per row. */
export const rowLength = (stack: TensorArray): number => stack.data.length / (stack.shape[0] as number);

/** One array as a stack of one. */
export const stackOfOne = (array: TensorArray): TensorArray => ({ ...array, shape: [1, ...array.shape] });

/** Row `row` as an array of its own; shares the data. */
export function rowOf(stack: TensorArray, row: number): TensorArray {
  const shape = stack.shape.slice(1);
  if (stack.shape[0] === 1) return { dtype: stack.dtype, shape, data: stack.data };
  const length = rowLength(stack);
  return { dtype: stack.dtype, shape, data: stack.data.subarray(row * length, (row + 1) * length) };
}

/** These rows, in this order. */
export function takeRows(stack: TensorArray, rows: Int32Array): TensorArray {
  const length = rowLength(stack);
  const data = roomLike(stack.data, length * rows.length) as Float64Array;
  const from = stack.data as Float64Array;
  if (length === 1)
    rows.forEach((row, i) => {
      data[i] = from[row] as number;
    });
  else rows.forEach((row, i) => data.set(from.subarray(row * length, (row + 1) * length), i * length));
  return { dtype: stack.dtype, shape: [rows.length, ...stack.shape.slice(1)], data };
}

/** Arrays of one shape and type as the rows of a stack. */
export function stackOf(arrays: readonly TensorArray[]): TensorArray {
  const [first] = arrays as readonly [TensorArray];
  if (arrays.length === 1) return stackOfOne(first);
  const length = first.data.length;
  const data = roomLike(first.data, length * arrays.length) as Float64Array;
  arrays.forEach((a, i) => data.set(a.data as Float64Array, i * length));
  return { dtype: first.dtype, shape: [arrays.length, ...first.shape], data };
}

/** The stack that a call of identity rows would read. */
export const aligned = ({ stack, of }: Rows): TensorArray => (of === undefined ? stack : takeRows(stack, of));

/** Zeros of the same kind of storage. */
export const storageLike = (data: Storage, length: number): Storage =>
  new (data.constructor as new (n: number) => Storage)(length);
