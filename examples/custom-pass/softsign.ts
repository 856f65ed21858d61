// An op from outside: what it gives, which dims move together, what it means. From these it propagates, is partitioned
// and runs; laws hold the three against each other.
import {
  defineOp,
  type OpView,
  registry as standard,
  type Registry,
  RuleBuilder,
  type TensorArray,
  type TensorType,
} from 'shardc';

/** x / (1 + |x|) */
export const softsign = defineOp({
  kind: 'softsign',
  infer: ({ operands }) => [operands[0] as TensorType],
  factors({ operands }: OpView) {
    const { shape } = operands[0] as TensorType;
    const rule = new RuleBuilder([shape.length], [shape.length]);
    shape.forEach((size, d) => rule.add([d], [d], size));
    return rule.build({ elementwise: true });
  },
  kernel(_, [x], { precision }) {
    const { dtype, shape, data } = x as TensorArray;
    const values = Float64Array.from(data as Float64Array, (v) => v / (1 + Math.abs(v)));
    return [{ dtype, shape, data: precision === 'wide' ? values : Float32Array.from(values) }];
  },
  /** What XLA is given for it. */
  expand(b, { operands: [x] }) {
    const of = x as NonNullable<typeof x>;
    const one = b.splat(1, b.typeOf(of));
    return [b.one('divide', [of, b.one('add', [one, b.one('abs', [of])])])];
  },
  gradient(b, { results }, [g]) {
    if (g === undefined) return [];
    // y' = (1 - |y|)²
    const one = b.splat(1, b.typeOf(g));
    const rest = b.one('subtract', [one, b.one('abs', [results[0] as typeof g])]);
    return [b.one('multiply', [g, b.one('multiply', [rest, rest])])];
  },
});

export const registry: Registry = { ...standard, softsign };
