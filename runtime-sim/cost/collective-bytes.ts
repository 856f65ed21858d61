/**
 * Wire bytes: what one device puts on the links for one collective of a per-device program, with ring algorithms and
 * groups of g devices.
 *
 *   all_gather n_out·(g-1)/g    reduce_scatter n_in·(g-1)/g    all_reduce 2n·(g-1)/g    all_to_all n·(g-1)/g
 *   collective_permute n, or 0 where every device keeps its own    collective_shift, device_permute n
 *   collective_broadcast n    all_slice 0
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import { internalError } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import { axesSize, type AxisRef, type Mesh } from '../../ir/mesh.ts';
import { type CollectiveKind, type Func, isCollective, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { permuteSources } from '../../ir/permute.ts';
import { byteSize } from '../../ir/types.ts';
import { axesKey, DeviceGrid, deviceSources, layoutKey, shiftSources } from '../device-grid.ts';

/** `func` is at the local level; `meshes` are its module's. */
export function collectiveBytes(
  op: Op,
  func: Func,
  meshes: readonly Mesh[],
): { readonly kind: CollectiveKind; readonly bytes: number } {
  if (!isCollective(op)) throw internalError(`${op.kind} is not a collective`);
  const kind = op.kind as CollectiveKind;
  const bytes = op.operands.reduce(
    (sum, operand, i) => sum + wireBytes(op, kind, operand, op.results[i] as ValueId, func, meshes),
    0,
  );
  return { kind, bytes };
}

function wireBytes(
  op: Op,
  kind: CollectiveKind,
  operand: ValueId,
  result: ValueId,
  func: Func,
  meshes: readonly Mesh[],
): number {
  const g = groupSize(op);
  const n = byteSize(typeOf(func, operand));
  switch (kind) {
    case 'all_gather':
      return (byteSize(typeOf(func, result)) * (g - 1)) / g;
    case 'reduce_scatter':
    case 'all_to_all':
      return (n * (g - 1)) / g;
    case 'all_reduce':
      return (2 * n * (g - 1)) / g;
    case 'collective_permute':
      return isIdentityPermute(op, meshes) ? 0 : n;
    case 'collective_shift':
    case 'device_permute':
    case 'collective_broadcast':
      return n;
    case 'all_slice':
      return 0;
  }
}

/** Devices that one collective joins; the largest of groups of several sizes. */
export function groupSize(op: Op): number {
  const groups = op.attrs.groups as OpAttrs['all_reduce']['groups'];
  return groups === undefined ? axesSize(collectiveAxes(op)) : Math.max(...groups.map((g) => g.length));
}

/** The axes along which the groups of a collective extend; none for a permute. */
export function collectiveAxes(op: Op): readonly AxisRef[] {
  switch (op.kind as CollectiveKind) {
    case 'all_gather':
    case 'all_slice':
    case 'reduce_scatter':
      return (op.attrs.axes as OpAttrs['all_gather']['axes']).flat();
    case 'all_reduce':
    case 'collective_broadcast':
      return op.attrs.axes as OpAttrs['all_reduce']['axes'];
    case 'all_to_all':
      return (op.attrs.moves as OpAttrs['all_to_all']['moves']).flatMap((m) => [...m.axes]);
    case 'collective_permute':
    case 'collective_shift':
    case 'device_permute':
      return [];
  }
}

const maps = new WeakMap<readonly Mesh[], Map<string, Int32Array>>();

/** Of a permute or shift: equal for equal maps of devices. */
export function patternKey(op: Op): string {
  if (op.kind === 'collective_permute')
    return `${layoutKey(op.attrs.from as Layout)}>${layoutKey(op.attrs.to as Layout)}`;
  const { mesh, axes, ...map } = op.attrs as { mesh: string; axes: readonly AxisRef[] };
  return `${op.kind} ${mesh} ${axesKey(axes)} ${JSON.stringify(map)}`;
}

/** Per device: where its data comes from; devices that receive nothing are their own source. Memoised per mesh table. */
export function permuteMap(op: Op, meshes: readonly Mesh[]): Int32Array {
  let known = maps.get(meshes);
  if (known === undefined) maps.set(meshes, (known = new Map()));
  const key = patternKey(op);
  let map = known.get(key);
  if (map === undefined) known.set(key, (map = makeMap(op, meshes)));
  return map;
}

function makeMap({ kind, attrs }: Op, meshes: readonly Mesh[]): Int32Array {
  if (kind === 'collective_permute') {
    const [from, to] = [attrs.from as Layout, attrs.to as Layout];
    return permuteSources(gridNamed(meshes, from.mesh).mesh, gridNamed(meshes, to.mesh).mesh, from, to);
  }
  const grid = gridNamed(meshes, attrs.mesh as string);
  const sources =
    kind === 'collective_shift'
      ? shiftSources(grid, attrs as unknown as OpAttrs['collective_shift'])
      : deviceSources(grid, attrs as unknown as OpAttrs['device_permute']);
  return sources.map((source, device) => (source < 0 ? device : source));
}

const isIdentityPermute = (op: Op, meshes: readonly Mesh[]): boolean =>
  permuteMap(op, meshes).every((source, device) => source === device);

function gridNamed(meshes: readonly Mesh[], name: string): DeviceGrid {
  const mesh = meshes.find((m) => m.name === name);
  if (mesh === undefined) throw internalError(`no mesh is called @${name}`);
  return new DeviceGrid(mesh);
}
