/**
 * reverse on a sharded dim: each device reverses its shard and gets that of the device at the mirrored place.
 *
 *   [0 1 | 2 3 | 4 5]  →  [1 0 | 3 2 | 5 4]  →  [5 4 | 3 2 | 1 0]
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import type { TensorType } from '../../../ir/types.ts';
import type { Localizer } from './localizer.ts';

export const localizeReverse: Localizer = (site) => {
  const { emit } = site;
  const type = site.localResults[0] as TensorType;
  const { dims } = site.op.attrs as unknown as OpAttrs['reverse'];
  const reversed = emit.op('reverse', site.operands, type, site.attrs);
  const axes = dims.flatMap((d) => dimAxes(site.operandLayouts[0] as Layout, d));
  if (axes.length === 0) return [reversed];
  // The mirrored place along all axes at once: one permute, however many dims.
  return [emit.op('collective_shift', [reversed], type, { mesh: emit.mesh.name, axes, by: 0, flip: true })];
};
