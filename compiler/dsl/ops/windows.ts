/** Windows sliding over a tensor: reduce_window, pooling, convolution. */
import type { OpAttrs } from '../../../ir/attrs.ts';
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

/** Of every window the first largest (or smallest) element gets the window's element of `source`, added to `start`. */
export function selectAndScatter<T extends Tensor>(
  x: T,
  source: Tensor,
  window: Pick<Window, 'window' | 'strides' | 'padLow' | 'padHigh'>,
  options: { readonly select?: 'largest' | 'smallest'; readonly start?: number } = {},
): T {
  const trace = currentTrace();
  const [id, of] = [trace.id(x), trace.id(source)];
  const every = (n: number): number[] => x.shape.map(() => n);
  const scalar = tensor(x.dtype, []);
  const made = trace.build((b) => {
    const better = b.region(() => {
      const params = [b.param(scalar), b.param(scalar)];
      const direction = options.select === 'smallest' ? 'LE' : 'GE';
      b.op('return', [b.one('compare', params, { direction })], [], b.origin);
    });
    const attrs = {
      window_dimensions: window.window,
      window_strides: window.strides ?? every(1),
      pad_low: window.padLow ?? every(0),
      pad_high: window.padHigh ?? every(0),
    };
    const regions = [better, b.reducer('add', x.dtype)];
    return b.one('select_and_scatter', [id, of, b.splat(options.start ?? 0, scalar)], attrs, regions);
  });
  return trace.tensor(made) as T;
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

/** StableHLO's convolution, dims in any order: [batch, features, ...spatial], [input, output features, ...spatial]. */
export function convolution(x: Tensor, kernel: Tensor, dims: ConvolutionDims): Tensor {
  const every = (n: number): number[] => dims.input_dims.slice(2).map(() => n);
  return currentTrace().emit('convolution', [x, kernel], {
    strides: every(1),
    pad_low: every(0),
    pad_high: every(0),
    lhs_dilation: every(1),
    rhs_dilation: every(1),
    reversal: dims.input_dims.slice(2).map(() => false),
    feature_group_count: 1,
    batch_group_count: 1,
    dtype: x.dtype,
    ...dims,
  })[0] as Tensor;
}

type Convolution = OpAttrs['convolution'];
export type ConvolutionDims = Pick<Convolution, 'input_dims' | 'kernel_dims' | 'output_dims'> & Partial<Convolution>;

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
  return convolution(x, kernel, {
    input_dims: dims,
    kernel_dims: [n, n + 1, ...spatial],
    output_dims: dims,
    strides,
    pad_low: pads.map((p) => p[0]),
    pad_high: pads.map((p) => p[1]),
    lhs_dilation: inputDilation,
    rhs_dilation: kernelDilation,
    feature_group_count: options.featureGroups ?? 1,
    batch_group_count: options.batchGroups ?? 1,
  });
}
