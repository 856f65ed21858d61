/**
 * The gradient of a rotation: two slices of one value, each padded with zeros to the other's place, and added.
 *
 *   add (pad (slice %g [0:7]) low=[1]), (pad (slice %g [7:8]) high=[7])   →   rotate %g by=1
 */
import type { Op } from '../../../ir/program.ts';
import { movedBy } from './padded-slice.ts';
import { type Shift, shardsIn, type Sight, splatIn } from './sight.ts';

export function summedPads(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'add') return undefined;
  const pads = op.operands.map((v) => sight.makers.get(v));
  const [a, b] = pads.map((p) => movedBy(p, sight));
  if (a === undefined || b === undefined || a.value !== b.value || a.dim !== b.dim) return undefined;
  if (pads.some((p) => Number(splatIn(sight, p?.operands[1])) !== 0)) return undefined;
  const { dim, size, value } = a;
  const [byA, byB] = [a.low[dim] as number, b.low[dim] as number];
  const whole =
    (a.limit === b.start && a.start === 0 && b.limit === size) ||
    (b.limit === a.start && b.start === 0 && a.limit === size);
  if (!whole || (byA - byB) % size !== 0 || byA === byB || shardsIn(sight, value, dim) === 1) return undefined;
  return {
    reads: [value],
    write: (emit) =>
      void emit.push({
        ...op,
        kind: 'rotate',
        operands: [value],
        attrs: { dim, by: byA },
        origin: { pass: 'shifts', from: [op.origin], reason: 'two moved parts added: a rotation of a sharded dim' },
      }),
  };
}
