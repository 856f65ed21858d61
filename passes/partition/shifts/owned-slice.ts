/** A small slice of a sharded dim that does not divide itself: who holds it answers, and not the whole dim is gathered. */
import { type Layout, layoutOf } from '../../../ir/layout.ts';
import { dilatedWindow } from '../../../ir/halo.ts';
import { receivedBy } from '../../../ir/halo-exchange.ts';
import type { Op, ValueId } from '../../../ir/program.ts';
import { tensor } from '../../../ir/types.ts';
import { type Cut, cutOf, layoutIn, type Shift, shardsIn, type Sight, typeIn } from './sight.ts';

export function ownedSlice(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'slice') return undefined;
  const [result] = op.results as readonly [ValueId];
  const cut = cutOf(sight, result);
  const layout = cut === undefined ? undefined : layoutIn(sight, cut.value);
  if (cut === undefined || layout === undefined || !ownersMoveLess(sight, cut, result)) return undefined;
  return answeredByOwners(op, sight, cut, layout);
}

/** The slice, or dynamic_slice from known starts, as one of the cut's value from the cut's start on. */
export function answeredByOwners(op: Op, sight: Sight, cut: Cut, layout: Layout): Shift {
  const { shape } = typeIn(sight, op.results[0] as ValueId);
  return {
    reads: [cut.value],
    write(emit) {
      const origin = { pass: 'shifts', from: [op.origin], reason: 'a slice that its owners answer' };
      const starts = shape.map((_, d) =>
        emit.splat(d === cut.dim ? cut.start : 0, tensor('i32', []), layoutOf(layout.mesh, []), origin),
      );
      emit.push({ ...op, kind: 'dynamic_slice', operands: [cut.value, ...starts], attrs: { sizes: shape }, origin });
    },
  };
}

/** The owners' answers are added up: twice the slice on the wire, where a gather moves the dim. */
export function ownersMoveLess(sight: Sight, cut: Cut, result: ValueId): boolean {
  const shards = shardsIn(sight, cut.value, cut.dim);
  const taken = cut.limit - cut.start;
  if (shards === 1 || taken % shards === 0 || taken * 2 > cut.size) return false;
  return !bordersMoveLess(cut, shards, shardsIn(sight, result, cut.dim));
}

/** Padded and in as many shards as the value, does each get what it lacks of the slice for less than the owners' answers? */
function bordersMoveLess({ start, limit, size }: Cut, shards: number, wanted: number): boolean {
  const taken = limit - start;
  if (wanted !== shards || 2 * taken < shards) return false;
  const width = Math.ceil(taken / shards);
  const received = receivedBy(dilatedWindow(width, -start, width, 1), shards, Math.ceil(size / shards) * shards);
  return received !== null && received * shards < 2 * taken * (shards - 1);
}
