/**
 * top_k over a sharded dim: the k largest of each shard, then the k largest of those. Among equals the first wins in both
 * steps, and shards stand in order, so ties go as on one device.
 *
 *   %v, %i = top_k %x k=2        // %x: f32[8,64] @{_, y}, y=4
 *   →  %a, %b = top_k (reshape %x : f32[8,4,16] @{_, y, _}) k=2 : f32[8,4,2], i32[8,4,2]
 *      %v, %p = top_k (reshape %a : f32[8,8]) k=2;  %i = the elements at %p of %b + 16 · shard
 */
import { closedDim } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { evenShards, type Split, withDim } from './split.ts';

export const splitTopK: Split = (op, ctx) => {
  const info = ctx.info(op.operands[0] as ValueId);
  const k = op.attrs.k as number;
  const dim = info.type.shape.length - 1;
  const shards = evenShards(info, dim);
  const length = (info.type.shape[dim] as number) / shards;
  if (shards === 1 || length <= k || k === 0) return undefined;
  return (w) => {
    const part = w.inShards(op.operands[0] as ValueId, dim, shards);
    const layout = w.layoutOf(part);
    const [values, places] = w.made('top_k', [part], { k }, layout) as [ValueId, ValueId];
    const { shape, dtype } = w.typeOf(places) as TensorType;
    const shard = w.one('iota', [], { dim, dtype, shape }, layout);
    const first = w.one('multiply', [shard, w.splat(length, tensor(dtype, shape), layout)], {}, layout);
    const indices = w.one('add', [places, first], {}, layout);
    const joined = [...shape.slice(0, -2), shards * k];
    const whole = withDim(withDim(layout, dim + 1, []), dim, [closedDim()]);
    const [all, where] = [values, indices].map((v) => w.one('reshape', [v], { shape: joined }, whole)) as [
      ValueId,
      ValueId,
    ];
    const batch = joined.slice(0, -1).map((_, d) => d);
    const [best, at] = w.made('top_k', [all], { k }, whole) as [ValueId, ValueId];
    w.gives('reshape', [best], { shape: w.typeOf(best).shape }, 0);
    w.gives(
      'gather',
      [where, at],
      {
        offset_dims: [],
        collapsed_slice_dims: [dim],
        operand_batching_dims: batch,
        start_indices_batching_dims: batch,
        start_index_map: [dim],
        index_vector_dim: dim + 1,
        slice_sizes: joined.map(() => 1),
        indices_are_sorted: false,
      },
      1,
    );
  };
};
