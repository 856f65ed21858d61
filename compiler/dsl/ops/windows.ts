/** Windows sliding over a tensor: reduce_window, pooling, convolution. */
import type { Monoid } from '../../../ir/layout.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { REDUCERS } from '../../../ir/typed-build.ts';
import { tensor } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { divide } from './elementwise.ts';
import { ones } from './creation.ts';
import { broadcastTo } from './shaping.ts';

/** One entry per dim; left out: stride and dilation 1, no padding. */
export interface Window {
  readonly window: Shape;
  readonly strides?: Shape;
  readonly padLow?: Shape;
  readonly padHigh?: Shape;
  readonly baseDilations?: Shape;
  readonly windowDilations?: Shape;
}

export function reduceWindow<T extends Tensor>(x: T, monoid: Monoid, window: Window): Tensor {
  const trace = currentTrace();
  const id = trace.id(x);
  const every = (n: number): number[] => x.shape.map(() => n);
  const made = trace.build((b) => {
    const init = b.splat(identityOf(monoid, x.dtype), tensor(x.dtype, []));
    const attrs = {
      window_dimensions: window.window,
      window_strides: window.strides ?? every(1),
      base_dilations: window.baseDilations ?? every(1),
      window_dilations: window.windowDilations ?? every(1),
      pad_low: window.padLow ?? every(0),
      pad_high: window.padHigh ?? every(0),
    };
    return b.one('reduce_window', [id, init], attrs, [b.reducer(REDUCERS[monoid], x.dtype)]);
  });
  return trace.tensor(made);
}

export interface Pool {
  /** Extents of the spatial dims: those between the first (batch) and the last (features). */
  readonly window: Shape;
  readonly strides?: Shape;
  readonly padding?: 'valid' | 'same';
}

export const maxPool = (x: Tensor, pool: Pool): Tensor => reduceWindow(x, 'max', poolWindow(x, pool));

/** Padding does not count. */
export function avgPool(x: Tensor, pool: Pool): Tensor {
  const window = poolWindow(x, pool);
  const total = reduceWindow(x, 'sum', window);
  if ((pool.padding ?? 'valid') === 'valid')
    return divide(
      total,
      pool.window.reduce((n, w) => n * w, 1),
    );
  const counts = reduceWindow(ones([1, ...x.shape.slice(1, -1), 1], x.dtype) as Tensor, 'sum', window);
  return divide(total, broadcastTo(counts, total.shape));
}

function poolWindow(x: Tensor, { window, strides = window, padding = 'valid' }: Pool): Window {
  const spatial = x.shape.slice(1, -1);
  if (window.length !== spatial.length || strides.length !== spatial.length)
    fail('SH0204', `a pool over [${x.shape.join(',')}] needs ${spatial.length} window extents and strides`, {
      expected: 'x as [batch, ...spatial, features]',
    });
  const pads = spatial.map((n, d) =>
    padding === 'same' ? samePadding(n, window[d] as number, strides[d] as number, 1) : [0, 0],
  );
  return {
    window: [1, ...window, 1],
    strides: [1, ...strides, 1],
    padLow: [0, ...pads.map((p) => p[0] as number), 0],
    padHigh: [0, ...pads.map((p) => p[1] as number), 0],
  };
}

/** So that the result has ceil(size / stride) elements (TensorFlow's SAME). */
function samePadding(size: number, window: number, stride: number, dilation: number): [number, number] {
  const reach = (window - 1) * dilation + 1;
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

export interface ConvOptions {
  readonly strides?: Shape;
  readonly padding?: 'valid' | 'same' | readonly (readonly [number, number])[];
  readonly inputDilation?: Shape;
  readonly kernelDilation?: Shape;
  readonly featureGroups?: number;
  readonly batchGroups?: number;
}

/** Input [batch, ...spatial, features], kernel [...spatial, input features / groups, output features]: JAX's NHWC, HWIO. */
export function conv(x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor {
  const rank = x.shape.length;
  if (rank < 2 || kernel.shape.length !== rank)
    fail('SH0204', `conv takes an input and a kernel of one rank, got ranks ${rank} and ${kernel.shape.length}`, {
      expected: 'input [batch, ...spatial, features], kernel [...spatial, input features, output features]',
    });
  const n = rank - 2;
  const spatial = Array.from({ length: n }, (_, i) => i);
  const every = spatial.map(() => 1);
  const { strides = every, inputDilation = every, kernelDilation = every, padding = 'valid' } = options;
  const pads = spatial.map((d): readonly [number, number] => {
    if (padding === 'valid') return [0, 0];
    if (padding !== 'same') return padding[d] ?? [0, 0];
    return samePadding(x.shape[d + 1] as number, kernel.shape[d] as number, strides[d] ?? 1, kernelDilation[d] ?? 1);
  });
  const dims = [0, n + 1, ...spatial.map((d) => d + 1)];
  return currentTrace().emit('convolution', [x, kernel], {
    input_dims: dims,
    kernel_dims: [n, n + 1, ...spatial],
    output_dims: dims,
    strides,
    pad_low: pads.map((p) => p[0]),
    pad_high: pads.map((p) => p[1]),
    lhs_dilation: inputDilation,
    rhs_dilation: kernelDilation,
    reversal: spatial.map(() => false),
    feature_group_count: options.featureGroups ?? 1,
    batch_group_count: options.batchGroups ?? 1,
    dtype: x.dtype,
  })[0] as Tensor;
}
