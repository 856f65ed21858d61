/**
 * What each collective of the local level does to the copies of a value. Groups whose members hold the same copies in
 * the same order give the same result, computed once.
 */
import type { Precision, TensorArray } from '../ir/array.ts';
import type { OpAttrs } from '../ir/attrs.ts';
import { internalError, unsupported } from '../ir/diagnostics.ts';
import type { Layout, Monoid } from '../ir/layout.ts';
import { axesSize, type AxisRef } from '../ir/mesh.ts';
import type { KernelContext, Registry } from '../ir/op.ts';
import type { CollectiveKind, Op } from '../ir/program.ts';
import { tensor } from '../ir/types.ts';
import { arrayLike, cutBlock, placeBlock, unravel } from './blocks.ts';
import { axesKey, type DeviceGrid, layoutKey, permuteSources, shiftSources } from './device-grid.ts';
import { type Distributed, mergeEqualCopies } from './distributed.ts';
import type { Partition, Partitions } from './partition.ts';

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

  constructor(partitions: Partitions, gridOf: (mesh: string) => DeviceGrid, registry: Registry, precision: Precision) {
    this.partitions = partitions;
    this.gridOf = gridOf;
    this.combine = (monoid, a, b) => combineArrays(registry, precision, monoid, a, b);
  }

  run(op: Op, value: Distributed): Distributed {
    const grid = this.gridOf(op.attrs.mesh as string);
    const kind = op.kind as CollectiveKind;
    switch (kind) {
      case 'all_gather':
        return mergeEqualCopies(this.allGather(grid, value, op.attrs.axes as DimAxes), this.partitions);
      case 'all_slice':
        return this.allSlice(grid, value, op.attrs.axes as DimAxes);
      case 'all_to_all':
        return (op.attrs.moves as readonly Move[]).reduce((v, move) => this.allToAll(grid, v, move), value);
      case 'reduce_scatter':
        return this.reduceScatter(grid, value, op.attrs.axes as DimAxes, op.attrs.monoid as Monoid);
      case 'all_reduce':
        return mergeEqualCopies(this.allReduce(grid, value, op.attrs.axes as readonly AxisRef[], op.attrs.monoid as Monoid), this.partitions);
      case 'collective_permute':
        return this.permute(value, op.attrs.from as Layout, op.attrs.to as Layout);
      case 'collective_shift':
        return this.shift(grid, value, op.attrs as unknown as OpAttrs['collective_shift']);
    }
  }

  /** This device's combined index along the axes, i32[]. */
  axisIndex(op: Op): Distributed {
    const { mesh, axes } = op.attrs as { mesh: string; axes: readonly AxisRef[] };
    const index = this.gridOf(mesh).index(axes);
    const partition = this.partitions.of(index);
    return { partition, copies: Array.from(partition.firstDevice, (d) => ({ dtype: 'i32', shape: [], data: Int32Array.of(index[d] as number) })) };
  }

  /** Members' blocks side by side: along each dim in order of the index along that dim's axes. */
  private allGather(grid: DeviceGrid, value: Distributed, axes: DimAxes): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, axes.flat());
    const counts = axes.map(axesSize);
    return this.perSignature(signatures, (members) => {
      const [first] = value.copies as readonly [TensorArray];
      const into = arrayLike(first, first.shape.map((n, d) => n * (counts[d] as number)));
      members.forEach((copy, rank) => {
        placeBlock(into, value.copies[copy] as TensorArray, unravel(rank, counts).map((i, d) => i * (first.shape[d] as number)));
      });
      return into;
    });
  }

  private allReduce(grid: DeviceGrid, value: Distributed, axes: readonly AxisRef[], monoid: Monoid): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, axes);
    return this.perSignature(signatures, (members) => this.reduceBlocks(value, members, monoid));
  }

  private allSlice(grid: DeviceGrid, value: Distributed, axes: DimAxes): Distributed {
    const rank = grid.index(axes.flat());
    const size = axesSize(axes.flat());
    const labels = value.partition.copyOf.map((c, d) => c * size + (rank[d] as number));
    return this.perDevice(this.partitions.of(labels), (device) => {
      const copy = value.copies[value.partition.copyOf[device] as number] as TensorArray;
      return cutBlock(copy, ...sliceAt(copy.shape, axes, rank[device] as number, 'all_slice'));
    });
  }

  private reduceScatter(grid: DeviceGrid, value: Distributed, axes: DimAxes, monoid: Monoid): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, axes.flat());
    return this.perRank(signatures, (members) => this.reduceBlocks(value, members, monoid), (total, rank) =>
      cutBlock(total, ...sliceAt(total.shape, axes, rank, 'reduce_scatter')));
  }

  /**
   * Receiver r gets, from each member s, the r-th part of s's block along `target`, set at place s along `source`: the
   * r-th part of all members' blocks side by side, which is g copies in and g out where pairs would be g².
   */
  private allToAll(grid: DeviceGrid, value: Distributed, move: Move): Distributed {
    const signatures = this.signaturesOf(grid, value.partition, move.axes);
    const { size } = signatures;
    const [first] = value.copies as readonly [TensorArray];
    const part = (first.shape[move.target] as number) / size;
    if (!Number.isInteger(part)) throw internalError(`all_to_all: dim ${move.target} of [${first.shape.join(',')}] does not divide by ${size}`);
    const along = (dim: number, at: number): number[] => first.shape.map((_, d) => (d === dim ? at : 0));
    const resize = (dim: number, n: number, shape: readonly number[]): number[] => shape.map((s, d) => (d === dim ? n : s));
    const joined = resize(move.source, (first.shape[move.source] as number) * size, first.shape);
    const gather = (members: Int32Array): TensorArray => {
      const into = arrayLike(first, joined);
      members.forEach((copy, s) => placeBlock(into, value.copies[copy] as TensorArray, along(move.source, s * (first.shape[move.source] as number))));
      return into;
    };
    return this.perRank(signatures, gather, (all, rank) => cutBlock(all, along(move.target, rank * part), resize(move.target, part, joined)));
  }

  /** No data is touched: the partition is pulled back along the map. */
  private permute(value: Distributed, from: Layout, to: Layout): Distributed {
    const key = `${layoutKey(from)}>${layoutKey(to)}`;
    let sources = this.sources.get(key);
    if (sources === undefined) this.sources.set(key, (sources = permuteSources(this.gridOf(from.mesh), this.gridOf(to.mesh), from, to)));
    const map = sources;
    const memo = `${value.partition.id}/${key}`;
    let partition = this.pulled.get(memo);
    if (partition === undefined) {
      partition = this.partitions.of(map.map((s) => value.partition.copyOf[s] as number));
      this.pulled.set(memo, partition);
    }
    return this.perDevice(partition, (device) => value.copies[value.partition.copyOf[map[device] as number] as number] as TensorArray);
  }

  /** Zeros are one more copy. */
  private shift(grid: DeviceGrid, value: Distributed, attrs: OpAttrs['collective_shift']): Distributed {
    const sources = shiftSources(grid, attrs);
    const none = value.copies.length;
    const labels = sources.map((s) => (s < 0 ? none : (value.partition.copyOf[s] as number)));
    const [first] = value.copies as readonly [TensorArray];
    return this.perDevice(this.partitions.of(labels), (device) => value.copies[labels[device] as number] ?? arrayLike(first, first.shape));
  }

  private reduceBlocks(value: Distributed, members: Int32Array, monoid: Monoid): TensorArray {
    const [first, ...rest] = Array.from(members, (copy) => value.copies[copy] as TensorArray);
    return rest.reduce((total, next) => this.combine(monoid, total, next), first as TensorArray);
  }

  private perSignature(signatures: Signatures, compute: (members: Int32Array) => TensorArray): Distributed {
    return this.perDevice(this.partitions.of(signatures.of), (device) => compute(signatures.members[signatures.of[device] as number] as Int32Array));
  }

  /** `whole` once per signature, `part` once per signature and rank. */
  private perRank(signatures: Signatures, whole: (members: Int32Array) => TensorArray, part: (all: TensorArray, rank: number) => TensorArray): Distributed {
    const { of, rankOf, size, members } = signatures;
    const partition = this.partitions.of(of.map((s, d) => s * size + (rankOf[d] as number)));
    const wholes: (TensorArray | undefined)[] = [];
    return this.perDevice(partition, (device) => {
      const s = of[device] as number;
      const all = (wholes[s] ??= whole(members[s] as Int32Array));
      return part(all, rankOf[device] as number);
    });
  }

  private perDevice(partition: Partition, compute: (device: number) => TensorArray): Distributed {
    return { partition, copies: Array.from(partition.firstDevice, compute) };
  }

  /** O(devices) once per partition and axes. */
  private signaturesOf(grid: DeviceGrid, partition: Partition, axes: readonly AxisRef[]): Signatures {
    const key = `${partition.id}/${grid.mesh.name}/${axesKey(axes)}`;
    let found = this.signatures.get(key);
    if (found === undefined) {
      const groups = grid.groups(axes);
      const known = new Map<string, number>();
      const members: Int32Array[] = [];
      const ofGroup = groups.members.map((devices) => {
        const copies = devices.map((d) => partition.copyOf[d] as number);
        const text = copies.join();
        let signature = known.get(text);
        if (signature === undefined) known.set(text, (signature = members.push(copies) - 1));
        return signature;
      });
      found = { size: groups.size, members, rankOf: groups.rankOf, of: groups.groupOf.map((g) => ofGroup[g] as number) };
      this.signatures.set(key, found);
    }
    return found;
  }
}

/** Start and sizes of the block of the device with this rank along the axes of all dims. */
function sliceAt(shape: readonly number[], axes: DimAxes, rank: number, what: string): [number[], number[]] {
  const counts = axes.map(axesSize);
  const sizes = shape.map((n, d) => n / (counts[d] ?? 1));
  if (!sizes.every(Number.isInteger)) throw internalError(`${what}: [${shape.join(',')}] does not divide into ${counts.join('×')} parts`);
  return [unravel(rank, counts).map((i, d) => i * (sizes[d] as number)), sizes];
}

const COMBINERS: Readonly<Record<Monoid, string>> = { sum: 'add', prod: 'multiply', max: 'maximum', min: 'minimum', and: 'and', or: 'or' };

/** Elementwise, by the registry's own kernel: each element type adds as the program's `add` does. */
function combineArrays(registry: Registry, precision: Precision, monoid: Monoid, a: TensorArray, b: TensorArray): TensorArray {
  const kind = COMBINERS[monoid];
  const def = registry[kind];
  if (def === undefined) throw unsupported(`reducing with ${monoid}: the registry does not define ${kind}`);
  const type = tensor(a.dtype, a.shape);
  const context: KernelContext = { precision, call: () => { throw internalError(`${kind} called a region`); } };
  return def.kernel({ kind, attrs: {}, operands: [type, type], results: [type], regions: [] }, [a, b], context)[0] as TensorArray;
}
