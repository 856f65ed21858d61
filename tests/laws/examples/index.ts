/** Examples of every op in the registry. A new op brings its own: a family file, or rows in one of these. */
import type { OpExample } from '../../../compiler/testing/laws/op-example.ts';
import { bitsExamples } from './bits.ts';
import { callExamples } from './calls.ts';
import { complexExamples } from './complex.ts';
import { contractionExamples } from './contraction.ts';
import { convolutionExamples } from './convolution.ts';
import { elementwiseExamples } from './elementwise.ts';
import { indexingExamples } from './indexing.ts';
import { numericsExamples } from './numerics.ts';
import { orderingWindowExamples } from './ordering-windows.ts';
import { shapingExamples } from './shaping.ts';

export const examples: readonly OpExample[] = [
  ...elementwiseExamples,
  ...shapingExamples,
  ...bitsExamples,
  ...callExamples,
  ...complexExamples,
  ...contractionExamples,
  ...convolutionExamples,
  ...indexingExamples,
  ...numericsExamples,
  ...orderingWindowExamples,
];
