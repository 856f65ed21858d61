/**
 * The layouts around and inside of a manual computation, of which propagation gives the outer ones: a dim's manual axes
 * first, then the free axes, which are the inner layout.
 *
 *   manual_axes=[x], outside @{x+y, _}  →  inside @{y, _}
 */
import type { Layout } from '../../ir/layout.ts';
import type { AxisRef } from '../../ir/mesh.ts';
import type { Op } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import type { LayoutTable } from './layout-table.ts';

export interface ManualSide {
  readonly inside: readonly Layout[];
  readonly outside: readonly Layout[];
}

/** Of its operands and parameters, or its results and what its body returns; `types`: those inside. Free axes divide. */
export function manualSide(
  table: LayoutTable,
  op: Op,
  side: 'in_layouts' | 'out_layouts',
  types: readonly TensorType[],
): ManualSide {
  const manual = op.attrs.manual_axes as readonly string[];
  const isManual = (a: AxisRef): boolean => manual.includes(a.name);
  const stated = (op.attrs[side] as readonly Layout[] | undefined) ?? [];
  const inside = stated.map((layout, i) => {
    const free = { ...layout, dims: layout.dims.map((d) => ({ ...d, axes: d.axes.filter((a) => !isManual(a)) })) };
    const owed = layout.unreduced.filter((a) => !isManual(a));
    return table.even((types[i] as TensorType).shape, { ...free, unreduced: owed });
  });
  const outside = stated.map((layout, i) =>
    table.of(
      layout.dims.map((d, dim) => [...d.axes.filter(isManual), ...(inside[i]?.dims[dim]?.axes ?? [])]),
      layout.unreduced,
      layout.monoid,
    ),
  );
  return { inside, outside };
}
