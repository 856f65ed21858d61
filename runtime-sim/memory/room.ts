/**
 * Room for the results of kernels: on the heap while a run is under way, else arrays of their own. Its contents are
 * unspecified: who asks for room writes all of it.
 */
import { allocate, type Precision, type Storage, type TensorArray } from '../../ir/array.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { type DType, isComplex } from '../../ir/types.ts';
import { Heap } from './heap.ts';

/** Made by the first run that wants it, and used by every later one. */
let heap: Heap | undefined;
let current: Heap | undefined;

/** Runs a program on the heap. What leaves it must be copied out (`settled`). A run within a run does without. */
export function onHeap<T>(run: () => T): T {
  if (current !== undefined) return run();
  heap ??= Heap.make();
  current = heap;
  current?.reset();
  try {
    return run();
  } finally {
    current = undefined;
  }
}

export const heapNow = (): Heap | undefined => current;

export function room(dtype: DType, count: number, precision: Precision): Storage {
  if (isComplex(dtype)) throw internalError(`a kernel for real numbers was given ${dtype}`);
  const like = allocate(dtype, 0, precision);
  return current?.array(like, count) ?? allocate(dtype, count, precision);
}

/** Room for the same kind of elements. */
export const roomLike = (data: Storage, length: number): Storage =>
  current?.array(data, length) ?? new (data.constructor as new (n: number) => Storage)(length);

/** The array, off the heap. */
export const settled = (array: TensorArray): TensorArray =>
  heap?.addressOf(array.data) === undefined ? array : { ...array, data: array.data.slice() };

/** The array, on the heap where it is large: kernels reach it there. */
export function onto(array: TensorArray): TensorArray {
  if (current === undefined || current.addressOf(array.data) !== undefined) return array;
  const data = current.array(array.data, array.data.length);
  if (data === undefined) return array;
  (data as Float64Array).set(array.data as Float64Array);
  return { ...array, data };
}
