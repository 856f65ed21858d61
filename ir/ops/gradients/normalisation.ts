/** The gradient of batch_norm_inference: y = (x − mean) / √(variance + ε) × scale + offset, all but x per feature. */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient, k } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';

const batchNormInference: Gradient<OpAttrs['batch_norm_inference']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const [x, scale, , mean, variance] = operands as [ValueId, ValueId, ValueId, ValueId, ValueId];
  const f = new Formula(b);
  const { shape } = b.typeOf(x);
  const others = shape.map((_, d) => d).filter((d) => d !== attrs.feature_index);
  const spread = (v: ValueId): ValueId => b.one('broadcast_in_dim', [v], { dims: [attrs.feature_index], shape });
  const perFeature = (v: ValueId): ValueId => b.reduce('sum', v, others);
  const inverse = f.apply('rsqrt', f.add(variance, k(attrs.epsilon)));
  const factor = f.mul(scale, inverse);
  const total = perFeature(g);
  const moment = f.mul(perFeature(f.mul(g, f.sub(x, spread(mean)))), inverse);
  return [
    f.mul(g, spread(factor)),
    moment,
    total,
    f.neg(f.mul(total, factor)),
    f.mul(f.mul(f.mul(moment, factor), inverse), k(-0.5)),
  ];
};

export const normalisationGradients: Readonly<Record<string, Gradient>> = {
  batch_norm_inference: batchNormInference as Gradient,
};
