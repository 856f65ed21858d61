/** iota on a sharded dim: the local iota plus the first global element of this device's shard. */
import { dimAxes } from '../../../ir/layout.ts';
import type { TensorType } from '../../../ir/types.ts';
import type { Localizer } from './localizer.ts';

export const localizeIota: Localizer = ({ op, resultLayouts, localResults, attrs, emit }) => {
  const [type] = localResults as readonly [TensorType];
  const dim = op.attrs.dim as number;
  const axes = resultLayouts[0] === undefined ? [] : dimAxes(resultLayouts[0], dim);
  const local = emit.op('iota', [], type, attrs);
  if (axes.length === 0) return [local];
  const extent = (op.attrs.shape as readonly number[])[dim] as number;
  const offset = emit.shardOffset(axes, extent, type.dtype);
  return [emit.binary('add', local, emit.broadcast(offset, type.shape, []))];
};
