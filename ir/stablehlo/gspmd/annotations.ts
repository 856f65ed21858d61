/**
 * The GSPMD annotations of one module: all `mhlo.sharding` strings are read before the first is used, so that one mesh
 * can serve them all. What each says of a value is then a layout with named axes.
 */
import type { IToken } from 'chevrotain';
import { userError } from '../../diagnostics.ts';
import { closedDim, type Layout, openDim, replicatedLayout } from '../../layout.ts';
import { type AxisRef, deviceCount, type Mesh } from '../../mesh.ts';
import { type TensorType, typeText } from '../../types.ts';
import { type GspmdMeshes, meshesFor, type OnMesh } from './meshes.ts';
import { type GspmdSharding, parseShardings, type ShardingText, type Tiled } from './sharding.ts';

/** What one annotation says of one value. */
export interface Annotation {
  /** Absent: nothing is asked (`{unknown}`), or the value has its per-device shape (`{manual}`). */
  readonly layout?: Layout;
  /** Axes over which the value has its per-device shape; 'all' for `{manual}`. */
  readonly manual?: readonly AxisRef[] | 'all';
  /** Values with this number share one layout. */
  readonly group?: number;
}

export class GspmdAnnotations {
  readonly meshes: readonly Mesh[];
  private readonly parsed: ReadonlyMap<string, readonly GspmdSharding[]>;
  private readonly onMesh: ReadonlyMap<Tiled, OnMesh>;

  /** `partitions`: the module's own count; `given`: meshes of the file, or the one asked for. */
  constructor(tokens: readonly IToken[], partitions: number | undefined, given: readonly Mesh[]) {
    const texts = shardingTexts(tokens);
    this.parsed = new Map([...texts].map(([text, source]) => [text, parseShardings(source)]));
    const devices = countDevices(texts, this.parsed, partitions, given);
    const tiled = distinct([...this.parsed.values()].flat());
    const found: GspmdMeshes = meshesFor([...tiled.values()], devices, given);
    this.meshes = [...found.meshes, ...maximalMeshes([...this.parsed.values()].flat())];
    this.onMesh = new Map(
      [...this.parsed.values()]
        .flat()
        .filter((s) => s.kind === 'tiled')
        .map((s) => [s, found.of.get(tiled.get(tiledKey(s)) as Tiled) as OnMesh]),
    );
  }

  /** Per value of an op (or argument, or result): one sharding each, or one for all. */
  read(source: ShardingText, types: readonly TensorType[]): readonly Annotation[] {
    const shardings = this.shardings(source);
    if (shardings.length !== types.length && shardings.length !== 1)
      throw userError('SH0223', `the sharding is a tuple of ${shardings.length}, the op has ${types.length} results`, {
        span: spanOf(source),
        expected: `${types.length} shardings in one tuple`,
      });
    return types.map((type, i) =>
      this.annotation(source, (shardings.length === 1 ? shardings[0] : shardings[i]) as GspmdSharding, type),
    );
  }

  /** The device that is asked for alone, by the first. */
  deviceOf(source: ShardingText): number | undefined {
    const [first] = this.shardings(source);
    return first?.kind === 'maximal' ? first.device : undefined;
  }

  /** How many shardings it is. */
  countOf(source: ShardingText): number {
    return this.shardings(source).length;
  }

  private shardings(source: ShardingText): readonly GspmdSharding[] {
    return this.parsed.get(source.text) ?? parseShardings(source);
  }

  private annotation(source: ShardingText, sharding: GspmdSharding, type: TensorType): Annotation {
    const group = sharding.group === undefined ? {} : { group: sharding.group };
    const mesh = this.meshes[0]?.name ?? 'mesh';
    switch (sharding.kind) {
      case 'unknown':
        return group;
      case 'manual':
        return { ...group, manual: 'all' };
      case 'replicated':
        return { ...group, layout: replicatedLayout(mesh, type.shape.length) };
      case 'maximal':
        return { ...group, layout: replicatedLayout(maximalName(sharding.device), type.shape.length) };
      case 'unreduced': {
        const all = this.meshes[0]?.axes ?? [];
        const unreduced = all.map(({ name, size }) => ({ name, pre: 1, size }));
        return { ...group, layout: { ...replicatedLayout(mesh, type.shape.length), unreduced } };
      }
      case 'tiled':
        return { ...group, ...this.tiled(source, sharding, type) };
    }
  }

  private tiled(source: ShardingText, sharding: Tiled, type: TensorType): Annotation {
    const rank = sharding.tile.length - sharding.subgroups.length;
    if (rank !== type.shape.length)
      throw userError(
        'SH0212',
        `the sharding has ${rank} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
        {
          span: spanOf(source),
          expected: `${type.shape.length} dims before the ${sharding.subgroups.length} subgroup dims`,
        },
      );
    const { mesh, tile } = this.onMesh.get(sharding) as OnMesh;
    const subgroup = (kind: string): AxisRef[] =>
      sharding.subgroups.flatMap((s, i) => (s === kind ? [...(tile[rank + i] ?? [])] : []));
    const manual = subgroup('manual');
    const dims = tile.slice(0, rank).map((axes) => closedDim(axes));
    return {
      layout: { mesh, dims, replicated: [], unreduced: subgroup('unreduced') },
      ...(manual.length === 0 ? {} : { manual }),
    };
  }
}

const maximalName = (device: number): string => `maximal_mesh_${device}`;

/** A mesh of one device for each that is named alone, as Shardy has them. */
function maximalMeshes(shardings: readonly GspmdSharding[]): Mesh[] {
  const devices = new Set(shardings.flatMap((s) => (s.kind === 'maximal' ? [s.device] : [])));
  return [...devices].map((device) => ({ name: maximalName(device), axes: [], deviceIds: [device] }));
}

/** Dims that a call leaves unspecified may take more axes. */
export const withOpenDims = (annotations: readonly Annotation[], open: readonly number[]): readonly Annotation[] =>
  annotations.map((a) => {
    if (a.layout === undefined) return a;
    const dims = a.layout.dims.map((d, i) => (open.includes(i) ? openDim(d.axes, d.priority) : d));
    return { ...a, layout: { ...a.layout, dims } };
  });

const spanOf = ({ text, start }: ShardingText): { start: number; end: number } => ({ start, end: start + text.length });

/** Every distinct `mhlo.sharding` string, where it first stands. */
function shardingTexts(tokens: readonly IToken[]): Map<string, ShardingText> {
  const found = new Map<string, ShardingText>();
  tokens.forEach(({ image }, i) => {
    if (image !== 'mhlo.sharding' && image !== '"mhlo.sharding"') return;
    const value = tokens[i + 2];
    if (tokens[i + 1]?.image !== '=' || value?.tokenType.name !== 'string') return;
    const text = value.image.slice(1, -1);
    if (!found.has(text)) found.set(text, { text, start: value.startOffset + 1 });
  });
  return found;
}

function countDevices(
  texts: ReadonlyMap<string, ShardingText>,
  parsed: ReadonlyMap<string, readonly GspmdSharding[]>,
  partitions: number | undefined,
  given: readonly Mesh[],
): number {
  const [mesh] = given;
  let known = mesh === undefined ? undefined : { count: deviceCount(mesh), where: `mesh @${mesh.name}` };
  if (known === undefined && partitions !== undefined && partitions > 1)
    known = { count: partitions, where: 'mhlo.num_partitions' };
  for (const [text, shardings] of parsed) {
    for (const s of shardings) {
      if (s.kind !== 'tiled') continue;
      const count = s.tile.reduce((n, t) => n * t, 1);
      known ??= { count, where: `"${text}"` };
      if (known.count !== count)
        throw userError('SH0224', `this sharding is over ${count} devices, ${known.where} over ${known.count}`, {
          span: spanOf(texts.get(text) as ShardingText),
          expected: `${known.count} tiles in all: subgroups count too`,
          help: 'all shardings of a module are over the same devices; last_tile_dim_replicate adds a dim of copies',
        });
    }
  }
  return known?.count ?? 1;
}

/** Shardings that place alike, once each. */
function distinct(shardings: readonly GspmdSharding[]): Map<string, Tiled> {
  const found = new Map<string, Tiled>();
  for (const s of shardings) if (s.kind === 'tiled' && !found.has(tiledKey(s))) found.set(tiledKey(s), s);
  return found;
}

const tiledKey = ({ tile, order }: Tiled): string =>
  `${tile.join()}:${order.kind === 'list' ? order.devices.join() : `${order.dims.join()}T${order.perm.join()}`}`;
