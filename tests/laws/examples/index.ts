/** Examples of every op in the registry. A new op brings its own: a family file, or rows in one of these. */
import type { OpExample } from '../op-example.ts';
import { contractionExamples } from './contraction.ts';
import { elementwiseExamples } from './elementwise.ts';
import { indexingExamples } from './indexing.ts';
import { orderingWindowExamples } from './ordering-windows.ts';
import { shapingExamples } from './shaping.ts';

export const examples: readonly OpExample[] = [
  ...elementwiseExamples,
  ...shapingExamples,
  ...contractionExamples,
  ...indexingExamples,
  ...orderingWindowExamples,
];
