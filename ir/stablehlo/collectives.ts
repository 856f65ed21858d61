/**
 * Collectives as StableHLO states them (lists of devices) → as ours (axes of the mesh):
 *
 *   "stablehlo.all_gather"(%0) <{all_gather_dim = 1, replica_groups = dense<[[0, 1], [2, 3]]>, …}>    // mesh x=2 y=2
 *   → all_gather %0 axes=[{}, {y}]
 */
import { findGroups, findPermute, type FoundGroups, type Pairs } from '../device-groups.ts';
import { userError } from '../diagnostics.ts';
import type { AxisRef, Mesh } from '../mesh.ts';
import { deviceCount } from '../mesh.ts';
import { regionMonoid } from '../ops/monoid.ts';
import type { Attrs, Block, Span, ValueId } from '../program.ts';
import type { Value } from './attributes.ts';

export const COLLECTIVE_OPS: ReadonlySet<string> = new Set([
  'all_gather',
  'all_reduce',
  'all_to_all',
  'collective_broadcast',
  'collective_permute',
  'cross-replica-sum',
  'reduce_scatter',
]);

export interface Stated {
  readonly kind: string;
  readonly fields: ReadonlyMap<string, Value>;
  readonly regions: readonly Block[];
  readonly rank: number;
  readonly mesh: Mesh;
  readonly replicas: number;
  readonly span: Span;
}

/** Kind and attributes of our op. Throws where the lists are no groups, or the reducer is no known monoid. */
export function readCollective(stated: Stated): { readonly kind: string; readonly attrs: Attrs } {
  const { kind, mesh, rank, fields } = stated;
  if (kind === 'collective_permute') {
    const { kind: found, ...attrs } = findPermute(mesh, pairsOf(stated));
    return {
      kind: found,
      attrs: { mesh: mesh.name, ...attrs, ...(found === 'collective_shift' ? { flip: false } : {}) },
    };
  }
  const { axes, groups } = groupsOf(stated);
  const common = { mesh: mesh.name, ...(groups === undefined ? {} : { groups }) };
  const onDim = (name: string): AxisRef[][] => {
    const dim = dimOf(stated, name);
    return Array.from({ length: rank }, (_, d) => (d === dim ? [...axes] : []));
  };
  switch (kind) {
    case 'all_gather':
      return { kind, attrs: { ...common, axes: onDim('all_gather_dim') } };
    case 'reduce_scatter':
      return { kind, attrs: { ...common, axes: onDim('scatter_dimension'), monoid: monoidOf(stated) } };
    case 'all_to_all': {
      const move = { axes, source: dimOf(stated, 'concat_dimension'), target: dimOf(stated, 'split_dimension') };
      const size = groups?.[0]?.length ?? axes.reduce((n, a) => n * a.size, 1);
      if (fields.get('split_count') !== size)
        throw wrong(
          stated,
          `all_to_all splits into ${String(fields.get('split_count'))} parts`,
          `${size}, the size of its groups`,
        );
      return { kind, attrs: { ...common, moves: axes.length === 0 ? [] : [move] } };
    }
    case 'cross-replica-sum':
      return { kind: 'all_reduce', attrs: { ...common, axes, monoid: 'sum' } };
    case 'all_reduce':
      return { kind, attrs: { ...common, axes, monoid: monoidOf(stated) } };
    default:
      return { kind, attrs: { ...common, axes } };
  }
}

function dimOf(stated: Stated, name: string): number {
  const dim = stated.fields.get(name);
  if (typeof dim !== 'number' || dim < 0 || dim >= stated.rank)
    throw wrong(stated, `${name} of ${stated.kind} is not a dim of its operand`, `a number below ${stated.rank}`);
  return dim;
}

/** Devices that one collective joins. Without a channel it joins replicas, of which a partitioned program has one. */
function groupsOf(stated: Stated): FoundGroups {
  const { mesh, replicas, kind } = stated;
  const count = deviceCount(mesh);
  const lists = rows(stated, 'replica_groups').map((g) => g.filter((id) => id >= 0));
  if (!crossesDevices(stated) && replicas === 1) {
    if (lists.flat().some((id) => id !== 0))
      throw wrong(
        stated,
        `${kind} without a channel joins replicas, and there is one`,
        'a channel_handle, or groups of replica 0 alone',
        ONE_REPLICA,
      );
    return { axes: [] };
  }
  if (lists.length === 0) return { axes: mesh.axes.map(({ name, size }) => ({ name, pre: 1, size })) };
  const ids = lists.flat();
  const bad = ids.find((id, i) => id >= count || ids.indexOf(id) !== i);
  if (bad !== undefined)
    throw wrong(
      stated,
      `${kind} names device ${bad} ${bad >= count ? `of ${count}` : 'twice'}`,
      'groups that name every device once',
    );
  const sizes = new Set(lists.map((g) => g.length));
  if (kind !== 'collective_broadcast' && ids.length !== count)
    throw wrong(
      stated,
      `${kind} leaves out a device: its groups hold ${ids.length} of ${count}`,
      'groups that name every device once',
    );
  if (kind !== 'all_reduce' && kind !== 'collective_broadcast' && sizes.size > 1)
    throw wrong(stated, `${kind} has groups of ${[...sizes].join(' and ')} devices`, 'groups of one size');
  return findGroups(mesh, lists);
}

function pairsOf(stated: Stated): Pairs {
  const count = deviceCount(stated.mesh);
  const pairs = rows(stated, 'source_target_pairs');
  if (!crossesDevices(stated) && stated.replicas === 1 && pairs.flat().some((id) => id !== 0))
    throw wrong(
      stated,
      'collective_permute without a channel joins replicas, and there is one',
      'a channel_handle',
      ONE_REPLICA,
    );
  const bad = pairs.flat().find((id) => id < 0 || id >= count);
  if (bad !== undefined)
    throw wrong(stated, `collective_permute names device ${bad} of ${count}`, `devices 0 to ${count - 1}`);
  for (const [i, side] of ['source', 'target'].entries()) {
    const ids = pairs.map((p) => p[i] as number);
    const twice = ids.find((id, at) => ids.indexOf(id) !== at);
    if (twice !== undefined)
      throw wrong(
        stated,
        `collective_permute has device ${twice} as ${side} twice`,
        `every device as ${side} once at most`,
      );
  }
  return pairs as unknown as Pairs;
}

/** A list of rows; one that is empty, or of ids alone (a splat), too. */
function rows({ fields, kind }: Stated, name: string): number[][] {
  const value = fields.get(name);
  if (!Array.isArray(value)) throw userError('SH0205', `${kind} lacks its attribute "${name}"`);
  return (value as (number | number[])[]).map((row) => (Array.isArray(row) ? row : [row]));
}

function crossesDevices({ fields }: Stated): boolean {
  if (fields.get('use_global_device_ids') === true) return true;
  const channel = fields.get('channel_handle') ?? fields.get('channel_id');
  const id = typeof channel === 'object' ? (channel as { readonly handle?: Value }).handle : channel;
  return typeof id === 'number' && id > 0;
}

function monoidOf(stated: Stated): string {
  const [region] = stated.regions;
  const monoid = region === undefined ? null : regionMonoid(withoutConstraints(region));
  if (monoid === null)
    throw wrong(
      stated,
      `the reducer of this ${stated.kind} is not one of sum, prod, max, min, and, or`,
      'one op on its two parameters',
    );
  return monoid;
}

/** Constraints on scalars, which JAX leaves in reducers, say nothing. */
function withoutConstraints(region: Block): Block {
  const same = new Map<ValueId, ValueId>();
  const ops = region.ops.flatMap((op) => {
    const operands = op.operands.map((v) => same.get(v) ?? v);
    if (op.kind !== 'sharding_constraint') return [{ ...op, operands }];
    same.set(op.results[0] as ValueId, operands[0] as ValueId);
    return [];
  });
  return { ...region, ops };
}

const wrong = ({ span }: Stated, message: string, expected: string, help?: string): Error =>
  userError('SH0230', message, { span, expected, ...(help === undefined ? {} : { help }) });

const ONE_REPLICA =
  'a program is read as partitioned, not as replicas: torch_xla collectives (xm.all_reduce …) are for replicas; under SPMD leave them out, sharding annotations say what is summed';
