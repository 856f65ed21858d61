/**
 * Says where an annotation could not be kept: an argument or result whose dim does not divide by its axes stays whole over
 * the last of them (inside, pad-dims shards it all the same), and so does a dim with too few elements to be worth padding.
 * Of a dim that nobody annotated, and that is sharded for its neighbours' sake, nothing is said.
 */
import { evenPrefix, wholePrefix } from '../../ir/axes.ts';
import type { Diagnostic } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AxisRef, axesSize, axisText } from '../../ir/mesh.ts';
import { mainFunction, meshOf, type Module, type Span, type ValueId, valueInfo, walkOps } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import { usable } from './pad-dims/extents.ts';

/** One warning per dim of an argument, constraint or result; at the propagated level, before padding. */
export function cutLayouts(module: Module): Diagnostic[] {
  const func = mainFunction(module);
  const found: Diagnostic[] = [];
  type Kept = (size: number, axes: readonly AxisRef[]) => readonly AxisRef[];
  const look = (what: string, type: TensorType, layout: Layout | undefined, kept: Kept, span?: Span): void =>
    layout?.dims.forEach(({ axes, open }, dim) => {
      if (open) return;
      const size = type.shape[dim] as number;
      const lost = axesSize(axes) / axesSize(kept(size, axes));
      if (lost <= 1 || size === 0) return;
      const over = axes.map((a) => `${axisText(meshOf(module, layout.mesh), a)}=${a.size}`).join(', ');
      found.push({
        code: 'SH0402',
        severity: 'warning',
        cause: 'user',
        message: `dim ${dim} of ${what} has ${size} elements, which do not divide by ${over}: ${lost} devices along ${axes.length === 1 ? 'it' : 'them'} hold the same part`,
        expected: `a multiple of ${axesSize(axes)}`,
        ...(kept !== usable
          ? {
              help: 'inside the program the dim is padded and sharded as asked; a size that divides is sharded on the way in and out too',
            }
          : {}),
        span,
      });
    });
  for (const p of func.body.params) {
    const { type, layout, name, origin } = valueInfo(func, p);
    look(`argument %${name ?? p}`, type, layout, evenPrefix, origin?.span);
  }
  for (const op of walkOps(func.body)) {
    if (op.kind !== 'sharding_constraint') continue;
    const { type, name } = valueInfo(func, op.results[0] as ValueId);
    look(`%${name ?? op.results[0]}`, type, op.attrs.layout as Layout, usable, op.origin.span);
  }
  func.resultLayouts.forEach((layout, i) => {
    look(`result ${i}`, func.resultTypes[i] as TensorType, layout, wholePrefix);
  });
  return found;
}
