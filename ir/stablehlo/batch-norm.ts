/** Batch normalisation in training and its gradient, as sums over all dims but the feature dim (StableHLO spec). */
import type { ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';

/** Operands x, scale, offset; results: normalised, mean, variance. */
export function batchNormTraining(
  b: TypedBuilder,
  [x, scale, offset]: readonly ValueId[],
  feature: number,
  epsilon: number,
): ValueId[] {
  const n = new Normalised(b, x as ValueId, feature);
  const mean = n.mean(n.x);
  const centred = n.minus(n.x, n.spread(mean));
  const variance = n.mean(n.times(centred, centred));
  const factor = n.rsqrt(variance, epsilon);
  const scaled = n.times(n.times(centred, n.spread(factor)), n.spread(scale as ValueId));
  return [b.one('add', [scaled, n.spread(offset as ValueId)]), mean, variance];
}

/** Operands x, scale, mean, variance, gradient of the result; results: gradients of x, scale and offset. */
export function batchNormGrad(
  b: TypedBuilder,
  operands: readonly ValueId[],
  feature: number,
  epsilon: number,
): ValueId[] {
  const [x, scale, mean, variance, grad] = operands as [ValueId, ValueId, ValueId, ValueId, ValueId];
  const n = new Normalised(b, x, feature);
  const factor = n.rsqrt(variance, epsilon);
  const unit = n.times(n.minus(x, n.spread(mean)), n.spread(factor));
  const gradScale = n.sum(n.times(grad, unit));
  const gradOffset = n.sum(grad);
  // d x = scale / σ · (g - mean g - unit · mean (g · unit))
  const along = n.times(unit, n.spread(n.share(gradScale)));
  const inner = n.minus(n.minus(grad, n.spread(n.share(gradOffset))), along);
  return [n.times(n.spread(n.times(scale, factor)), inner), gradScale, gradOffset];
}

/** Sums over all dims but one, and vectors along that one. */
class Normalised {
  readonly x: ValueId;
  private readonly b: TypedBuilder;
  private readonly feature: number;
  private readonly others: readonly number[];

  constructor(b: TypedBuilder, x: ValueId, feature: number) {
    this.b = b;
    this.x = x;
    this.feature = feature;
    this.others = b
      .typeOf(x)
      .shape.map((_, d) => d)
      .filter((d) => d !== feature);
  }

  sum(x: ValueId): ValueId {
    return this.b.reduce('sum', x, this.others);
  }

  /** A sum divided by the number of its terms. */
  share(sum: ValueId): ValueId {
    const { shape } = this.b.typeOf(this.x);
    const count = this.others.reduce((n, d) => n * (shape[d] as number), 1);
    return this.b.one('divide', [sum, this.b.splat(count, this.b.typeOf(sum))]);
  }

  mean(x: ValueId): ValueId {
    return this.share(this.sum(x));
  }

  spread(vector: ValueId): ValueId {
    return this.b.one('broadcast_in_dim', [vector], { dims: [this.feature], shape: this.b.typeOf(this.x).shape });
  }

  rsqrt(variance: ValueId, epsilon: number): ValueId {
    return this.b.one('rsqrt', [this.b.one('add', [variance, this.b.splat(epsilon, this.b.typeOf(variance))])]);
  }

  times(a: ValueId, b: ValueId): ValueId {
    return this.b.one('multiply', [a, b]);
  }

  minus(a: ValueId, b: ValueId): ValueId {
    return this.b.one('subtract', [a, b]);
  }
}
