/** Layouts as GSPMD writes them: `{y, _}` on mesh x=2, y=2 is `{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}`. */
import { cutsOf, refine, without } from '../../axes.ts';
import type { Layout } from '../../layout.ts';
import { axesSize, axisIndex, type AxisRef, deviceCount, type Mesh } from '../../mesh.ts';

export function gspmdText(mesh: Mesh, layout: Layout): string {
  const lists = layout.dims.map((d) => d.axes);
  const whole = mesh.axes.map(({ name, size }) => ({ name, pre: 1, size }));
  const cuts = cutsOf([...lists, layout.unreduced, whole]);
  const parts = refine(whole, cuts).filter((a) => a.size > 1);
  const dims = lists.map((axes) => refine(axes, cuts).filter((a) => a.size > 1));
  const unreduced = refine(layout.unreduced, cuts);
  const rest = without(without(parts, dims.flat()), unreduced);
  if (dims.every((axes) => axes.length === 0) && unreduced.length === 0) return '{replicated}';
  const order = [...dims.flat(), ...rest, ...unreduced];
  const subgroups = [...(rest.length > 0 ? [['replicated', rest] as const] : [])];
  if (unreduced.length > 0) subgroups.push(['unreduced' as 'replicated', unreduced]);
  const tile = [...dims.map(axesSize), ...subgroups.map(([, axes]) => axesSize(axes))];
  return `{devices=[${tile.join(',')}]${devicesText(mesh, parts, order)}${subgroupText(subgroups.map(([kind]) => kind))}}`;
}

function subgroupText(kinds: readonly string[]): string {
  if (kinds.length === 0) return '';
  return kinds.length === 1 && kinds[0] === 'replicated'
    ? ' last_tile_dim_replicate'
    : ` last_tile_dims={${kinds.join(', ')}}`;
}

/** An iota over the parts of the mesh's axes, transposed; a list where the mesh has an order of its own. */
function devicesText(mesh: Mesh, parts: readonly AxisRef[], order: readonly AxisRef[]): string {
  if (mesh.deviceIds !== undefined) return listed(mesh, order).join(',');
  const perm = order.map((a) => parts.indexOf(parts.find((p) => p.name === a.name && p.pre === a.pre) as AxisRef));
  const [dims, short] = joined(
    parts.map((p) => p.size),
    perm,
  );
  if (short.every((p, i) => p === i)) return `<=[${deviceCount(mesh)}]`;
  return `<=[${dims.join(',')}]T(${short.join(',')})`;
}

/** Dims that stay neighbours under the transposition are one. */
function joined(sizes: readonly number[], perm: readonly number[]): [number[], number[]] {
  const headOf = new Map<number, number>();
  const heads = perm.filter((p, i) => i === 0 || p !== (perm[i - 1] as number) + 1);
  for (const head of heads) headOf.set(head, 1);
  let head = -1;
  for (const p of perm) {
    if (headOf.has(p)) head = p;
    headOf.set(head, (headOf.get(head) as number) * (sizes[p] as number));
  }
  const sorted = [...heads].sort((a, b) => a - b);
  return [sorted.map((h) => headOf.get(h) as number), heads.map((h) => sorted.indexOf(h))];
}

function listed(mesh: Mesh, order: readonly AxisRef[]): number[] {
  const devices = new Array<number>(deviceCount(mesh));
  for (let p = 0; p < devices.length; p++)
    devices[order.reduce((n, a) => n * a.size + axisIndex(mesh, a, p), 0)] = mesh.deviceIds?.[p] ?? p;
  return devices;
}
