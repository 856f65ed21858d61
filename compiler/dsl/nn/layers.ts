/** Layers as functions of parameter trees: each `…Specs` gives the tree's specs, which may be sharded leaf by leaf. */
import { fail } from '../errors.ts';
import type { DimSpec } from '../mesh.ts';
import { take } from '../ops/indexing.ts';
import { conv as convolve, type ConvOptions } from '../ops/windows.ts';
import { add, divide, multiply, rsqrt, select, square, subtract } from '../ops/elementwise.ts';
import { batchNormInference } from '../ops/normalisation.ts';
import { bernoulli, type Key } from '../random.ts';
import { einsum } from '../ops/contractions.ts';
import { mean } from '../ops/reductions.ts';
import { type Spec, spec } from '../spec.ts';
import type { Tensor } from '../tensor.ts';
import type { DType } from '../../../ir/types.ts';

export interface Dense {
  /** [in, out] */
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

/** x [..., in] → [..., out]. */
export function dense({ kernel, bias }: Dense, x: Tensor): Tensor {
  if (kernel.rank !== 2 || x.shape.at(-1) !== kernel.shape[0])
    fail('SH0204', `dense: a kernel ${String(kernel)} on ${String(x)}`, {
      expected: 'x [..., in] and a kernel [in, out]',
    });
  const letters = 'abcdefgh'.slice(0, x.rank - 1);
  const y = einsum(`${letters}y,yz->${letters}z`, x, kernel);
  return bias === undefined ? y : add(y, bias);
}

export interface LayerOptions {
  readonly dtype?: DType;
  readonly bias?: boolean;
  readonly sharding?: readonly DimSpec[];
}

export function denseSpecs(inputs: number, outputs: number, options: LayerOptions = {}): { kernel: Spec; bias?: Spec } {
  const { dtype = 'f32', bias = false, sharding = [] } = options;
  const kernel = spec(dtype, [inputs, outputs], ...sharding) as Spec;
  if (!bias) return { kernel };
  return { kernel, bias: spec(dtype, [outputs], ...sharding.slice(1)) as Spec };
}

/** x / √(mean x² + ε) × scale, over the last dim. */
export function rmsNorm(scale: Tensor, x: Tensor, epsilon = 1e-6): Tensor {
  return multiply(multiply(x, rsqrt(add(mean(square(x), -1, { keepDims: true }), epsilon))), scale);
}

/** (x − mean) / √(variance + ε) × scale + bias, over the last dim. */
export function layerNorm({ scale, bias }: { scale: Tensor; bias: Tensor }, x: Tensor, epsilon = 1e-5): Tensor {
  const centred = subtract(x, mean(x, -1, { keepDims: true }));
  const factor = rsqrt(add(mean(square(centred), -1, { keepDims: true }), epsilon));
  return add(multiply(multiply(centred, factor), scale), bias);
}

export interface BatchNorm {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** By running statistics, each [features]; features are the last dim. */
export function batchNorm({ scale, bias, mean: m, variance: v }: BatchNorm, x: Tensor, epsilon = 1e-5): Tensor {
  return batchNormInference(x, scale, bias, m, v, { epsilon });
}

/** Keeps each element with probability 1 − rate, scaled so that the mean stays. */
export function dropout(key: Key, x: Tensor, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1)) fail('SH0613', `dropout of ${rate} of all elements`, { expected: 'from 0 to below 1' });
  return rate === 0 ? x : select(bernoulli(key, 1 - rate, x.shape), divide(x, 1 - rate), 0);
}

/** Rows of a table [rows, features] by ids [...]. */
export const embedding = (table: Tensor, ids: Tensor): Tensor => take(table, ids, 0);

/** Scores of every row: x [..., features] → [..., rows]. */
export function unembed(table: Tensor, x: Tensor): Tensor {
  const letters = 'abcdefgh'.slice(0, x.rank - 1);
  return einsum(`${letters}y,zy->${letters}z`, x, table);
}

/** x [batch, ...spatial, in], kernel [...spatial, in, out]. */
export function conv({ kernel, bias }: Dense, x: Tensor, options: ConvOptions = {}): Tensor {
  const y = convolve(x, kernel, options);
  return bias === undefined ? y : add(y, bias);
}
