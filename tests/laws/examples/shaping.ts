/** Ops that make or move elements: constant, iota, broadcast_in_dim, transpose, slice, pad, reshape, … */
import type { ElementArray } from '../../../ir/program.ts';
import type { DType } from '../../../ir/types.ts';
import { example, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

const constant = (dtype: DType, shape: readonly number[], data: ElementArray): OpExample =>
  example('constant', `-> ${dtype}[${shape.join(',')}]`, {
    attrs: { value: { data }, dtype, shape },
    note: data.length === 1 ? 'splat' : 'dense',
  });
const counting = (n: number): number[] => Array.from({ length: n }, (_, i) => i * 0.5 - 3);

const constants: readonly OpExample[] = [
  constant('f32', [4, 6], Float64Array.of(1.5)),
  constant('f32', [4, 6], Float64Array.from(counting(24))),
  constant('bf16', [6], Float64Array.from(counting(6))),
  constant('f32', [3], Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)),
  constant('f32', [2], Float64Array.of(-0, 1e-30)),
  constant('i32', [6], Int32Array.of(-1, 0, 1, 2, 2 ** 31 - 1, -(2 ** 31))),
  constant('i64', [2, 2], BigInt64Array.of(-1n, 2n ** 62n, 3n, 4n)),
  constant('u64', [2], BigUint64Array.of(2n ** 64n - 1n, 0n)),
  constant('i4', [4], Int8Array.of(-8, 7, 0, -1)),
  constant('u16', [2], Uint16Array.of(65535, 1)),
  constant('f16', [4], Float64Array.of(65504, 2 ** -24, Number.NEGATIVE_INFINITY, -0)),
  constant('f64', [4], Float64Array.of(1e300, 5e-324, 0.1, Number.NaN)),
  constant('u8', [4], Uint8Array.of(0, 255, 7, 1)),
  constant('pred', [4], Uint8Array.of(0, 1, 1, 0)),
  constant('pred', [4, 4], Uint8Array.of(1)),
  constant('f32', [], Float64Array.of(2)),
  constant('f32', [0, 4], Float64Array.of()),
  constant('f32', [1, 6], Float64Array.from(counting(6))),
];

const iota = (dtype: DType, shape: readonly number[], dim: number): OpExample =>
  example('iota', `-> ${dtype}[${shape.join(',')}]`, { attrs: { dim, dtype, shape } });
const broadcast = (signature: string, dims: readonly number[], shape: readonly number[]): OpExample =>
  example('broadcast_in_dim', signature, { attrs: { dims, shape } });
const transpose = (signature: string, permutation: readonly number[]): OpExample =>
  example('transpose', signature, { attrs: { permutation } });
const reverse = (signature: string, dims: readonly number[]): OpExample =>
  example('reverse', signature, { attrs: { dims } });
const rotate = (signature: string, dim: number, by: number, size?: number): OpExample =>
  example('rotate', signature, { attrs: { dim, by, ...(size === undefined ? {} : { size }) } });
const slice = (
  signature: string,
  start: readonly number[],
  limit: readonly number[],
  strides: readonly number[],
): OpExample => example('slice', signature, { attrs: { start, limit, strides } });
const pad = (
  signature: string,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[],
): OpExample => example('pad', signature, { attrs: { low, high, interior } });
const concatenate = (signature: string, dim: number): OpExample =>
  example('concatenate', signature, { attrs: { dim } });
const reshape = (from: string, to: readonly number[], dtype = 'f32'): OpExample =>
  example('reshape', `${dtype}[${from}] -> ${dtype}[${to.join(',')}]`, { attrs: { shape: to } });

const makers: readonly OpExample[] = [
  iota('i32', [12], 0),
  iota('i32', [4, 6], 0),
  iota('i32', [4, 6], 1),
  iota('f32', [6, 2], 0),
  iota('bf16', [12], 0),
  iota('i64', [6, 4], 1),
  iota('u32', [6], 0),
  iota('u8', [4], 0),
  iota('i32', [1, 6], 0),
  iota('f32', [0, 4], 1),
];

const movers: readonly OpExample[] = [
  broadcast('f32[] -> f32[4,6]', [], [4, 6]),
  broadcast('f32[6] -> f32[4,6]', [1], [4, 6]),
  broadcast('f32[4] -> f32[4,6]', [0], [4, 6]),
  broadcast('f32[1,6] -> f32[4,6]', [0, 1], [4, 6]),
  broadcast('f32[6,4] -> f32[4,2,6]', [2, 0], [4, 2, 6]),
  broadcast('i64[1] -> i64[1]', [0], [1]),
  broadcast('pred[4] -> pred[4,6]', [0], [4, 6]),
  broadcast('bf16[0] -> bf16[0,4]', [0], [0, 4]),
  transpose('f32[4,6] -> f32[6,4]', [1, 0]),
  transpose('f32[4,2,6] -> f32[6,4,2]', [2, 0, 1]),
  transpose('bf16[4,4] -> bf16[4,4]', [1, 0]),
  transpose('i64[1,6] -> i64[6,1]', [1, 0]),
  transpose('pred[0,4] -> pred[4,0]', [1, 0]),
  transpose('f32[] -> f32[]', []),
  reverse('f32[4,6] -> f32[4,6]', [0]),
  reverse('i32[4,6] -> i32[4,6]', [0, 1]),
  reverse('bf16[4,1] -> bf16[4,1]', [1]),
  reverse('i64[4] -> i64[4]', []),
  rotate('f32[4,6] -> f32[4,6]', 0, 1),
  rotate('f32[4,6] -> f32[4,6]', 1, -1),
  rotate('i32[12] -> i32[12]', 0, 5),
  rotate('bf16[12,2] -> bf16[12,2]', 0, -7),
  rotate('i64[4] -> i64[4]', 0, 0),
  rotate('f32[6,4] -> f32[6,4]', 0, 9),
  rotate('f32[0,4] -> f32[0,4]', 0, 1),
  rotate('f32[12,2] -> f32[12,2]', 0, 1, 10),
  rotate('f32[12,2] -> f32[12,2]', 0, -2, 11),
  rotate('f32[12] -> f32[12]', 0, 4, 7),
  rotate('i32[12] -> i32[12]', 0, -3, 7),
  rotate('f32[2,12] -> f32[2,12]', 1, 5, 10),
  rotate('f32[12] -> f32[12]', 0, 3, 0),
  slice('f32[4,6] -> f32[4,3]', [0, 1], [4, 4], [1, 1]),
  slice('f32[8,6] -> f32[4,6]', [1, 0], [8, 6], [2, 1]),
  slice('i32[6,4] -> i32[2,4]', [1, 0], [6, 4], [3, 1]),
  slice('bf16[4,6] -> bf16[4,6]', [0, 0], [4, 6], [1, 1]),
  slice('f32[4,6] -> f32[4,0]', [0, 3], [4, 3], [1, 1]),
  slice('i64[1,6] -> i64[1,6]', [0, 0], [1, 6], [2, 1]),
  slice('f32[6,4] -> f32[2,4]', [4, 0], [6, 4], [1, 1]),
  pad('(f32[4,6], f32[]) -> f32[4,9]', [0, 1], [0, 2], [0, 0]),
  pad('(f32[4,6], f32[]) -> f32[4,3]', [0, -1], [0, -2], [0, 0]),
  pad('(i32[4,3], i32[]) -> i32[4,5]', [0, 0], [0, 0], [0, 1]),
  pad('(f32[4,3], f32[]) -> f32[4,6]', [0, -1], [0, 0], [0, 2]),
  pad('(f32[2,4], f32[]) -> f32[2,6]', [0, 0], [0, -1], [0, 1]),
  pad('(f32[6,2], f32[]) -> f32[15,2]', [-2, 0], [1, 0], [2, 0]),
  pad('(bf16[4,6], bf16[]) -> bf16[6,6]', [2, 0], [0, 0], [0, 0]),
  pad('(f32[0,4], f32[]) -> f32[3,4]', [1, 0], [2, 0], [0, 0]),
  pad('(f32[0,4], f32[]) -> f32[0,6]', [0, 0], [0, 2], [0, 0]),
  pad('(i64[4,2], i64[]) -> i64[4,4]', [0, 1], [0, 1], [0, 0]),
  pad('(pred[4], pred[]) -> pred[8]', [0], [4], [0]),
  pad('(f32[4,6], f32[]) -> f32[4,6]', [0, 2], [0, -2], [0, 0]),
];

const joiners: readonly OpExample[] = [
  concatenate('(f32[4,6], f32[4,6]) -> f32[4,12]', 1),
  concatenate('(f32[2,6], f32[4,6], f32[6,6]) -> f32[12,6]', 0),
  concatenate('(i64[4,1], i64[4,3]) -> i64[4,4]', 1),
  concatenate('(bf16[0,4], bf16[2,4]) -> bf16[2,4]', 0),
  concatenate('f32[4,6] -> f32[4,6]', 0),
  concatenate('(pred[4], pred[2]) -> pred[6]', 0),
];

const reshapes: readonly OpExample[] = [
  reshape('4,6', [24]),
  reshape('24', [4, 6]),
  reshape('4,6', [2, 2, 6]),
  reshape('2,2,6', [4, 6]),
  reshape('12,4', [4, 12]),
  reshape('4,6', [6, 4]),
  reshape('8,3', [4, 6]),
  reshape('6', [1, 6]),
  reshape('1,6', [6]),
  reshape('6', [6, 1]),
  reshape('6,1', [6]),
  reshape('4,1,6', [4, 6]),
  reshape('4,6', [4, 1, 6]),
  reshape('1', []),
  reshape('', [1]),
  reshape('1,1', [1]),
  reshape('0,4', [2, 0]),
  reshape('4,6', [4, 6]),
  reshape('4,2,6', [8, 6], 'bf16'),
  reshape('2,12', [2, 3, 4], 'i64'),
  reshape('4,4', [2, 2, 2, 2], 'pred'),
  reshape('6,4', [2, 12]),
  reshape('4,9', [6, 6]),
  reshape('2,3', [3, 2]),
  reshape('4,6', [1, 4, 6, 1]),
  reshape('1,4', [4, 1]),
];

export const shapingExamples: readonly OpExample[] = [...constants, ...makers, ...movers, ...joiners, ...reshapes];
