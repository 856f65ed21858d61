/**
 * A comparator's order made total: by it, among its equals by place, and what lies behind the true elements last.
 *
 *   less   →   (a, b, i, j) → if i or j ≥ size: i < j, else if less(a, b) = less(b, a): i < j, else less(a, b)
 */
import type { Marks } from '../../../ir/ops/sort-split.ts';
import type { Block, ValueId } from '../../../ir/program.ts';
import { type DType, tensor } from '../../../ir/types.ts';
import type { Emitter } from './localizer.ts';

/** `region` is the comparator of all operands but the one that marks may have added; `size` where something lies behind. */
export function totalOrder(
  emit: Emitter,
  region: Block,
  dtypes: readonly DType[],
  marks: Marks,
  size: number | undefined,
): Block {
  return emit.region(
    dtypes.flatMap((t) => [tensor(t, []), tensor(t, [])]),
    (params) => {
      const sides = params.slice(0, region.params.length);
      const before = emit.inlined(region, sides)[0] as ValueId;
      if (marks.kind === 'none') return [before];
      const at = 2 * (marks.kind === 'places' && marks.operand !== undefined ? marks.operand : dtypes.length - 1);
      const [a, b] = params.slice(at, at + 2) as [ValueId, ValueId];
      if (marks.kind === 'padding')
        return [
          emit.select(emit.binary('or', a, b), emit.binary('and', emit.op('not', [a], emit.typeOf(a)), b), before),
        ];
      const swapped = sides.map((_, i) => sides[i ^ 1] as ValueId);
      const after = emit.inlined(region, swapped)[0] as ValueId;
      const earlier = emit.compare('LT', a, b);
      const byPlace = emit.select(emit.compare('EQ', before, after), earlier, before);
      if (size === undefined) return [byPlace];
      const last = emit.binary('maximum', a, b);
      const outside = emit.compare('GE', last, emit.constant(emit.typeOf(a), [size]));
      return [emit.select(outside, earlier, byPlace)];
    },
  );
}
