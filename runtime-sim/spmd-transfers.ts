/** Host transfers on all devices in lockstep: each reads or gives the part of the whole that the op's layouts name. */
import { internalError } from '../ir/diagnostics.ts';
import { isWhole, type Layout } from '../ir/layout.ts';
import { bringsIn } from '../ir/ops/host-transfers.ts';
import type { Op } from '../ir/program.ts';
import type { TensorArray } from '../ir/array.ts';
import type { TensorType } from '../ir/types.ts';
import type { Distributed, Sharder } from './distributed.ts';
import { type HostLink, TOKEN } from './host-link.ts';
import type { Partitions } from './partition.ts';
import { wholeType, withLead } from './shard-transfers.ts';
import { rowLength, rowOf, stackOfOne, takeRows } from './stacked.ts';

export class SpmdTransfers {
  private readonly link: HostLink;
  private readonly partitions: Partitions;
  private readonly sharder: Sharder;

  constructor(link: HostLink, partitions: Partitions, sharder: Sharder) {
    this.link = link;
    this.partitions = partitions;
    this.sharder = sharder;
  }

  /** `types`: of the op's data, on one device. */
  run(
    op: Op,
    operands: readonly Distributed[],
    types: readonly TensorType[],
    active: Uint8Array | undefined,
  ): readonly Distributed[] {
    const layouts = (op.attrs.layouts as readonly Layout[] | undefined) ?? [];
    if (layouts.length !== types.length) throw internalError(`${op.kind} at the local level without its layouts`);
    const token: Distributed = { partition: this.partitions.whole, stack: stackOfOne(TOKEN) };
    if (!bringsIn(op)) {
      this.link.put(
        op,
        types.map((_, i) => this.whole(op, operands[i] as Distributed, layouts[i] as Layout, active)),
      );
      return [token];
    }
    const wholes = this.link.take(
      op,
      types.map((type, i) => wholeType(type, layouts[i])),
    );
    return [...wholes.map((whole, i) => this.part(op, whole, types[i] as TensorType, layouts[i] as Layout)), token];
  }

  private part(op: Op, whole: TensorArray, { shape }: TensorType, layout: Layout): Distributed {
    const { partition, stack } = this.sharder.shard(whole, layout, withLead(shape, layout), op.kind);
    return { partition, stack: { ...stack, shape: [stack.shape[0] as number, ...shape] } };
  }

  private whole(op: Op, value: Distributed, layout: Layout, active: Uint8Array | undefined): TensorArray {
    if (active !== undefined && isWhole(layout))
      return rowOf(value.stack, value.partition.copyOf[active.indexOf(1)] as number);
    const { partition, stack } = active === undefined ? value : this.onlyActive(value, active);
    const local = stack.shape.slice(1);
    const led = { partition, stack: { ...stack, shape: [stack.shape[0] as number, ...withLead(local, layout)] } };
    return this.sharder.assemble(led, layout, undefined, `what ${op.kind} gives`);
  }

  /** Zeros on devices that are elsewhere. */
  private onlyActive(value: Distributed, active: Uint8Array): Distributed {
    const running = this.partitions.of(active);
    const partition = this.partitions.refine(value.partition, running);
    const stack = takeRows(value.stack, this.partitions.project(partition, value.partition));
    const length = rowLength(stack);
    partition.firstDevice.forEach((device, copy) => {
      const row = stack.data.subarray(copy * length, (copy + 1) * length);
      if (active[device] !== 1) row.fill(0 as never);
    });
    return { partition, stack };
  }
}
