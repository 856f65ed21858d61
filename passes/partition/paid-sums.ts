/** Warnings: constraints that leave a sum owed where nothing owes one. */
import type { Diagnostic } from '../../ir/diagnostics.ts';
import { axisText, type AxisRef } from '../../ir/mesh.ts';
import { meshOf, type Module, type ValueId, valueInfo } from '../../ir/program.ts';
import type { Decided } from './insert-reshards.ts';
import { given } from './decide/solution.ts';

/** `module`: at the propagated level, what was decided about. */
export function paidSums(module: Module, { func, solution }: Decided): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [op, [tie]] of solution.graph.ties) {
    if (op.kind !== 'sharding_constraint' || tie === undefined) continue;
    const asked = tie.propagated;
    if (asked.unreduced.length === given(solution.choice(tie), 0).unreduced.length) continue;
    const mesh = meshOf(module, asked.mesh);
    const over = asked.unreduced.map((a: AxisRef) => axisText(mesh, a)).join(', ');
    const result = op.results[0] as ValueId;
    found.push({
      code: 'SH0406',
      severity: 'warning',
      cause: 'user',
      message: `%${valueInfo(func, result).name ?? result} is to be owed over ${over}, but what it is made from owes nothing there: it is held as it is`,
      span: op.origin.span,
    });
  }
  return found;
}
