/**
 * Host transfers as one device runs them, and shard by shard inside manual computations: the op's layouts say which
 * part of the whole a shard reads or gives. In a computation of the user's own each shard has data of its own: a
 * leading dim.
 */
import type { TensorArray } from '../ir/array.ts';
import { closedDim, type Layout, replicatedLayout } from '../ir/layout.ts';
import { axesSize } from '../ir/mesh.ts';
import { bringsIn } from '../ir/ops/host-transfers.ts';
import type { Op } from '../ir/program.ts';
import { type TensorType, withShape } from '../ir/types.ts';
import type { Here } from './control-flow.ts';
import { type HostLink, TOKEN } from './host-link.ts';
import { joinFrom, type ManualShards, splitInto } from './manual-shards.ts';
import { storageLike } from './stacked.ts';

type Shards = readonly TensorArray[];

/** `types`: of the op's data. */
export function transferShards(
  link: HostLink,
  op: Op,
  operands: readonly Shards[],
  types: readonly TensorType[],
  { shards, active }: Here,
): readonly Shards[] {
  const tokens = new Array<TensorArray>(shards?.count ?? 1).fill(TOKEN);
  const layouts = types.map((type, i) => layoutAt(op, i, type, shards));
  if (bringsIn(op)) {
    const wholes = link.take(
      op,
      types.map((type, i) => wholeType(type, layouts[i])),
    );
    return [...wholes.map((whole, i) => cut(op, whole, types[i] as TensorType, layouts[i], shards)), tokens];
  }
  link.put(
    op,
    types.map((_, i) => joined(op, operands[i] as Shards, layouts[i], shards, active)),
  );
  return [tokens];
}

/** None outside of manual computations; of one that no pass has looked at, every shard has its own. */
function layoutAt(op: Op, i: number, { shape }: TensorType, shards: ManualShards | undefined): Layout | undefined {
  if (shards === undefined) return undefined;
  const stated = (op.attrs.layouts as readonly Layout[] | undefined)?.[i];
  if (stated !== undefined) return stated;
  const own = shards.mesh.axes.map(({ name, size }) => ({ name, pre: 1, size }));
  const inside = replicatedLayout(shards.mesh.name, shape.length);
  return { ...inside, dims: [closedDim(own), ...inside.dims] };
}

/** Of all shards together. */
export function wholeType(local: TensorType, layout: Layout | undefined): TensorType {
  if (layout === undefined) return local;
  const shape = withLead(local.shape, layout);
  return withShape(
    local,
    shape.map((n, d) => n * axesSize(layout.dims[d]?.axes ?? [])),
  );
}

/** A layout with a dim more than the data has the places of a user's own computation first. */
export const withLead = (shape: readonly number[], layout: Layout): readonly number[] =>
  layout.dims.length > shape.length ? [1, ...shape] : shape;

function cut(
  op: Op,
  whole: TensorArray,
  { shape }: TensorType,
  layout: Layout | undefined,
  shards: ManualShards | undefined,
): Shards {
  if (layout === undefined || shards === undefined) return [whole];
  return splitInto(shards, [whole], layout, namesOf(shards), op).map((part) => ({ ...part, shape }));
}

/** What shards give that are elsewhere is none: zeros, or the others'. */
function joined(
  op: Op,
  parts: Shards,
  layout: Layout | undefined,
  shards: ManualShards | undefined,
  active: Uint8Array | undefined,
): TensorArray {
  const one = parts[active?.indexOf(1) ?? 0] as TensorArray;
  if (layout === undefined || shards === undefined || layout.dims.every((d) => d.axes.length === 0)) return one;
  const given = parts.map((part, shard) => ({
    ...part,
    shape: withLead(part.shape, layout),
    data: active === undefined || active[shard] === 1 ? part.data : storageLike(part.data, part.data.length),
  }));
  return joinFrom(shards, given, layout, namesOf(shards), 1, op, (a) => a)[0] as TensorArray;
}

const namesOf = ({ mesh }: ManualShards): string[] => mesh.axes.map((a) => a.name);
