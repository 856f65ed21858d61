/**
 * A reduction that picks elements (argmax): each shard picks first, then among what the shards picked. What picks may pick
 * again: the start value taking part twice changes nothing, which no sum could say; known monoids owe their sums instead.
 */
import { onlyPicks } from '../../../ir/ops/monoid.ts';
import type { ValueId } from '../../../ir/program.ts';
import { evenShards, type Split, withDim } from './split.ts';

export const splitReduce: Split = (op, ctx) => {
  const n = op.results.length;
  const [dim, ...more] = op.attrs.dims as readonly number[];
  const picks = op.regions.every(onlyPicks);
  if (n < 2 || dim === undefined || more.length > 0 || !picks) return undefined;
  const shards = evenShards(ctx.info(op.operands[0] as ValueId), dim);
  if (shards === 1) return undefined;
  return (w) => {
    const starts = op.operands.slice(n);
    const parts = op.operands.slice(0, n).map((v) => w.inShards(v, dim, shards));
    const layout = withDim(w.layoutOf(parts[0] as ValueId), dim + 1, []);
    const picked = w.made('reduce', [...parts, ...starts], { dims: [dim + 1] }, layout, w.copiedRegions());
    w.again([...picked, ...starts], { dims: [dim] });
  };
};
