/** Rows of a stack for groups of devices: set side by side, added up, cut into parts. */
import type { TensorArray } from '../ir/array.ts';
import { offsetIn, planBlock, storageCount } from './blocks.ts';
import { inLanes } from './kernels/elementwise.ts';
import { runMove } from './kernels/move.ts';
import { roomLike } from './memory/room.ts';
import type { Partition } from './partition.ts';
import { rowLength, storageLike } from './stacked.ts';

/** Row i: the rows `members[i]` of `stack` set at `places`, by rank, of an array of this shape. */
export function joined(
  stack: TensorArray,
  members: readonly Int32Array[],
  shape: readonly number[],
  places: readonly (readonly number[])[],
): TensorArray {
  const { dtype } = stack;
  const local = stack.shape.slice(1);
  const [length, block] = [storageCount(shape, dtype), storageCount(local, dtype)];
  const data = roomLike(stack.data, members.length * length);
  const plan = planBlock(local, local, shape, dtype);
  const offsets = places.map((p) => offsetIn(shape, p, dtype));
  members.forEach((copies, i) => {
    copies.forEach((copy, rank) =>
      runMove(plan, stack.data, copy * block, data, i * length + (offsets[rank] as number)),
    );
  });
  return { dtype, shape: [members.length, ...shape], data };
}

/** Floats whose storage rounds every sum as their element type does. */
export const addsInPlace = ({ data, dtype }: TensorArray): boolean =>
  data instanceof Float64Array || (data instanceof Float32Array && dtype === 'f32');

/** Row i: the sum of the rows `members[i]`, in their order. */
export function sums(stack: TensorArray, members: readonly Int32Array[]): TensorArray {
  const length = rowLength(stack);
  const from = stack.data as Float64Array;
  const data = roomLike(from, members.length * length) as Float64Array;
  const add = inLanes('add', data, from, data);
  members.forEach(([first, ...rest], i) => {
    if (first !== undefined) data.set(from.subarray(first * length, (first + 1) * length), i * length);
    for (const row of rest) add(data, i * length, from, row * length, data, i * length, length);
  });
  return { ...stack, shape: [members.length, ...stack.shape.slice(1)], data };
}

/** Per copy of the partition: the block of these sizes out of row `row(device)`, from `start(device)` on. */
export function cut(
  stack: TensorArray,
  partition: Partition,
  row: (device: number) => number,
  sizes: readonly number[],
  start: (device: number) => readonly number[],
): TensorArray {
  const { dtype } = stack;
  const whole = stack.shape.slice(1);
  const [length, part] = [storageCount(whole, dtype), storageCount(sizes, dtype)];
  const data = roomLike(stack.data, partition.copies * part);
  const plan = planBlock(sizes, whole, sizes, dtype);
  partition.firstDevice.forEach((device, copy) => {
    runMove(plan, stack.data, row(device) * length + offsetIn(whole, start(device), dtype), data, copy * part);
  });
  return { dtype, shape: [partition.copies, ...sizes], data };
}

/** The stack with a row of zeros at its end. */
export function withZeros(stack: TensorArray): TensorArray {
  const rows = stack.shape[0] as number;
  const data = storageLike(stack.data, (stack.data.length / rows) * (rows + 1)) as Float64Array;
  data.set(stack.data as Float64Array);
  return { ...stack, shape: [rows + 1, ...stack.shape.slice(1)], data };
}
