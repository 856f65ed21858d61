/** batch_norm_inference. */
import type { Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { dimOf } from './lift.ts';

/** (x − mean) / √(variance + ε) × scale + offset, all but x vectors along the feature dim, by default the last. */
export function batchNormInference<T extends Tensor>(
  x: T,
  scale: Tensor,
  offset: Tensor,
  mean: Tensor,
  variance: Tensor,
  options: { readonly epsilon?: number; readonly feature?: number } = {},
): T {
  const { epsilon = 1e-5, feature = -1 } = options;
  const attrs = { epsilon, feature_index: dimOf(x, feature) };
  return currentTrace().emit('batch_norm_inference', [x, scale, offset, mean, variance], attrs)[0] as T;
}
