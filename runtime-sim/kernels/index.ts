/** The stacked kernels: what the simulator runs instead of the registry's reference kernels, wherever one applies. */
import type { TensorArray } from '../../ir/array.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import { isComplex } from '../../ir/types.ts';
import { dotKernels } from './dot-general.ts';
import { dynamicSliceKernels } from './dynamic-slices.ts';
import { elementwiseKernels } from './elementwise.ts';
import { gatherScatterKernels } from './gather-scatter.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { movingKernels } from './moving.ts';
import { reduceKernels } from './reduce.ts';

export const stackedKernels: Readonly<Record<string, StackedKernel>> = {
  ...dotKernels,
  ...dynamicSliceKernels,
  ...elementwiseKernels,
  ...gatherScatterKernels,
  ...movingKernels,
  ...reduceKernels,
};

/**
 * The op on all copies at once, or undefined where only the reference kernel knows how: no stacked kernel, or an op that
 * the registry at hand defines otherwise than the standard one.
 */
export function runStacked(registry: Registry, call: StackedCall): TensorArray | undefined {
  const { kind, results } = call.view;
  const kernel =
    Object.hasOwn(stackedKernels, kind) && registry[kind] === standard[kind] ? stackedKernels[kind] : undefined;
  const [type] = results;
  if (kernel === undefined || type === undefined || results.length !== 1) return undefined;
  // Stacked kernels know real numbers only.
  if ([...call.view.operands, type].some((t) => isComplex(t.dtype))) return undefined;
  const data = kernel(call);
  return data === undefined ? undefined : { dtype: type.dtype, shape: [call.copies, ...type.shape], data };
}
