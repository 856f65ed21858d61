/** A slice that lies within one of several values that a concatenate joins is a slice of that one: nothing else is read. */
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Op, ValueId } from '../../../ir/program.ts';
import { boundsOf, cutOf, type Shift, type Sight } from './sight.ts';

export function cutInside(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'slice') return undefined;
  const cut = cutOf(sight, op.results[0] as ValueId);
  if (cut === undefined || cut.value === op.operands[0]) return undefined;
  const { start, limit } = op.attrs as OpAttrs['slice'];
  return {
    reads: [cut.value],
    write(emit) {
      const attrs = { ...op.attrs, ...boundsOf(cut, start, limit) };
      const origin = { pass: 'shifts', from: [op.origin], reason: 'of joined values, the one that it lies in' };
      emit.push({ ...op, operands: [cut.value], attrs, origin });
    },
  };
}
