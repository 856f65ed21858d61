/**
 * `dot {x, y} · {y, z?} → {x, y}`: the axes that contract are wanted on a free dim whose operand has others. The dot
 * computes with the operand's axes there, and its result is resharded, which becomes a reduce_scatter (processDot).
 */
import type { EditOp } from '../../ir/edit.ts';
import type { FactorRule } from '../../ir/factors.ts';
import { type AxisRef, overlaps, sameAxes } from '../../ir/mesh.ts';
import { elementCount } from '../../ir/types.ts';
import type { Projection, TensorProjection } from '../propagate/projection.ts';

/** Gives the result the axes that the dot shall compute with; false: it stays as it is. */
export function resharesDot(op: EditOp, rule: FactorRule, projection: Projection): boolean {
  const [left, right] = projection.operands as [TensorProjection, TensorProjection];
  const [result] = projection.results as [TensorProjection];
  const [sizeL, sizeR] = op.operands.map((v) => elementCount(v.type)) as [number, number];
  const reduced: AxisRef[] = [];
  const seen: AxisRef[] = [];
  let conflict: { factor: number; axes: readonly AxisRef[] } | undefined;
  for (const [f, { kind }] of rule.factors.entries()) {
    const [l, r] = [left.factors[f]?.axes, right.factors[f]?.axes];
    const axes = l ?? r ?? [];
    if (l !== undefined && r !== undefined) {
      if (!sameAxes(l, r)) return false;
      if (kind === 'reduce') {
        reduced.push(...axes);
        continue;
      }
    } else {
      if (axes.some((a) => seen.some((b) => overlaps(a, b)))) return false;
      seen.push(...axes);
    }
    if (sameAxes(result.factors[f]?.axes ?? [], axes)) continue;
    const largest = l !== undefined && r !== undefined ? Math.max(sizeL, sizeR) : l !== undefined ? sizeL : sizeR;
    if (axes.length === 0 || conflict !== undefined || elementCount(op.result.type) > largest) return false;
    conflict = { factor: f, axes };
  }
  const held = conflict === undefined ? undefined : result.factors[conflict.factor];
  if (conflict === undefined || held === undefined || held.axes.length === 0 || !sameAxes(held.axes, reduced))
    return false;
  held.axes = conflict.axes;
  return true;
}
