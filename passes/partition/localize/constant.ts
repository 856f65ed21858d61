/**
 * A dense constant on a sharded dim: the whole constant, of which every device takes its block. A splat needs
 * nothing.
 *
 *   %0 = constant dense<[1, 2, 3, 4]> @{x}      // x=2
 *   →  %a = constant dense<[1, 2, 3, 4]>
 *      %0 = dynamic_slice %a, 2 · axis_index {x}, sizes = [2]
 */
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import type { Localizer } from './localizer.ts';

export const localizeConstant: Localizer = (site) => {
  const { op, attrs, emit } = site;
  const [type] = site.localResults as readonly [TensorType];
  const [whole] = site.resultTypes as readonly [TensorType];
  const layout = site.resultLayouts[0] as Layout;
  if (type === whole) return [emit.op('constant', [], type, attrs)];
  const all = emit.op('constant', [], whole, op.attrs);
  const starts = whole.shape.map((extent, d) => {
    const axes = dimAxes(layout, d);
    if (axes.length === 0) return emit.constant(tensor('i32', []), [0]);
    return emit.shardOffset(axes, extent, 'i32');
  });
  return [emit.op('dynamic_slice', [all, ...starts], type, { sizes: type.shape })];
};
