/** Gradients by op, joined to the definitions in `ir/ops/index.ts`. */
import type { Gradient } from '../../gradient.ts';
import { complexGradients } from './complex.ts';
import { contractionGradients } from './contractions.ts';
import { elementwiseGradients } from './elementwise.ts';
import { indexingGradients } from './indexing.ts';
import { matrixGradients } from './matrices.ts';
import { normalisationGradients } from './normalisation.ts';
import { shapingGradients } from './shaping.ts';
import { spectralGradients } from './spectral.ts';
import { windowGradients } from './windows.ts';

export const gradients: Readonly<Record<string, Gradient>> = {
  ...elementwiseGradients,
  ...shapingGradients,
  ...complexGradients,
  ...contractionGradients,
  ...indexingGradients,
  ...matrixGradients,
  ...normalisationGradients,
  ...spectralGradients,
  ...windowGradients,
};
