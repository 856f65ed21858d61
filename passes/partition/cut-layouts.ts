/** Says where an annotation could not be kept: a dim that does not divide by its axes stays whole over the last of them. */
import type { Diagnostic } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import { axesSize, axisText } from '../../ir/mesh.ts';
import { mainFunction, meshOf, type Module, type Span, type ValueId, valueInfo, walkOps } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';

/** One warning per argument, constraint and result; at the propagated level. */
export function cutLayouts(module: Module): Diagnostic[] {
  const func = mainFunction(module);
  const found: Diagnostic[] = [];
  const look = (what: string, type: TensorType, layout: Layout | undefined, span: Span | undefined): void => {
    layout?.dims.forEach((d, dim) => {
      const size = type.shape[dim] as number;
      const kept = d.axes.findIndex((_, i) => size % axesSize(d.axes.slice(0, i + 1)) !== 0);
      if (kept < 0 || size === 0) return;
      const lost = d.axes
        .slice(kept)
        .map((a) => `${axisText(meshOf(module, layout.mesh), a)}=${a.size}`)
        .join(', ');
      found.push({
        code: 'SH0402',
        severity: 'warning',
        cause: 'user',
        message: `dim ${dim} of ${what} has ${size} elements, which do not divide by ${lost}: it stays whole there`,
        expected: `a multiple of ${axesSize(d.axes)}`,
        help: 'pad the dim, or use another mesh',
        ...(span === undefined ? {} : { span }),
      });
    });
  };
  for (const p of func.body.params) {
    const { type, layout, name, origin } = valueInfo(func, p);
    look(`argument %${name ?? p}`, type, layout, origin?.span);
  }
  for (const op of walkOps(func.body)) {
    if (op.kind !== 'sharding_constraint') continue;
    const { type, name } = valueInfo(func, op.results[0] as ValueId);
    look(`%${name ?? op.results[0]}`, type, op.attrs.layout as Layout, op.origin.span);
  }
  func.resultLayouts.forEach((layout, i) => look(`result ${i}`, func.resultTypes[i] as TensorType, layout, undefined));
  return found;
}
