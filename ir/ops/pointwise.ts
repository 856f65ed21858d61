/** What elementwise ops share: operands of one shape, and a rule of element by element. */
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { InferError, type OpView } from '../op.ts';
import { type TensorType, typeText } from '../types.ts';

export function pointwiseRule(view: OpView): FactorRule {
  const shape = view.results[0]?.shape ?? [];
  const ranks = view.operands.map((t) => t.shape.length);
  const rule = new RuleBuilder(ranks, [shape.length]);
  shape.forEach((size, d) =>
    rule.add(
      ranks.map((r) => (r === shape.length ? d : null)),
      [d],
      size,
    ),
  );
  return rule.build({ elementwise: true });
}

export function sameShapes(kind: string, operands: readonly TensorType[]): TensorType {
  const [first] = operands;
  if (first === undefined) throw new InferError(`${kind} needs an operand`);
  for (const t of operands) {
    if (t !== first)
      throw new InferError(`${kind} takes operands of one type, got ${operands.map(typeText).join(' and ')}`);
  }
  return first;
}
