/** reshape: the same elements in another shape; its factors are what both shapes are made of. */
import type { Storage, TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { gcd } from '../axes.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { type AnyOpDef, defineOp, InferError, firstOf, passes } from '../op.ts';
import { COPIES } from '../padding.ts';
import { elementCount, tensor, typeText } from '../types.ts';

export const reshape: AnyOpDef = defineOp<OpAttrs['reshape']>({
  kind: 'reshape',
  infer({ operands, attrs }) {
    const to = tensor(firstOf(operands).dtype, attrs.shape);
    if (elementCount(to) !== elementCount(firstOf(operands)))
      throw new InferError(
        `reshape keeps the number of elements: ${typeText(firstOf(operands))} has ${elementCount(firstOf(operands))}, ${typeText(to)} has ${elementCount(to)}`,
      );
    return [to];
  },
  factors: ({ operands, results }) => reshapeRule(firstOf(operands).shape, firstOf(results).shape),
  kernel: ({ results }, [a]) => [
    { dtype: firstOf(results).dtype, shape: firstOf(results).shape, data: (a as TensorArray).data as Storage },
  ],
  linearity: () => [[0]],
  padRule: (_, f, rule) => (passes(rule, f) ? COPIES : null),
  flops: () => 0,
});

/** One side of a reshape: where the walk is, and how much of its shape factors cover so far. */
class Side {
  dim = 0;
  /** Product of the dims up to and with the current one, and of the factors found. */
  private extent = 1;
  covered = 1;
  readonly shape: readonly number[];

  constructor(shape: readonly number[]) {
    this.shape = shape;
  }

  get done(): boolean {
    return this.dim >= this.shape.length;
  }

  get atUnit(): boolean {
    return this.shape[this.dim] === 1;
  }

  /** What of the current dim has no factor yet. */
  remaining(): number {
    if (!this.done && this.extent === this.covered) this.extent *= this.shape[this.dim] as number;
    return this.extent / this.covered;
  }

  cover(factor: number): void {
    this.covered *= factor;
  }

  advance(): void {
    if (!this.done && this.extent === this.covered) this.dim++;
  }

  /** A factor of this side alone: what makes both sides meet if that divides, else what keeps their common divisor. */
  alone(remaining: number, common: number, other: Side): number {
    const missing = other.covered / this.covered;
    if (Number.isInteger(missing) && remaining % missing === 0) return missing;
    return remaining > common ? remaining / common : remaining;
  }
}

/**
 * A walk over both shapes, minor-ward: a common factor while both have covered as much and what remains has a common
 * divisor, else one-sided factors until they meet again (Shardy, op_sharding_rule_registry.cc, reshape).
 *
 *   [2, 12] → [4, 6]   ([i, jk])->([ij, k]) {i=2, j=2, k=6}
 *   [2, 3] → [3, 2]    ([i, j])->([k, l]) {i=2, j=3, k=3, l=2}
 */
function reshapeRule(from: readonly number[], to: readonly number[]): FactorRule {
  const rule = new RuleBuilder([from.length], [to.length]);
  if (from.includes(0) || to.includes(0)) return emptyReshapeRule(from, to);
  const [a, b] = [new Side(from), new Side(to)];
  while (!a.done || !b.done) {
    if (a.atUnit) rule.add([a.dim++], [null], 1);
    else if (b.atUnit) rule.add([null], [b.dim++], 1);
    else step(rule, a, b);
  }
  return rule.build();
}

/** Nothing is there to move together. */
function emptyReshapeRule(from: readonly number[], to: readonly number[]): FactorRule {
  const rule = new RuleBuilder([from.length], [to.length]);
  from.forEach((size, d) => rule.add([d], [null], size, 'replicate'));
  to.forEach((size, d) => rule.add([null], [d], size, 'replicate'));
  return rule.build();
}

function step(rule: RuleBuilder, a: Side, b: Side): void {
  const [restA, restB] = [a.remaining(), b.remaining()];
  const common = gcd(restA, restB);
  const meet = a.covered === b.covered;
  const [ofA, ofB] =
    meet && common > 1
      ? [common, common]
      : meet
        ? [restA, restB]
        : a.covered < b.covered
          ? [a.alone(restA, common, b), 0]
          : [0, b.alone(restB, common, a)];
  if (meet && common > 1) rule.add([a.dim], [b.dim], common);
  else {
    if (ofA > 0) rule.factor([a.dim], [null], { size: ofA, kind: 'pass', whole: true });
    if (ofB > 0) rule.factor([null], [b.dim], { size: ofB, kind: 'pass', whole: true });
  }
  if (ofA > 0) a.cover(ofA);
  if (ofB > 0) b.cover(ofB);
  a.advance();
  b.advance();
}
