/** What a user's collectives do to the shards of manual computations: by their definition, shard by shard. */
import type { TensorArray } from '../ir/array.ts';
import type { OpAttrs } from '../ir/attrs.ts';
import { devicePairs, groupsOf, type Pairs, shiftPairs } from '../ir/device-groups.ts';
import { internalError } from '../ir/diagnostics.ts';
import type { Monoid } from '../ir/layout.ts';
import { axesSize, type AxisRef } from '../ir/mesh.ts';
import { joinedAxes } from '../ir/ops/collectives.ts';
import type { CollectiveKind, Op } from '../ir/program.ts';
import { offsetIn, planBlock, storageCount, unravel } from './blocks.ts';
import { runMove } from './kernels/move.ts';
import type { ManualShards } from './manual-shards.ts';
import { storageLike } from './stacked.ts';

type Arrays = readonly TensorArray[];
type Combine = (monoid: Monoid, a: TensorArray, b: TensorArray) => TensorArray;
type DimAxes = readonly (readonly AxisRef[])[];

/** One array per shard in, one out. */
export function runManualCollective(op: Op, shards: ManualShards, arrays: Arrays, combine: Combine): Arrays {
  const { attrs } = op;
  const kind = op.kind as CollectiveKind;
  switch (kind) {
    case 'all_reduce':
      return inGroups(op, shards, joinedAxes(op), arrays, (held) => {
        const total = held.reduce((a, b) => combine(attrs.monoid as Monoid, a, b));
        return held.map(() => total);
      });
    case 'all_gather':
      return inGroups(op, shards, joinedAxes(op), arrays, (held) => {
        const whole = sideBySide(held, countsOf(attrs.axes as DimAxes, held.length));
        return held.map(() => whole);
      });
    case 'reduce_scatter':
      return inGroups(op, shards, joinedAxes(op), arrays, (held) => {
        const total = held.reduce((a, b) => combine(attrs.monoid as Monoid, a, b));
        return parts(total, countsOf(attrs.axes as DimAxes, held.length));
      });
    case 'all_slice':
      return inGroups(op, shards, joinedAxes(op), arrays, (held) =>
        held.map((a, i) => parts(a, countsOf(attrs.axes as DimAxes, held.length))[i] as TensorArray),
      );
    case 'all_to_all':
      return (attrs.moves as OpAttrs['all_to_all']['moves']).reduce(
        (now, move) => inGroups(op, shards, move.axes, now, (held) => exchanged(held, move)),
        arrays,
      );
    case 'collective_broadcast':
      return broadcast(op, shards, arrays);
    case 'collective_shift':
      return permuted(shiftPairs(shards.mesh, attrs as unknown as OpAttrs['collective_shift']), arrays);
    case 'device_permute':
      return permuted(devicePairs(shards.mesh, attrs as unknown as OpAttrs['device_permute']), arrays);
    case 'collective_permute':
      throw internalError('a permute between layouts is not a user’s');
  }
}

const groupsFor = (op: Op, shards: ManualShards, axes: readonly AxisRef[]): number[][] =>
  groupsOf(shards.mesh, axes, op.attrs.groups as OpAttrs['all_reduce']['groups']);

/** The members of each group exchange what they hold, in order of their place in it. */
function inGroups(
  op: Op,
  shards: ManualShards,
  axes: readonly AxisRef[],
  arrays: Arrays,
  exchange: (held: Arrays) => Arrays,
): Arrays {
  const results = [...arrays];
  for (const group of groupsFor(op, shards, axes)) {
    const given = exchange(group.map((s) => arrays[s] as TensorArray));
    group.forEach((shard, i) => {
      results[shard] = given[i] as TensorArray;
    });
  }
  return results;
}

function broadcast(op: Op, shards: ManualShards, arrays: Arrays): Arrays {
  const results = arrays.map(zerosLike);
  for (const group of groupsFor(op, shards, joinedAxes(op)))
    for (const shard of group) results[shard] = arrays[group[0] as number] as TensorArray;
  return results;
}

function permuted(pairs: Pairs, arrays: Arrays): Arrays {
  const results = arrays.map(zerosLike);
  for (const [source, target] of pairs) results[target] = arrays[source] as TensorArray;
  return results;
}

/** Receiver r gets the r-th part along `target` of everyone's array, side by side along `source`. */
function exchanged(held: Arrays, { source, target }: { readonly source: number; readonly target: number }): Arrays {
  const rank = (held[0] as TensorArray).shape.length;
  const along = (dim: number): number[] => Array.from({ length: rank }, (_, d) => (d === dim ? held.length : 1));
  const given = held.map((a) => parts(a, along(target)));
  return held.map((_, r) =>
    sideBySide(
      given.map((p) => p[r] as TensorArray),
      along(source),
    ),
  );
}

/** How many blocks lie along each dim. */
function countsOf(axes: DimAxes, members: number): number[] {
  const moved = axes.filter((a) => a.length > 0);
  return axes.map((a) => (a.length === 0 ? 1 : moved.length === 1 ? members : axesSize(a)));
}

function sideBySide(held: Arrays, counts: readonly number[]): TensorArray {
  const first = held[0] as TensorArray;
  const shape = first.shape.map((n, d) => n * (counts[d] as number));
  const data = storageLike(first.data, storageCount(shape, first.dtype));
  const plan = planBlock(first.shape, first.shape, shape, first.dtype);
  held.forEach((a, i) => {
    const start = unravel(i, counts).map((at, d) => at * (first.shape[d] as number));
    runMove(plan, a.data, 0, data, offsetIn(shape, start, a.dtype));
  });
  return { dtype: first.dtype, shape, data };
}

/** The blocks of an array, row-major. */
function parts(whole: TensorArray, counts: readonly number[]): Arrays {
  const { dtype } = whole;
  const sizes = whole.shape.map((n, d) => n / (counts[d] as number));
  const plan = planBlock(sizes, whole.shape, sizes, dtype);
  return Array.from({ length: counts.reduce((a, b) => a * b, 1) }, (_, i) => {
    const start = unravel(i, counts).map((at, d) => at * (sizes[d] as number));
    const data = storageLike(whole.data, storageCount(sizes, dtype));
    runMove(plan, whole.data, offsetIn(whole.shape, start, dtype), data, 0);
    return { dtype, shape: sizes, data };
  });
}

const zerosLike = ({ dtype, shape, data }: TensorArray): TensorArray => ({
  dtype,
  shape,
  data: storageLike(data, data.length),
});
