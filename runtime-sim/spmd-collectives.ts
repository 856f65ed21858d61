/**
 * What each collective of the local level does to the copies of a value. Groups whose members hold the same copies in
 * the same order give the same result, computed once.
 */
import type { Precision, TensorArray } from '../ir/array.ts';
import type { OpAttrs } from '../ir/attrs.ts';
import { internalError } from '../ir/diagnostics.ts';
import type { Layout, Monoid } from '../ir/layout.ts';
import { axesSize, type AxisRef } from '../ir/mesh.ts';
import type { Registry } from '../ir/op.ts';
import type { CollectiveKind, Op } from '../ir/program.ts';
import { permuteSources } from '../ir/permute.ts';
import { offsetIn, planBlock, storageCount, unravel } from './blocks.ts';
import { axesKey, broadcastSources, type DeviceGrid, deviceSources, layoutKey, shiftSources } from './device-grid.ts';
import { combineArrays } from './combine.ts';
import { type Distributed, mergeEqualCopies } from './distributed.ts';
import { addsInPlace, cut, joined, sums, withZeros } from './group-rows.ts';
import { runMove } from './kernels/move.ts';
import { expectMeeting } from './meeting.ts';
import type { Partition, Partitions } from './partition.ts';
import { type ReductionOrder, reduceInOrder } from './reduction-order.ts';
import { roomLike } from './memory/room.ts';
import { rowOf, stackOf, takeRows } from './stacked.ts';

type Parts = OpAttrs['all_reduce']['groups'];
type DimAxes = readonly (readonly AxisRef[])[];
type Move = OpAttrs['all_to_all']['moves'][number];

/** Groups of one partition along axes, told apart by which copies their members hold. */
interface Signatures {
  readonly size: number;
  /** device → signature. */
  readonly of: Int32Array;
  /** signature → copies by rank. */
  readonly members: readonly Int32Array[];
  readonly rankOf: Int32Array;
}

export class SpmdCollectives {
  private readonly partitions: Partitions;
  private readonly gridOf: (mesh: string) => DeviceGrid;
  private readonly combine: (monoid: Monoid, a: TensorArray, b: TensorArray) => TensorArray;
  private readonly signatures = new Map<string, Signatures>();
  private readonly pulled = new Map<string, Partition>();
  private readonly sources = new Map<string, Int32Array>();

  private readonly order: ReductionOrder;

  constructor(
    partitions: Partitions,
    gridOf: (mesh: string) => DeviceGrid,
    registry: Registry,
    precision: Precision,
    order: ReductionOrder = 'rank',
  ) {
    this.order = order;
    this.partitions = partitions;
    this.gridOf = gridOf;
    this.combine = (monoid, a, b) => combineArrays(registry, precision, monoid, a, b);
  }

  /** `active`: the devices that get here, where user code took several ways. */
  run(op: Op, value: Distributed, active?: Uint8Array): Distributed {
    const grid = this.gridOf((op.attrs.mesh ?? (op.attrs.to as Layout).mesh) as string);
    expectMeeting(op, grid.mesh, active);
    const kind = op.kind as CollectiveKind;
    const parts = op.attrs.groups as Parts;
    switch (kind) {
      case 'all_gather':
        return mergeEqualCopies(this.allGather(grid, value, op.attrs.axes as DimAxes, parts), this.partitions);
      case 'all_slice':
        return this.allSlice(grid, value, op.attrs.axes as DimAxes);
      case 'all_to_all':
        return (op.attrs.moves as readonly Move[]).reduce((v, move) => this.allToAll(grid, v, move, parts), value);
      case 'reduce_scatter':
        return this.reduceScatter(grid, value, op.attrs as unknown as OpAttrs['reduce_scatter']);
      case 'all_reduce':
        return mergeEqualCopies(
          this.allReduce(grid, value, op.attrs as unknown as OpAttrs['all_reduce']),
          this.partitions,
        );
      case 'collective_permute':
        return this.permute(value, op.attrs.from as Layout, op.attrs.to as Layout);
      case 'collective_shift':
        return this.moved(value, shiftSources(grid, op.attrs as unknown as OpAttrs['collective_shift']));
      case 'device_permute':
        return this.moved(value, deviceSources(grid, op.attrs as unknown as OpAttrs['device_permute']));
      case 'collective_broadcast':
        return this.moved(value, broadcastSources(grid, op.attrs as unknown as OpAttrs['collective_broadcast']));
    }
  }

  /** This device's combined index along the axes, i32[]. */
  axisIndex(op: Op): Distributed {
    const { mesh, axes } = op.attrs as { mesh: string; axes: readonly AxisRef[] };
    const index = this.gridOf(mesh).index(axes);
    const partition = this.partitions.of(index);
    return {
      partition,
      stack: { dtype: 'i32', shape: [partition.copies], data: partition.firstDevice.map((d) => index[d] as number) },
    };
  }

  /** Members' blocks side by side: along each dim in order of the index along that dim's axes. */
  private allGather(grid: DeviceGrid, value: Distributed, axes: DimAxes, parts: Parts): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, axes.flat(), parts);
    const counts = blockCounts(axes, parts);
    const local = localShape(value);
    const places = Array.from({ length: signatures.size }, (_, rank) =>
      unravel(rank, counts).map((i, d) => i * (local[d] as number)),
    );
    const { partition, order } = this.bySignature(signatures);
    return {
      partition,
      stack: joined(
        value.stack,
        order,
        local.map((n, d) => n * (counts[d] as number)),
        places,
      ),
    };
  }

  private allReduce(
    grid: DeviceGrid,
    value: Distributed,
    { axes, monoid, groups }: OpAttrs['all_reduce'],
  ): Distributed {
    const { partition, order } = this.bySignature(this.signaturesOf(grid, value.partition, axes, groups));
    return { partition, stack: this.totals(value.stack, order, monoid) };
  }

  private allSlice(grid: DeviceGrid, value: Distributed, axes: DimAxes): Distributed {
    const rank = grid.index(axes.flat());
    const size = axesSize(axes.flat());
    const { copyOf } = value.partition;
    const partition = this.partitions.of(copyOf.map((c, d) => c * size + (rank[d] as number)));
    const counts = blockCounts(axes);
    const sizes = partSizes(localShape(value), counts, 'all_slice');
    return {
      partition,
      stack: cut(
        value.stack,
        partition,
        (d) => copyOf[d] as number,
        sizes,
        (d) => partStart(sizes, counts, rank[d] as number),
      ),
    };
  }

  private reduceScatter(
    grid: DeviceGrid,
    value: Distributed,
    { axes, monoid, groups }: OpAttrs['reduce_scatter'],
  ): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, axes.flat(), groups);
    const totals = this.totals(value.stack, signatures.members, monoid);
    const counts = blockCounts(axes, groups);
    const sizes = partSizes(localShape(value), counts, 'reduce_scatter');
    const { of, rankOf } = signatures;
    const partition = this.byRank(signatures);
    return {
      partition,
      stack: cut(
        totals,
        partition,
        (d) => of[d] as number,
        sizes,
        (d) => partStart(sizes, counts, rankOf[d] as number),
      ),
    };
  }

  /**
   * Receiver r gets, from each member s, the r-th part of s's block along `target`, set at place s along `source`: the
   * r-th part of all members' blocks side by side, which is g copies in and g out where pairs would be g².
   */
  private allToAll(grid: DeviceGrid, value: Distributed, move: Move, parts: Parts): Distributed {
    if (move.axes.length === 0) return value;
    const signatures = this.signaturesOf(grid, value.partition, move.axes, parts);
    const { size, of, rankOf } = signatures;
    const local = localShape(value);
    const [held, given] = [local[move.source] as number, local[move.target] as number];
    const part = given / size;
    if (!Number.isInteger(part))
      throw internalError(`all_to_all: dim ${move.target} of [${local.join(',')}] does not divide by ${size}`);
    if (move.source === move.target) return this.allToAllInPlace(value, signatures, move.source);
    const along = (dim: number, at: number): number[] => local.map((_, d) => (d === dim ? at : 0));
    const side = local.map((n, d) => (d === move.source ? held * size : n));
    const all = joined(
      value.stack,
      signatures.members,
      side,
      Array.from({ length: size }, (_, s) => along(move.source, s * held)),
    );
    const partition = this.byRank(signatures);
    const sizes = side.map((n, d) => (d === move.target ? part : n));
    return {
      partition,
      stack: cut(
        all,
        partition,
        (d) => of[d] as number,
        sizes,
        (d) => along(move.target, (rankOf[d] as number) * part),
      ),
    };
  }

  /** Parts are set where they were split off: block r of member s becomes block s of member r. */
  private allToAllInPlace({ stack }: Distributed, signatures: Signatures, dim: number): Distributed {
    const { size, of, rankOf, members } = signatures;
    const local = stack.shape.slice(1);
    const sizes = local.map((n, d) => (d === dim ? n / size : n));
    const length = storageCount(local, stack.dtype);
    const partition = this.byRank(signatures);
    const data = roomLike(stack.data, partition.copies * length);
    const plan = planBlock(sizes, local, local, stack.dtype);
    const at = (block: number): number =>
      offsetIn(
        local,
        local.map((_, d) => (d === dim ? block * (sizes[dim] as number) : 0)),
        stack.dtype,
      );
    partition.firstDevice.forEach((device, copy) => {
      members[of[device] as number]?.forEach((row, s) =>
        runMove(plan, stack.data, row * length + at(rankOf[device] as number), data, copy * length + at(s)),
      );
    });
    return { partition, stack: { dtype: stack.dtype, shape: [partition.copies, ...local], data } };
  }

  /** The partition is pulled back along the map. */
  private permute(value: Distributed, from: Layout, to: Layout): Distributed {
    const key = `${layoutKey(from)}>${layoutKey(to)}`;
    let sources = this.sources.get(key);
    if (sources === undefined)
      this.sources.set(
        key,
        (sources = permuteSources(this.gridOf(from.mesh).mesh, this.gridOf(to.mesh).mesh, from, to)),
      );
    const map = sources;
    const memo = `${value.partition.id}/${key}`;
    const { copyOf } = value.partition;
    let partition = this.pulled.get(memo);
    if (partition === undefined) {
      partition = this.partitions.of(map.map((s) => copyOf[s] as number));
      this.pulled.set(memo, partition);
    }
    return {
      partition,
      stack: takeRows(
        value.stack,
        partition.firstDevice.map((d) => copyOf[map[d] as number] as number),
      ),
    };
  }

  /** By the device that each one gets its data from; zeros, for those without one, are one more row. */
  private moved({ partition, stack }: Distributed, sources: Int32Array): Distributed {
    const labels = sources.map((s) => (s < 0 ? partition.copies : (partition.copyOf[s] as number)));
    const shifted = this.partitions.of(labels);
    return {
      partition: shifted,
      stack: takeRows(
        withZeros(stack),
        shifted.firstDevice.map((d) => labels[d] as number),
      ),
    };
  }

  /** Row s: the rows `members[s]` combined, in the order asked for. */
  private totals(stack: TensorArray, members: readonly Int32Array[], monoid: Monoid): TensorArray {
    if (monoid === 'sum' && this.order === 'rank' && addsInPlace(stack)) return sums(stack, members);
    const sizes = new Set(members.map((m) => m.length));
    if (sizes.size > 1) return stackOf(members.map((m) => rowOf(this.totals(stack, [m], monoid), 0)));
    return reduceInOrder(this.order, stack, members, (a, b) => this.combine(monoid, a, b));
  }

  /** Groups with the same members give one copy. `order`: its members, by copy. */
  private bySignature({ of, members }: Signatures): { partition: Partition; order: readonly Int32Array[] } {
    const partition = this.partitions.of(of);
    return { partition, order: Array.from(partition.firstDevice, (d) => members[of[d] as number] as Int32Array) };
  }

  /** One copy per signature and rank. */
  private byRank({ of, rankOf, size }: Signatures): Partition {
    return this.partitions.of(of.map((s, d) => s * size + (rankOf[d] as number)));
  }

  /** O(devices) once per partition and axes. */
  private signaturesOf(grid: DeviceGrid, partition: Partition, axes: readonly AxisRef[], parts: Parts): Signatures {
    const key = `${partition.id}/${grid.mesh.name}/${axesKey(axes)}/${JSON.stringify(parts)}`;
    let found = this.signatures.get(key);
    if (found === undefined) {
      const groups = grid.groups(axes, parts);
      const known = new Map<string, number>();
      const members: Int32Array[] = [];
      const ofGroup = groups.members.map((devices) => {
        const copies = devices.map((d) => partition.copyOf[d] as number);
        const text = copies.join();
        let signature = known.get(text);
        if (signature === undefined) known.set(text, (signature = members.push(copies) - 1));
        return signature;
      });
      found = {
        size: groups.size,
        members,
        rankOf: groups.rankOf,
        of: groups.groupOf.map((g) => ofGroup[g] as number),
      };
      this.signatures.set(key, found);
    }
    return found;
  }
}

const localShape = ({ stack }: Distributed): readonly number[] => stack.shape.slice(1);

/** How many blocks lie along each dim. */
const blockCounts = (axes: DimAxes, parts?: Parts): number[] =>
  axes.map((a) => (a.length > 0 && parts !== undefined ? (parts[0]?.length ?? 1) : axesSize(a)));

/** Sizes of one device's block when the dims are split over these axes. */
function partSizes(shape: readonly number[], counts: readonly number[], what: string): number[] {
  const sizes = shape.map((n, d) => n / (counts[d] ?? 1));
  if (!sizes.every(Number.isInteger))
    throw internalError(`${what}: [${shape.join(',')}] does not divide into ${counts.join('×')} parts`);
  return sizes;
}

/** Where the block of the device with this rank along the axes of all dims starts. */
const partStart = (sizes: readonly number[], counts: readonly number[], rank: number): number[] =>
  unravel(rank, counts).map((i, d) => i * (sizes[d] as number));
