/** What a collective_permute does: which device each one's shard comes from. */
import { deviceAt, type Pairs } from './device-groups.ts';
import { internalError, unsupported } from './diagnostics.ts';
import { dimAxes, type Layout } from './layout.ts';
import { axesIndex, axesSize, type AxisRef, deviceCount, type Mesh, type MeshAxis, sameAxis } from './mesh.ts';

/** Device → position. */
export function positionsOf(mesh: Mesh): Int32Array {
  const found = new Int32Array(deviceCount(mesh));
  for (let p = 0; p < found.length; p++) found[deviceAt(mesh, p)] = p;
  return found;
}

/**
 * Per device: the device that its shard under `to` comes from, one that held the same block under `from`. Where every
 * device holds its block already (two orders of devices may agree there) it is itself. Else axes that neither layout
 * uses keep their coordinate (so owed sums stay where they are); axes that `to` frees are matched, in order, with axes
 * that `from` left free, which makes the map one to one.
 *
 *   [x, _] → [y, _]:  device (x=i, y=j) receives from (x=j, y=i)
 */
export function permuteSources(fromMesh: Mesh, toMesh: Mesh, from: Layout, to: Layout): Int32Array {
  if (!fromMesh.axes.every((a, i) => a.name === toMesh.axes[i]?.name && a.size === toMesh.axes[i]?.size))
    throw unsupported(`a collective_permute between meshes @${fromMesh.name} and @${toMesh.name} of different axes`);
  const atoms = atomsOf(fromMesh, [from, to]);
  const split = (axes: readonly AxisRef[]): AxisRef[] => axes.flatMap((a) => atoms.filter((x) => within(x, a)));
  const held = from.dims.map((_, d) => split(dimAxes(from, d)));
  const wanted = to.dims.map((_, d) => split(dimAxes(to, d)));
  held.forEach((axes, d) => {
    if (axesSize(axes) !== axesSize(wanted[d] ?? []))
      throw internalError(`collective_permute: dim ${d} has another number of shards on either side`);
  });
  const [fromPositions, toPositions] = [positionsOf(fromMesh), positionsOf(toMesh)];
  const stays = toPositions.every(
    (p, device) =>
      axesIndex(toMesh, wanted.flat(), p) === axesIndex(fromMesh, held.flat(), fromPositions[device] as number),
  );
  if (stays && from.unreduced.length === 0) return toPositions.map((_, device) => device);
  const pairs = matched(atoms, held, wanted);
  return toPositions.map((position) => deviceAt(fromMesh, sourcePosition(fromMesh, pairs, position)));
}

/** The same inside one mesh, as (source, target) pairs. */
export const layoutPairs = (mesh: Mesh, from: Layout, to: Layout): Pairs =>
  Array.from(permuteSources(mesh, mesh, from, to), (source, target) => [source, target] as const);

/** Lists of axes: the index along the first is, at the source, the index along the second. */
type Matched = readonly (readonly [readonly AxisRef[], readonly AxisRef[]])[];

function matched(
  atoms: readonly AxisRef[],
  held: readonly (readonly AxisRef[])[],
  wanted: readonly (readonly AxisRef[])[],
): Matched {
  const has = (axes: readonly AxisRef[], x: AxisRef): boolean => axes.some((a) => sameAxis(a, x));
  const [heldAll, wantedAll] = [held.flat(), wanted.flat()];
  const kept = atoms.filter((x) => !has(heldAll, x) && !has(wantedAll, x));
  return [
    ...held.map((axes, d) => [wanted[d] ?? [], axes] as const),
    [heldAll.filter((x) => !has(wantedAll, x)), wantedAll.filter((x) => !has(heldAll, x))],
    [kept, kept],
  ];
}

function sourcePosition(mesh: Mesh, pairs: Matched, position: number): number {
  let source = 0;
  for (const [target, origin] of pairs) {
    let index = axesIndex(mesh, target, position);
    for (let i = origin.length - 1; i >= 0; i--) {
      const axis = origin[i] as AxisRef;
      source += (index % axis.size) * positionWeight(mesh, axis);
      index = Math.floor(index / axis.size);
    }
  }
  return source;
}

/** How far apart two positions lie whose index along the (sub-)axis differs by one. */
export function positionWeight(mesh: Mesh, ref: AxisRef): number {
  let stride = 1;
  for (let i = mesh.axes.length - 1; i >= 0; i--) {
    const axis = mesh.axes[i] as MeshAxis;
    if (axis.name === ref.name) return stride * (axis.size / (ref.pre * ref.size));
    stride *= axis.size;
  }
  throw internalError(`mesh @${mesh.name} has no axis ${ref.name}`);
}

const within = (inner: AxisRef, outer: AxisRef): boolean =>
  inner.name === outer.name && inner.pre >= outer.pre && inner.pre * inner.size <= outer.pre * outer.size;

/** The finest sub-axes that every axis of the layouts is a product of, major first within each axis. */
function atomsOf(mesh: Mesh, layouts: readonly Layout[]): AxisRef[] {
  return mesh.axes.flatMap(({ name, size }) => {
    const refs = layouts.flatMap((l) => l.dims.flatMap((d) => d.axes.filter((a) => a.name === name)));
    const cuts = [...new Set([1, size, ...refs.flatMap((a) => [a.pre, a.pre * a.size])])].sort((a, b) => a - b);
    return cuts.slice(1).map((cut, i): AxisRef => {
      const pre = cuts[i] as number;
      if (cut % pre !== 0)
        throw unsupported(`a collective_permute between sub-axes of ${name} that do not nest (${pre} and ${cut})`);
      return { name, pre, size: cut / pre };
    });
  });
}
