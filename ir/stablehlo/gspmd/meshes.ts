/**
 * Meshes for the GSPMD shardings of a module, and each sharding as axes of one of them.
 *
 *   {devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}   on   sdy.mesh @mesh = <["x"=2, "y"=2]>   is   {y, _}
 *
 * All digits of device numbers (`device-order.ts`) cut the devices at the same places where they can: the fewest axes that
 * express them are the parts between the cuts. Where one sharding's digits do not fit in with the others', or it has
 * none, it gets a mesh of the same axes with another order of devices.
 */
import { mergeNeighbours } from '../../axes.ts';
import { internalError } from '../../diagnostics.ts';
import { axesSize, axisIndex, type AxisRef, deviceCount, type Mesh, type MeshAxis } from '../../mesh.ts';
import { type Digit, deviceList, digitsOf } from './device-order.ts';
import type { Tiled } from './sharding.ts';

/** A tiled sharding on a mesh: axes per tensor dim, then per subgroup. */
export interface OnMesh {
  readonly mesh: string;
  readonly tile: readonly (readonly AxisRef[])[];
}

export interface GspmdMeshes {
  readonly meshes: readonly Mesh[];
  readonly of: ReadonlyMap<Tiled, OnMesh>;
}

/** `given`: the meshes of the file, or the one asked for; the first is used where it can be, and its axes always. */
export function meshesFor(shardings: readonly Tiled[], devices: number, given: readonly Mesh[]): GspmdMeshes {
  const of = new Map<Tiled, OnMesh>();
  const plain = given[0] ?? madeUpMesh(shardings, devices);
  const tables = (given.length === 0 ? [plain] : given).filter((m) => deviceCount(m) === devices).map(tableOf);
  for (const sharding of shardings) {
    let found: OnMesh | undefined;
    for (const table of tables) found ??= express(sharding, table);
    if (found === undefined) {
      const table = tableOf(reordered(sharding, plain, freshName(tables)));
      tables.push(table);
      found = express(sharding, table);
    }
    if (found === undefined) throw internalError('a sharding does not fit the mesh made for it');
    of.set(sharding, found);
  }
  return { meshes: tables.map((t) => t.mesh), of };
}

/** A mesh with the cuts of its devices so far. */
interface MeshTable {
  readonly mesh: Mesh;
  cuts: readonly number[];
}

function tableOf(mesh: Mesh): MeshTable {
  const cuts = [1];
  for (const { size } of mesh.axes) if (size > 1) cuts.push((cuts.at(-1) as number) * size);
  return { mesh, cuts };
}

function freshName(tables: readonly MeshTable[]): string {
  for (let i = 1; ; i++) if (!tables.some((t) => t.mesh.name === `mesh_${i}`)) return `mesh_${i}`;
}

/** The mesh that most of the shardings agree on: devices in their own order, or in that of the first sharding. */
function madeUpMesh(shardings: readonly Tiled[], devices: number): Mesh {
  let cuts: readonly number[] = [1, devices];
  let fitting = 0;
  for (const sharding of shardings) {
    const digits = digitsOf(sharding);
    const more = digits === undefined ? undefined : joinCuts(cuts, cutsOfDigits(digits.flat(), devices));
    if (more === undefined) continue;
    cuts = more;
    fitting++;
  }
  const [first] = shardings;
  if (fitting > 0 || first === undefined) return { name: 'mesh', axes: axesBetween(cuts) };
  return {
    name: 'mesh',
    axes: named(first.tile.filter((t) => t > 1)),
    deviceIds: [...deviceList(first.order)],
  };
}

/** Where digits begin and end, counted from the major end: the `pre` of sub-axes of one axis over all devices. */
const cutsOfDigits = (digits: readonly Digit[], devices: number): number[] =>
  digits.flatMap(({ size, stride }) => [devices / (stride * size), devices / stride]);

/** Both sets of cuts in one, where each divides the next. */
function joinCuts(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const all = [...new Set([...a, ...b])].sort((x, y) => x - y);
  return all.every((c, i) => i === 0 || c % (all[i - 1] as number) === 0) ? all : undefined;
}

const axesBetween = (cuts: readonly number[]): MeshAxis[] =>
  named(cuts.slice(1).map((c, i) => c / (cuts[i] as number))).filter((a) => a.size > 1 || cuts.length === 2);

const NAMES = 'xyzwvutsrqponm';
const named = (sizes: readonly number[]): MeshAxis[] => sizes.map((size, i) => ({ name: NAMES[i] ?? `a${i}`, size }));

/** The sharding's axes on this mesh, if its digits are sub-axes that fit in with those of the others. */
function express(sharding: Tiled, table: MeshTable): OnMesh | undefined {
  const { mesh } = table;
  const devices = deviceCount(mesh);
  const digits = digitsOf(sharding, positions(mesh));
  const cuts = digits === undefined ? undefined : joinCuts(table.cuts, cutsOfDigits(digits.flat(), devices));
  if (digits === undefined || cuts === undefined) return undefined;
  table.cuts = cuts;
  const axesOf = (dim: readonly Digit[]): AxisRef[] =>
    dim.flatMap(({ size, stride }) => partsOf(mesh, devices / (stride * size), devices / stride));
  return { mesh: mesh.name, tile: digits.map((dim) => mergeNeighbours(axesOf(dim))) };
}

/** The axes and sub-axes from `pre` to `end` of the devices, which nest with the axes' own ends. */
function partsOf(mesh: Mesh, pre: number, end: number): AxisRef[] {
  const parts: AxisRef[] = [];
  let start = 1;
  for (const { name, size } of mesh.axes) {
    const [from, to] = [Math.max(pre, start), Math.min(end, start * size)];
    if (from < to) parts.push({ name, pre: from / start, size: to / from });
    start *= size;
  }
  return parts;
}

/** Device → position in the mesh; absent where they are the same. */
function positions(mesh: Mesh): Int32Array | undefined {
  if (mesh.deviceIds === undefined) return undefined;
  const found = new Int32Array(mesh.deviceIds.length);
  mesh.deviceIds.forEach((d, p) => {
    found[d] = p;
  });
  return found;
}

/** A mesh of the same axes whose devices stand in such an order that axes express the sharding. */
function reordered(sharding: Tiled, mesh: Mesh, name: string): Mesh {
  const tile = spread(sharding.tile, mesh);
  const devices = deviceList(sharding.order);
  const axes = tile.flat();
  const deviceIds = devices.map(
    (_, p) => devices[axes.reduce((n, a) => n * a.size + axisIndex(mesh, a, p), 0)] as number,
  );
  return { name, axes: mesh.axes, deviceIds };
}

/** Gives each tile dim axes of its size: whole axes first, then prime parts of what is left. */
function spread(tile: readonly number[], mesh: Mesh): AxisRef[][] {
  const free = mesh.axes.flatMap(({ name, size }) => primeParts(name, size));
  return tile.map((count) => {
    const axes: AxisRef[] = [];
    let rest = count;
    const take = (parts: readonly AxisRef[]): void => {
      for (const part of parts) free.splice(free.indexOf(part), 1);
      axes.push(...parts);
      rest /= axesSize(parts);
    };
    for (const axis of mesh.axes) {
      const parts = free.filter((p) => p.name === axis.name);
      if (axis.size > 1 && axesSize(parts) === axis.size && rest % axis.size === 0) take(parts);
    }
    for (const part of [...free]) if (rest % part.size === 0) take([part]);
    return mergeNeighbours(axes);
  });
}

function primeParts(name: string, size: number): AxisRef[] {
  const parts: AxisRef[] = [];
  let pre = 1;
  for (let p = 2; pre < size; ) {
    if ((size / pre) % p === 0) {
      parts.push({ name, pre, size: p });
      pre *= p;
    } else p++;
  }
  return parts;
}
