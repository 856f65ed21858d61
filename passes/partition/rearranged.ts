/**
 * Candidates that no layout around an op suggests: one axis, in use or idle, goes to another factor. What a dot computes
 * along its rows is cut into columns locally; what it computes along the columns that are wanted has to be moved to the cuts.
 *
 *   dot %x @{x, _}, %w @{_, y}   →   dot %x @{x.y, _}, %w @{_, _}
 */
import { type AxisRef, axesSize, overlaps } from '../../ir/mesh.ts';
import type { Layout } from '../../ir/layout.ts';
import { type Assignment, dropStrided } from './assignment.ts';
import { type Candidate, fits, laidOut, type OpShape, shardable } from './candidates.ts';
import type { LayoutTable } from './layout-table.ts';

export function rearranged(
  table: LayoutTable,
  op: OpShape,
  { assignment, from }: Candidate,
  operandLayouts: readonly (readonly Layout[])[],
): Candidate[] {
  return op.movable
    .flatMap((axis) => elsewhere(op, assignment, axis))
    .flatMap((moved) => laidOut(table, op, moved, operandLayouts, from ?? assignment));
}

/** The axis on each factor that does not have it, minor to what that has. */
function elsewhere(op: OpShape, base: Assignment, axis: AxisRef): Assignment[] {
  const without = base.map((held) => held.filter((a) => !overlaps(a, axis)));
  return without.flatMap((held, f) => {
    const axes = [...held, axis];
    if (held.length < (base[f] ?? []).length || !shardable(op, f) || !fits(op, f, axesSize(axes))) return [];
    return [
      dropStrided(
        op.rule,
        without.map((h, g) => (g === f ? axes : h)),
      ),
    ];
  });
}
