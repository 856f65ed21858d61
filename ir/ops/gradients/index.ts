/** Gradients by op, joined to the definitions in `ir/ops/index.ts`. */
import type { Gradient } from '../../gradient.ts';
import { contractionGradients } from './contractions.ts';
import { elementwiseGradients } from './elementwise.ts';
import { indexingGradients } from './indexing.ts';
import { shapingGradients } from './shaping.ts';
import { windowGradients } from './windows.ts';

export const gradients: Readonly<Record<string, Gradient>> = {
  ...elementwiseGradients,
  ...shapingGradients,
  ...contractionGradients,
  ...indexingGradients,
  ...windowGradients,
};
