/**
 * Where bytes may be bought with redundant compute: a dot whose contracting dim is split on one operand alone, and that
 * operand is no larger than the result. Gathering it moves n(g-1)/g; computing on shards and summing the result moves at
 * least twice that, for a result that every device wants whole. XLA gathers there too.
 *
 *   dot %a @{_, y}, %b @{_, _} → @{_, _}      // %a : f32[64,64], %b : f32[64,64]
 *   repeatable along y: all_gather %a, all of the product on each device
 *
 * Everywhere else work is never repeated. By propagated layouts: a decision does not change what may be decided.
 */
import type { FactorRule } from '../../../ir/factors.ts';
import type { Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, overlaps } from '../../../ir/mesh.ts';
import type { OpView } from '../../../ir/op.ts';
import { byteSize, type TensorType } from '../../../ir/types.ts';
import { project } from '../assignment.ts';

export function repeatableAxes(
  rule: FactorRule,
  view: OpView,
  operands: readonly Layout[],
  results: readonly Layout[],
): AxisRef[] {
  const [result] = results;
  if (result === undefined) return [];
  return operands.flatMap((layout, i) => {
    const others = [...operands.filter((_, j) => j !== i), result].flatMap(axesOf);
    const alone = project(rule, rule.operands[i] ?? [], layout).flatMap((axes, f) =>
      rule.factors[f]?.kind === 'reduce' ? axes.filter((a) => !others.some((o) => overlaps(a, o))) : [],
    );
    const gathered = localBytes(view.operands[i] as TensorType, layout) * axesSize(alone);
    return alone.length > 0 && gathered <= localBytes(view.results[0] as TensorType, result) ? alone : [];
  });
}

const axesOf = (layout: Layout): AxisRef[] => layout.dims.flatMap((d) => [...d.axes]);

const localBytes = (type: TensorType, layout: Layout): number => byteSize(type) / axesSize(axesOf(layout));
