/** Shardings as MLIR prints them. */
import type { EditModule } from '../edit.ts';
import type { Layout } from '../layout.ts';
import { type AxisRef, isFullAxis, type Mesh } from '../mesh.ts';

export const axisRefText = (mesh: Mesh, a: AxisRef): string =>
  isFullAxis(mesh, a) ? `"${a.name}"` : `"${a.name}":(${a.pre})${a.size}`;

/** `{"x", "y":(1)2}` */
export const axesText = (mesh: Mesh, axes: readonly AxisRef[]): string =>
  `{${axes.map((a) => axisRefText(mesh, a)).join(', ')}}`;

/** `<@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}>` */
export function shardingText(mesh: Mesh, layout: Layout): string {
  const dims = layout.dims.map(
    (d) =>
      `{${[...d.axes.map((a) => axisRefText(mesh, a)), ...(d.open ? ['?'] : [])].join(', ')}}${d.priority > 0 ? `p${d.priority}` : ''}`,
  );
  const extra = (key: string, axes: readonly AxisRef[]): string =>
    axes.length === 0 ? '' : `, ${key}=${axesText(mesh, axes)}`;
  const name = mesh.inlined === true ? mesh.name : `@${mesh.name}`;
  return `<${name}, [${dims.join(', ')}]${extra('replicated', layout.replicated)}${extra('unreduced', layout.unreduced)}>`;
}

/** `#sdy.sharding_per_value<[…]>`; undefined where a result has none. */
export function perValueText(module: EditModule, layouts: readonly (Layout | undefined)[]): string | undefined {
  if (layouts.length === 0 || layouts.some((l) => l === undefined)) return undefined;
  const text = (layouts as readonly Layout[]).map((l) => shardingText(module.mesh(l.mesh), l));
  return `#sdy.sharding_per_value<[${text.join(', ')}]>`;
}
