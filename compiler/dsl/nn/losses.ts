/** Losses, each a mean over all examples. */
import { maximum, multiply, negate, softplus, square, subtract } from '../ops/elementwise.ts';
import { takeAlongDim } from '../ops/indexing.ts';
import { logSoftmax, mean, sum } from '../ops/reductions.ts';
import { expandDims } from '../ops/shaping.ts';
import { fail } from '../errors.ts';
import { isInteger } from '../../../ir/types.ts';
import type { Tensor } from '../tensor.ts';

/** Logits [..., classes]; labels [...] of class numbers, or [..., classes] of probabilities. */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const logs = logSoftmax(logits);
  if (!isInteger(labels.dtype)) return negate(mean(sum(multiply(labels, logs), -1)));
  if (labels.rank !== logits.rank - 1)
    fail('SH0204', `labels ${String(labels)} for logits ${String(logits)}`, {
      expected: 'class numbers, a dim less than the logits',
    });
  return negate(mean(takeAlongDim(logs, expandDims(labels, -1))));
}

export const meanSquaredError = (got: Tensor, want: Tensor): Tensor => mean(square(subtract(got, want)));

/** Logits and labels of 0 and 1, or between. */
export const sigmoidBinaryCrossEntropy = (logits: Tensor, labels: Tensor): Tensor =>
  mean(subtract(softplus(logits), multiply(logits, labels)));

/** Labels of −1 and 1. */
export const hinge = (scores: Tensor, labels: Tensor): Tensor =>
  mean(maximum(subtract(1, multiply(scores, labels)), 0));
