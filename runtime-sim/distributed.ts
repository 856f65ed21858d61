/** A value on all devices: a partition, and one array per copy. */
import type { TensorArray } from '../ir/array.ts';
import { DiagnosticError, internalError } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import { axesSize } from '../ir/mesh.ts';
import { arrayLike, cutBlock, placeBlock } from './blocks.ts';
import { blockIndex, type DeviceGrid, layoutKey } from './device-grid.ts';
import type { Partition, Partitions } from './partition.ts';
import { contentHash, sameContent } from './same-bytes.ts';

export interface Distributed {
  readonly partition: Partition;
  /** By copy. */
  readonly copies: readonly TensorArray[];
}

/** Devices that claim to hold the same block hold different numbers: a wrong program, found before any result is. */
export class ReplicaMismatch extends DiagnosticError {
  constructor(what: string, a: number, b: number) {
    super(internalError(`devices ${a} and ${b} claim to hold the same block of ${what}, but their numbers differ`).diagnostics);
  }
}

/** Cuts and reassembles global arrays by layout, and checks what layouts claim. */
export class Sharder {
  private readonly partitions: Partitions;
  private readonly gridOf: (mesh: string) => DeviceGrid;
  private readonly claims = new Map<string, Partition>();

  constructor(partitions: Partitions, gridOf: (mesh: string) => DeviceGrid) {
    this.partitions = partitions;
    this.gridOf = gridOf;
  }

  /** Each device gets its block; parts beyond the end of an uneven dim are poison. Shapes: global → local. */
  shard(whole: TensorArray, layout: Layout | undefined, localShape: readonly number[], what: string): Distributed {
    if (layout === undefined) return { partition: this.partitions.whole, copies: [whole] };
    if (layout.unreduced.length > 0) throw internalError(`${what} enters the program with a sum still owed`);
    this.expectCover(whole.shape, layout, localShape, what);
    const partition = this.claim(layout);
    const grid = this.gridOf(layout.mesh);
    const copies = Array.from(partition.firstDevice, (device) =>
      cutBlock(whole, blockIndex(grid, layout, device).map((i, d) => i * (localShape[d] as number)), localShape));
    return { partition, copies };
  }

  /** The global array. Devices that hold the same block must agree. */
  assemble(value: Distributed, layout: Layout | undefined, globalShape: readonly number[] | undefined, what: string): TensorArray {
    const agreed = this.verify(value, layout, what);
    const [first] = agreed.copies as readonly [TensorArray];
    if (layout === undefined) return first;
    const local = first.shape;
    const shape = globalShape ?? local.map((n, d) => n * axesSize(layout.dims[d]?.axes ?? []));
    this.expectCover(shape, layout, local, what);
    // One copy may still be a shard: all shards of a splat hold the same numbers.
    const shards = axesSize(layout.dims.flatMap((d) => [...d.axes]));
    if (shards === 1) return cutBlock(first, shape.map(() => 0), shape);
    const whole = arrayLike(first, shape);
    const grid = this.gridOf(layout.mesh);
    const claim = this.claim(layout);
    for (const device of claim.firstDevice) {
      const copy = agreed.copies[agreed.partition.copyOf[device] as number] as TensorArray;
      placeBlock(whole, copy, blockIndex(grid, layout, device).map((i, d) => i * (local[d] as number)));
    }
    return whole;
  }

  /**
   * Devices with equal blocks under the layout (and equal index along axes still owed) hold equal numbers: checked, and
   * held once from here on. No layout claims that all devices hold the same.
   */
  verify(value: Distributed, layout: Layout | undefined, what: string): Distributed {
    const claim = layout === undefined ? this.partitions.whole : this.claim(layout);
    const fine = this.partitions.refine(value.partition, claim);
    if (fine === claim) return value;
    const byClaim = this.partitions.project(fine, claim);
    const byValue = this.partitions.project(fine, value.partition);
    const holder = new Map<number, number>();
    for (let copy = 0; copy < fine.copies; copy++) {
      const block = byClaim[copy] as number;
      const mine = byValue[copy] as number;
      const known = holder.get(block);
      if (known === undefined) holder.set(block, mine);
      else if (known !== mine && !sameContent(value.copies[known] as TensorArray, value.copies[mine] as TensorArray)) {
        const { firstDevice } = value.partition;
        throw new ReplicaMismatch(what, firstDevice[known] as number, firstDevice[mine] as number);
      }
    }
    return { partition: claim, copies: Array.from({ length: claim.copies }, (_, c) => value.copies[holder.get(c) as number] as TensorArray) };
  }

  /** Devices that hold the same under a layout. */
  private claim(layout: Layout): Partition {
    const key = layoutKey(layout);
    let claim = this.claims.get(key);
    if (claim === undefined) {
      const axes = [...layout.dims.flatMap((d) => [...d.axes]), ...layout.unreduced];
      this.claims.set(key, (claim = this.partitions.of(this.gridOf(layout.mesh).index(axes))));
    }
    return claim;
  }

  private expectCover(whole: readonly number[], layout: Layout, local: readonly number[], what: string): void {
    const fits = whole.length === local.length && whole.every((n, d) => {
      const shards = axesSize(layout.dims[d]?.axes ?? []);
      return shards === 1 ? n === local[d] : shards * (local[d] as number) >= n;
    });
    if (!fits) throw internalError(`${what}: shards of shape [${local.join(',')}] do not make up [${whole.join(',')}] under its layout`);
  }
}

/** Joins copies of equal content, so that replication that no layout states is found again. */
export function mergeEqualCopies(value: Distributed, partitions: Partitions): Distributed {
  if (value.copies.length === 1) return value;
  const buckets = new Map<number, number[]>();
  const merged = value.copies.map((array, copy) => {
    const hash = contentHash(array);
    const bucket = buckets.get(hash) ?? [];
    const twin = bucket.find((c) => sameContent(value.copies[c] as TensorArray, array));
    if (twin !== undefined) return twin;
    buckets.set(hash, [...bucket, copy]);
    return copy;
  });
  if (merged.every((c, i) => c === i)) return value;
  const partition = partitions.of(value.partition.copyOf.map((c) => merged[c] as number));
  const copies = Array.from(partition.firstDevice, (d) => value.copies[value.partition.copyOf[d] as number] as TensorArray);
  return { partition, copies };
}
