/** A value on all devices: a partition, and its copies as one stack. */
import type { TensorArray } from '../ir/array.ts';
import { DiagnosticError, internalError } from '../ir/diagnostics.ts';
import { globalShape, type Layout, waysOf } from '../ir/layout.ts';
import { axesSize } from '../ir/mesh.ts';
import type { Op } from '../ir/program.ts';
import { fillPoison, offsetIn, planBlock, storageCount } from './blocks.ts';
import { blockIndex, type DeviceGrid, layoutKey } from './device-grid.ts';
import { runMove } from './kernels/move.ts';
import { expectAlike } from './manual-shards.ts';
import type { Partition, Partitions } from './partition.ts';
import { equalRows, hashRow } from './same-bytes.ts';
import { onto, roomLike } from './memory/room.ts';
import { rowOf, stackOfOne, storageLike, takeRows } from './stacked.ts';

export interface Distributed {
  readonly partition: Partition;
  /** [copies, …local shape]. */
  readonly stack: TensorArray;
}

/** Devices that claim to hold the same block hold different numbers: a wrong program, found before any result is. */
export class ReplicaMismatch extends DiagnosticError {
  constructor(what: string, a: number, b: number) {
    super(
      internalError(`devices ${a} and ${b} claim to hold the same block of ${what}, but their numbers differ`)
        .diagnostics,
    );
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
    if (layout === undefined) return { partition: this.partitions.whole, stack: stackOfOne(onto(whole)) };
    this.expectCover(whole.shape, layout, localShape, what);
    const partition = this.claim(layout);
    if (partition.copies === 1 && waysOf(layout) === 1) return { partition, stack: stackOfOne(onto(whole)) };
    const { dtype } = whole;
    const length = storageCount(localShape, dtype);
    const data = roomLike(whole.data, partition.copies * length);
    this.forEachBlock(layout, whole.shape, localShape, (device, start, inside) => {
      const base = (partition.copyOf[device] as number) * length;
      if (inside.some((n, d) => n < (localShape[d] as number))) fillPoison(data, dtype, base, base + length);
      if (!inside.includes(0))
        runMove(
          planBlock(inside, whole.shape, localShape, dtype),
          whole.data,
          offsetIn(whole.shape, start, dtype),
          data,
          base,
        );
    });
    return { partition, stack: { dtype, shape: [partition.copies, ...localShape], data } };
  }

  /** The global array. Devices that hold the same block must agree. */
  assemble(
    value: Distributed,
    layout: Layout | undefined,
    whole: readonly number[] | undefined,
    what: string,
  ): TensorArray {
    const { partition, stack } = this.verify(value, layout, what);
    if (layout === undefined) return rowOf(stack, 0);
    const local = stack.shape.slice(1);
    const shape = whole ?? globalShape(local, layout);
    this.expectCover(shape, layout, local, what);
    // One copy may still be a shard: all shards of a splat hold the same numbers.
    if (waysOf(layout) === 1) return rowOf(stack, 0);
    const { dtype } = stack;
    const data = storageLike(stack.data, storageCount(shape, dtype));
    const length = storageCount(local, dtype);
    this.forEachBlock(layout, shape, local, (device, start, inside) => {
      if (inside.includes(0)) return;
      const base = (partition.copyOf[device] as number) * length;
      runMove(planBlock(inside, local, shape, dtype), stack.data, base, data, offsetIn(shape, start, dtype));
    });
    return { dtype, shape, data };
  }

  /**
   * Devices with equal blocks under the layout (and equal index along axes still owed) hold equal numbers: checked, and
   * held once from here on. No layout claims that all devices hold the same.
   */
  verify(value: Distributed, layout: Layout | undefined, what: string): Distributed {
    return this.held(value, layout, (a, b) => {
      if (equalRows(value.stack, a, b)) return;
      const { firstDevice } = value.partition;
      throw new ReplicaMismatch(what, firstDevice[a] as number, firstDevice[b] as number);
    });
  }

  /** The same for what a user's manual computation claims: sums in another order are forgiven, what differs is theirs. */
  settle(value: Distributed, layout: Layout, op: Op): Distributed {
    return this.held(value, layout, (a, b) => expectAlike(rowOf(value.stack, a), rowOf(value.stack, b), op));
  }

  /** One copy per block of the layout, the first that is there; `expectSame` is given every other one. */
  private held(
    value: Distributed,
    layout: Layout | undefined,
    expectSame: (held: number, other: number) => void,
  ): Distributed {
    const claim = layout === undefined ? this.partitions.whole : this.claim(layout);
    const fine = this.partitions.refine(value.partition, claim);
    if (fine === claim) return value;
    const byClaim = this.partitions.project(fine, claim);
    const byValue = this.partitions.project(fine, value.partition);
    const holder = new Int32Array(claim.copies).fill(-1);
    for (let copy = 0; copy < fine.copies; copy++) {
      const block = byClaim[copy] as number;
      const mine = byValue[copy] as number;
      const known = holder[block] as number;
      if (known === -1) holder[block] = mine;
      else if (known !== mine) expectSame(known, mine);
    }
    return { partition: claim, stack: takeRows(value.stack, holder) };
  }

  /** One device per block: where its block starts in the whole, and how much of it lies inside. */
  private forEachBlock(
    layout: Layout,
    whole: readonly number[],
    local: readonly number[],
    visit: (device: number, start: readonly number[], inside: readonly number[]) => void,
  ): void {
    const grid = this.gridOf(layout.mesh);
    for (const device of this.claim(layout).firstDevice) {
      const start = blockIndex(grid, layout, device).map((i, d) => i * (local[d] as number));
      visit(
        device,
        start,
        local.map((n, d) => Math.max(0, Math.min(n, (whole[d] as number) - (start[d] as number)))),
      );
    }
  }

  /** Devices that hold the same under a layout. */
  private claim(layout: Layout): Partition {
    const key = layoutKey(layout);
    let claim = this.claims.get(key);
    if (claim === undefined) {
      const axes = [...layout.dims.flatMap((d) => [...d.axes]), ...layout.unreduced, ...(layout.manual ?? [])];
      this.claims.set(key, (claim = this.partitions.of(this.gridOf(layout.mesh).index(axes))));
    }
    return claim;
  }

  private expectCover(whole: readonly number[], layout: Layout, local: readonly number[], what: string): void {
    const fits =
      whole.length === local.length &&
      whole.every((n, d) => {
        const shards = axesSize(layout.dims[d]?.axes ?? []);
        return shards === 1 ? n === local[d] : shards * (local[d] as number) >= n;
      });
    if (!fits)
      throw internalError(
        `${what}: shards of shape [${local.join(',')}] do not make up [${whole.join(',')}] under its layout`,
      );
  }
}

/** Joins copies of equal content, so that replication that no layout states is found again. */
export function mergeEqualCopies(value: Distributed, partitions: Partitions): Distributed {
  const { partition, stack } = value;
  if (partition.copies === 1) return value;
  const buckets = new Map<number, number[]>();
  const merged = Int32Array.from({ length: partition.copies }, (_, copy) => {
    const hash = hashRow(stack, copy);
    const bucket = buckets.get(hash) ?? [];
    const twin = bucket.find((c) => equalRows(stack, c, copy, true));
    if (twin !== undefined) return twin;
    buckets.set(hash, [...bucket, copy]);
    return copy;
  });
  if (merged.every((c, i) => c === i)) return value;
  const fewer = partitions.of(partition.copyOf.map((c) => merged[c] as number));
  return {
    partition: fewer,
    stack: takeRows(
      stack,
      fewer.firstDevice.map((d) => partition.copyOf[d] as number),
    ),
  };
}
