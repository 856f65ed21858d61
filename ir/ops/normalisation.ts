/** batch_norm_inference (StableHLO spec): (x - mean) / √(variance + ε) · scale + offset along the feature dim. */
import type { TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { filled } from './rounding.ts';

/** Operands: x, scale, offset, mean, variance. */
export const batchNormInference = defineOp<OpAttrs['batch_norm_inference']>({
  kind: 'batch_norm_inference',
  infer({ operands, attrs }) {
    const [x, ...vectors] = operands as readonly [TensorType, ...TensorType[]];
    const size = x.shape[attrs.feature_index];
    if (vectors.length !== 4 || size === undefined || vectors.some((v) => v !== tensor(x.dtype, [size])))
      throw new InferError(
        `batch_norm_inference takes four vectors along dim ${attrs.feature_index} of ${typeText(x)}`,
      );
    return [x];
  },
  factors({ operands, attrs }) {
    const { shape } = operands[0] as TensorType;
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      [shape.length],
    );
    shape.forEach((size, d) => {
      const feature = d === attrs.feature_index ? 0 : null;
      rule.add([d, feature, feature, feature, feature], [d], size);
    });
    return rule.build();
  },
  kernel({ attrs, results }, inputs, ctx) {
    const type = results[0] as TensorType;
    const [x, scale, offset, mean, variance] = inputs.map((a) => (a as TensorArray).data as Float64Array);
    const inner = type.shape.slice(attrs.feature_index + 1).reduce((n, s) => n * s, 1);
    const size = type.shape[attrs.feature_index] as number;
    const data = filled(type.dtype, elementCount(type), ctx.precision, (out) => {
      for (let i = 0; i < out.length; i++) {
        const f = Math.floor(i / inner) % size;
        const unit =
          ((x?.[i] as number) - (mean?.[f] as number)) / Math.sqrt((variance?.[f] as number) + attrs.epsilon);
        out[i] = unit * (scale?.[f] as number) + (offset?.[f] as number);
      }
    });
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  flops: ({ results }) => 4 * elementCount(results[0] as TensorType),
});
