/** Devices of a mesh as numbers: index vectors and groups along axes. */
import type { OpAttrs } from '../ir/attrs.ts';
import { shiftSource } from '../ir/device-groups.ts';
import { unsupported } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import { axesIndex, axesSize, axisIndex, type AxisRef, deviceCount, type Mesh } from '../ir/mesh.ts';
import { positionWeight } from '../ir/permute.ts';
import { unravel } from './blocks.ts';

/** One mesh laid on devices 0 … n-1. Positions are row-major mesh coordinates. */
export class DeviceGrid {
  readonly mesh: Mesh;
  readonly size: number;
  readonly deviceAt: Int32Array;
  readonly positionOf: Int32Array;
  private readonly indices = new Map<string, Int32Array>();
  private readonly groupings = new Map<string, Groups>();

  constructor(mesh: Mesh) {
    this.mesh = mesh;
    this.size = deviceCount(mesh);
    this.deviceAt = Int32Array.from({ length: this.size }, (_, p) => mesh.deviceIds?.[p] ?? p);
    this.positionOf = new Int32Array(this.size).fill(-1);
    this.deviceAt.forEach((d, p) => {
      if (d < 0 || d >= this.size) throw unsupported(`mesh @${mesh.name} with device ids outside 0 … ${this.size - 1}`);
      this.positionOf[d] = p;
    });
    if (this.positionOf.includes(-1)) throw unsupported(`mesh @${mesh.name} that names a device twice`);
  }

  /** Per device: its combined index along the axes, first major. */
  index(axes: readonly AxisRef[]): Int32Array {
    const key = axesKey(axes);
    let found = this.indices.get(key);
    if (found === undefined) {
      found = this.positionOf.map((p) => axesIndex(this.mesh, axes, p));
      this.indices.set(key, found);
    }
    return found;
  }

  /** Groups of devices that differ in these axes only, members in order of their combined index. */
  groups(axes: readonly AxisRef[], parts?: OpAttrs['all_reduce']['groups']): Groups {
    const key = `${axesKey(axes)} ${JSON.stringify(parts)}`;
    let found = this.groupings.get(key);
    if (found === undefined) {
      found = this.makeGroups(axes);
      this.groupings.set(key, (found = parts === undefined ? found : partsOf(found, parts)));
    }
    return found;
  }

  private makeGroups(axes: readonly AxisRef[]): Groups {
    const sizes = axes.map((a) => a.size);
    const weights = axes.map((a) => positionWeight(this.mesh, a));
    const size = axesSize(axes);
    const steps = Int32Array.from({ length: size }, (_, rank) =>
      unravel(rank, sizes).reduce((n, digit, i) => n + digit * (weights[i] as number), 0),
    );
    const rankOf = this.index(axes);
    const members: Int32Array[] = [];
    const groupOf = new Int32Array(this.size);
    for (let device = 0; device < this.size; device++) {
      if (rankOf[device] !== 0) continue;
      const base = this.positionOf[device] as number;
      const group = steps.map((s) => this.deviceAt[base + s] as number);
      for (const d of group) groupOf[d] = members.length;
      members.push(group);
    }
    return { size, members, groupOf, rankOf };
  }
}

export interface Groups {
  readonly size: number;
  /** group → devices by rank. */
  readonly members: readonly Int32Array[];
  readonly groupOf: Int32Array;
  readonly rankOf: Int32Array;
}

/** Groups of those members that stand together in a part; a device in none is a group of its own. */
function partsOf(whole: Groups, parts: readonly (readonly number[])[]): Groups {
  const members = whole.members.flatMap((group) =>
    parts.map((part) => Int32Array.from(part, (i) => group[i] as number)),
  );
  const groupOf = new Int32Array(whole.groupOf.length).fill(-1);
  const rankOf = new Int32Array(whole.groupOf.length);
  members.forEach((group, g) =>
    group.forEach((device, rank) => {
      groupOf[device] = g;
      rankOf[device] = rank;
    }),
  );
  groupOf.forEach((g, device) => {
    if (g === -1) groupOf[device] = members.push(Int32Array.of(device)) - 1;
  });
  return { size: Math.max(...members.map((m) => m.length)), members, groupOf, rankOf };
}

export const axesKey = (axes: readonly AxisRef[]): string => axes.map((a) => `${a.name}:${a.pre}:${a.size}`).join('+');
export const layoutKey = (layout: Layout): string =>
  `${layout.mesh}[${layout.dims.map((d) => axesKey(d.axes)).join('|')}]${axesKey(layout.unreduced)}/${axesKey(layout.manual ?? [])}`;

/** Per device: the device whose data it gets, or -1 for zeros. */
export function shiftSources(grid: DeviceGrid, attrs: OpAttrs['collective_shift']): Int32Array {
  const { size, members, groupOf, rankOf } = grid.groups(attrs.axes);
  return groupOf.map(
    (group, device) => members[group]?.[shiftSource(attrs, size, rankOf[device] as number) ?? -1] ?? -1,
  );
}

/** Likewise, of a broadcast: the first of its group. A device that `groups` leaves out gets zeros. */
export function broadcastSources(grid: DeviceGrid, { axes, groups }: OpAttrs['collective_broadcast']): Int32Array {
  const { members, groupOf } = grid.groups(axes, groups);
  const joined = groups === undefined ? members.length : groups.length * grid.groups(axes).members.length;
  return groupOf.map((g) => (g < joined ? (members[g]?.[0] as number) : -1));
}

/** Likewise, of a user's permute. */
export function deviceSources(grid: DeviceGrid, { axes, sources }: OpAttrs['device_permute']): Int32Array {
  const { members, groupOf, rankOf } = grid.groups(axes);
  return groupOf.map((group, device) => members[group]?.[sources[rankOf[device] as number] ?? -1] ?? -1);
}

/** Blocks of a layout: per device, the block index along each dim's axes. */
export function blockIndex(grid: DeviceGrid, layout: Layout, device: number): number[] {
  const position = grid.positionOf[device] as number;
  return layout.dims.map((d) => d.axes.reduce((n, a) => n * a.size + axisIndex(grid.mesh, a, position), 0));
}
