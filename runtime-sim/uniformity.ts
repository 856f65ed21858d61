/**
 * Which devices certainly hold the same, without running: every value of a per-device program gets a partition of the
 * devices, and devices of one class compute it by the same ops from the same data.
 *
 *   %i = axis_index axes={x}        one class per index along x
 *   %s = all_reduce %i axes={x}     one class: all groups have the same members
 *
 * Scalars computed from indices and constants alone are known, and devices where they are equal are one class: JAX finds
 * its index along an axis as partition_id / 4 mod 2.
 */
import type { TensorArray } from '../ir/array.ts';
import type { OpAttrs } from '../ir/attrs.ts';
import type { Layout } from '../ir/layout.ts';
import type { AxisRef } from '../ir/mesh.ts';
import { type CollectiveKind, isCollective, meshOf, type Module, type Op } from '../ir/program.ts';
import { joinedAxes } from '../ir/ops/collectives.ts';
import type { OpView, Registry } from '../ir/op.ts';
import { permuteSources } from '../ir/permute.ts';
import { broadcastSources, DeviceGrid, deviceSources, shiftSources } from './device-grid.ts';
import { type Partition, Partitions } from './partition.ts';

/** A value: which devices hold the same, and, where that is known, what the devices of each class hold. */
export interface Held {
  readonly partition: Partition;
  readonly known?: readonly TensorArray[];
}

export class Uniformity {
  readonly partitions: Partitions;
  private readonly registry: Registry;
  private readonly grids: ReadonlyMap<string, DeviceGrid>;
  private readonly known = new Map<string, Partition>();

  constructor(module: Module, devices: number, registry: Registry) {
    this.registry = registry;
    this.partitions = new Partitions(devices);
    this.grids = new Map(module.meshes.map((m) => [m.name, new DeviceGrid(meshOf(module, m.name))]));
  }

  grid(mesh: string): DeviceGrid {
    const grid = this.grids.get(mesh);
    if (grid === undefined) throw new Error(`no mesh is called @${mesh}`);
    return grid;
  }

  /** Every device on its own. */
  get apart(): Partition {
    return this.partitions.of(Int32Array.from({ length: this.partitions.devices }, (_, d) => d));
  }

  /** What a layout says: devices differ along the axes that it names. */
  ofLayout(layout: Layout): Partition {
    const axes = [...layout.dims.flatMap((d) => d.axes), ...layout.unreduced, ...(layout.manual ?? [])];
    return this.along(layout.mesh, axes);
  }

  /** What an op that is no control flow gives, from what it reads. */
  ofResult(op: Op, read: readonly Held[], view: OpView): Held {
    if (op.kind === 'axis_index') return this.indices(op.attrs.mesh as string, op.attrs.axes as readonly AxisRef[]);
    if (op.kind === 'sharding_constraint') return { partition: this.ofLayout(op.attrs.layout as Layout) };
    const partition = read.reduce((p, { partition: q }) => this.partitions.refine(p, q), this.partitions.whole);
    if (isCollective(op)) return { partition: this.ofCollective(op, partition) };
    return this.computed(partition, read, view) ?? { partition };
  }

  private indices(mesh: string, axes: readonly AxisRef[]): Held {
    const partition = this.along(mesh, axes);
    const index = this.grid(mesh).index(axes);
    const at = (d: number): TensorArray => ({ dtype: 'i32', shape: [], data: Int32Array.of(index[d] as number) });
    return { partition, known: Array.from(partition.firstDevice, at) };
  }

  /** A scalar of known scalars, class by class; classes with equal results become one. */
  private computed(partition: Partition, read: readonly Held[], view: OpView): Held | undefined {
    const [result, more] = view.results;
    const def = this.registry[view.kind];
    const isPlain =
      view.regions.length === 0 && view.kind !== 'custom_call' && read.every((r) => r.known !== undefined);
    if (!isPlain || def === undefined || result === undefined || more !== undefined || result.shape.length > 0)
      return undefined;
    const values = Array.from(partition.firstDevice, (device) => {
      const inputs = read.map((r) => r.known?.[r.partition.copyOf[device] as number] as TensorArray);
      return def.kernel(view, inputs, { precision: 'wide', call: () => [] })[0] as TensorArray;
    });
    const labels = new Map<string, number>();
    const merged = this.partitions.of(
      partition.copyOf.map((copy) => {
        const key = (values[copy] as TensorArray).data.join();
        if (!labels.has(key)) labels.set(key, labels.size);
        return labels.get(key) as number;
      }),
    );
    return {
      partition: merged,
      known: Array.from(merged.firstDevice, (d) => values[partition.copyOf[d] as number] as TensorArray),
    };
  }

  private along(mesh: string, axes: readonly AxisRef[]): Partition {
    return this.partitions.of(this.grid(mesh).index(axes));
  }

  private ofCollective(op: Op, held: Partition): Partition {
    const key = `${held.id} ${op.kind} ${JSON.stringify(op.attrs)}`;
    let found = this.known.get(key);
    if (found === undefined) this.known.set(key, (found = this.exchange(op, held)));
    return found;
  }

  private exchange(op: Op, held: Partition): Partition {
    const { attrs } = op;
    const kind = op.kind as CollectiveKind;
    const grid = this.grid((attrs.mesh ?? (attrs.to as Layout).mesh) as string);
    switch (kind) {
      case 'all_reduce':
      case 'all_gather':
        return this.byGroup(grid, held, joinedAxes(op), attrs.groups as Parts, false);
      case 'reduce_scatter':
        return this.byGroup(grid, held, joinedAxes(op), attrs.groups as Parts, true);
      case 'all_to_all':
        return (attrs.moves as OpAttrs['all_to_all']['moves']).reduce(
          (now, { axes }) => this.byGroup(grid, now, axes, attrs.groups as Parts, true),
          held,
        );
      case 'all_slice':
        return this.partitions.refine(held, this.partitions.of(grid.index(joinedAxes(op))));
      case 'collective_permute': {
        const [from, to] = [attrs.from as Layout, attrs.to as Layout];
        return this.pulled(held, permuteSources(this.grid(from.mesh).mesh, this.grid(to.mesh).mesh, from, to));
      }
      case 'collective_shift':
        return this.pulled(held, shiftSources(grid, attrs as unknown as OpAttrs['collective_shift']));
      case 'device_permute':
        return this.pulled(held, deviceSources(grid, attrs as unknown as OpAttrs['device_permute']));
      case 'collective_broadcast':
        return this.pulled(held, broadcastSources(grid, attrs as unknown as OpAttrs['collective_broadcast']));
    }
  }

  /** Groups whose members hold the same, in the same order, give the same; `each`: a part of it to each place. */
  private byGroup(grid: DeviceGrid, held: Partition, axes: readonly AxisRef[], parts: Parts, each: boolean): Partition {
    const { members, groupOf, rankOf, size } = grid.groups(axes, parts);
    const numbers = new Map<string, number>();
    const label = members.map((group) => {
      const key = Array.from(group, (d) => held.copyOf[d] as number).join();
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      return number;
    });
    return this.partitions.of(
      groupOf.map((g, d) => (each ? (label[g] as number) * size + (rankOf[d] as number) : (label[g] as number))),
    );
  }

  private pulled(held: Partition, sources: Int32Array): Partition {
    return this.partitions.of(sources.map((s) => (s < 0 ? -1 : (held.copyOf[s] as number))));
  }
}

type Parts = OpAttrs['all_reduce']['groups'];
