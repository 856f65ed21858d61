/**
 * What a run holds at most, from types, layouts and liveness alone: told before it starts. Floats count as f64, whatever
 * they are. A value has a copy per block of its layout (and per index along axes whose sum is owed); one without a layout
 * as many as what it is made of, unless by a collective.
 */
import { type DiagnosticError, unsupported } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import { axesSize } from '../../ir/mesh.ts';
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import { allocate } from '../../ir/array.ts';
import { elementCount, type TensorType, widthOf } from '../../ir/types.ts';
import { planLiveness } from '../liveness.ts';

/** What a run may hold; more would not end well in the memory of a workstation. */
export const MEMORY_BUDGET = 2 ** 33;

/** Throws where a per-device program on these devices, or a program on one device (1), would hold more than the budget. */
export function expectRoomFor(module: Module, devices: number): void {
  const bytes = footprint(mainFunction(module), devices);
  if (bytes <= MEMORY_BUDGET) return;
  throw tooBig(
    `running it on numbers on ${devices} device${devices === 1 ? '' : 's'} would hold ${gibibytes(bytes)} at once`,
  );
}

export const tooBig = (what: string): DiagnosticError =>
  unsupported(what, {
    code: 'SH0709',
    message: what,
    expected: `at most ${gibibytes(MEMORY_BUDGET)}`,
    help: 'check it at shrunk extents (--check shrunk), on a smaller mesh (--mesh), or a smaller copy of it',
  });

export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 33 ? 1 : 0)} GiB`;

/** Peak bytes: of a block, what is live when an op runs, its results, and the most that one of its regions holds. */
export function footprint(func: Func, devices: number): number {
  const plans = planLiveness(func);
  const copies = devices === 1 ? [] : copiesOf(func, plans.keys());
  const size = (id: ValueId): number => heldBytes(valueInfo(func, id).type) * Math.min(devices, copies[id] ?? 1);
  const peaks = new Map<Block, number>();
  for (const [block, plan] of [...plans].toReversed()) {
    let live = sum(block.params, size);
    let peak = live;
    live -= sum(plan.unusedParams, size);
    block.ops.forEach((op, i) => {
      const inside = op.regions.reduce((most, region) => Math.max(most, peaks.get(region) ?? 0), 0);
      peak = Math.max(peak, live + inside);
      live += sum(op.results, size);
      peak = Math.max(peak, live);
      live -= sum(plan.onRead[i] ?? [], size) + sum(plan.onDone[i] ?? [], size);
    });
    peaks.set(block, peak);
  }
  return peaks.get(func.body) ?? 0;
}

const sum = (ids: readonly ValueId[], size: (id: ValueId) => number): number => ids.reduce((n, v) => n + size(v), 0);

const heldBytes = (type: TensorType): number =>
  elementCount(type) * widthOf(type.dtype) * allocate(type.dtype, 0, 'wide').BYTES_PER_ELEMENT;

function copiesOf(func: Func, blocks: Iterable<Block>): number[] {
  const copies = func.values.map(({ layout }) => (layout === undefined ? 1 : blocksOf(layout)));
  for (const block of blocks)
    for (const op of block.ops)
      for (const r of op.results)
        if (valueInfo(func, r).layout === undefined && !isCollective(op))
          copies[r] = Math.max(1, ...op.operands.map((v) => copies[v] ?? 1));
  return copies;
}

const blocksOf = (layout: Layout): number =>
  axesSize([...layout.dims.flatMap((d) => [...d.axes]), ...layout.unreduced, ...(layout.manual ?? [])]);
