/**
 * convolution with spatial dims sharded: by output position (each shard of the input is widened by its neighbours'
 * edges) or by place in the kernel (the same, and the partial results are owed a sum).
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize, type AxisRef } from '../../../ir/mesh.ts';
import { shardWindow, type SpatialFactor } from '../../../ir/ops/convolution.ts';
import type { TensorType } from '../../../ir/types.ts';
import { exchangeDilated, neededEnd, spreadOut } from './halo.ts';
import { resized } from './parts.ts';
import type { Localizer, Site } from './localizer.ts';

export const localizeConvolution: Localizer = (site) => {
  const { operands, localResults, emit } = site;
  const attrs = site.op.attrs as unknown as OpAttrs['convolution'];
  const [pad_low, pad_high, lhs_dilation] = [[...attrs.pad_low], [...attrs.pad_high], [...attrs.lhs_dilation]];
  let [lhs, rhs] = operands as readonly [(typeof operands)[number], (typeof operands)[number]];
  attrs.strides.forEach((_, dim) => {
    const input = attrs.input_dims[dim + 2] as number;
    const split = splitOf(site, attrs, dim);
    if (split === null) return;
    const need = shardWindow(
      attrs,
      { dim, role: split.role },
      site.operandTypes,
      site.resultTypes,
      axesSize(split.axes),
    );
    if (need === null) throw internalError('localize: a convolution is split where its windows do not align');
    const output = attrs.output_dims[dim + 2] as number;
    const padding = split.role === 'position' ? site.resultPadding[0]?.[output] : undefined;
    const end = neededEnd(padding, (size) =>
      shardWindow(
        attrs,
        { dim, role: split.role },
        site.operandTypes,
        [resized(site.resultTypes[0] as TensorType, output, size)],
        1,
      ),
    );
    lhs = exchangeDilated(emit, lhs, { dim: input, axes: split.axes }, need, { end });
    pad_low[dim] = need.padLow;
    pad_high[dim] = need.padHigh;
    if (need.between !== undefined) lhs_dilation[dim] = 1;
  });
  attrs.strides.forEach((_, dim) => {
    const input = attrs.input_dims[dim + 2] as number;
    const window = (emit.typeOf(rhs).shape as readonly number[])[attrs.kernel_dims[dim + 2] as number] as number;
    const here = { ...attrs, pad_low, pad_high, lhs_dilation };
    if (!looksGrouped(here, dim, window) || emit.typeOf(lhs).shape[input] === window) return;
    lhs = spreadOut(emit, lhs, input, { holes: window - 1 });
    lhs_dilation[dim] = 1;
  });
  return [
    emit.op('convolution', [lhs, rhs], localResults[0] as TensorType, {
      ...site.attrs,
      pad_low,
      pad_high,
      lhs_dilation,
    }),
  ];
};

/**
 * XLA's simplifier takes such a dim for groups that were written as space, whose input is as long as its window, and aborts
 * where it then swaps operands and the input is not (algebraic_simplifier.cc, SwapConvOperands).
 */
const looksGrouped = (attrs: OpAttrs['convolution'], dim: number, window: number): boolean =>
  window > 1 &&
  attrs.lhs_dilation[dim] === window &&
  attrs.strides[dim] === window - 1 &&
  attrs.rhs_dilation[dim] === 1 &&
  attrs.pad_low[dim] === 0 &&
  attrs.pad_high[dim] === 0 &&
  attrs.reversal[dim] !== true;

/** How a spatial dim is sharded; null = it is whole. */
function splitOf(
  site: Site,
  attrs: OpAttrs['convolution'],
  dim: number,
): { axes: readonly AxisRef[]; role: SpatialFactor['role'] } | null {
  const axes = dimAxes(site.operandLayouts[0] as Layout, attrs.input_dims[dim + 2] as number);
  if (axes.length === 0) return null;
  const byPosition = dimAxes(site.resultLayouts[0] as Layout, attrs.output_dims[dim + 2] as number).length > 0;
  return { axes, role: byPosition ? 'position' : 'place' };
}
