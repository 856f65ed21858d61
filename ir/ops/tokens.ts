/** after_all (StableHLO spec): one token after several; of none, a new one. */
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { tensor, typeText } from '../types.ts';

const TOKEN = tensor('token', []);

export const afterAll = defineOp({
  kind: 'after_all',
  infer({ operands }) {
    if (operands.some((t) => t !== TOKEN))
      throw new InferError(`after_all takes tokens, got ${operands.map(typeText).join(', ')}`);
    return [TOKEN];
  },
  factors: ({ operands }) =>
    new RuleBuilder(
      operands.map(() => 0),
      [0],
    ).build(),
  kernel: () => [{ dtype: 'token', shape: [], data: new Uint8Array(1) }],
  flops: () => 0,
});
