/** Layouts: how a value is laid out over a mesh (Shardy's tensor sharding). */
import { type AxisRef, axesSize, axisText, type Mesh, overlaps, sameAxes } from './mesh.ts';

/** One dim of a layout: its axes (major first), whether propagation may add more, and its priority (p0 first). */
export interface DimSharding {
  readonly axes: readonly AxisRef[];
  readonly open: boolean;
  readonly priority: number;
}

export const MONOIDS = ['sum', 'prod', 'max', 'min', 'and', 'or'] as const;
export type Monoid = (typeof MONOIDS)[number];

export interface Layout {
  /** Name of the mesh in the module's table. */
  readonly mesh: string;
  readonly dims: readonly DimSharding[];
  /** Axes that may never shard this value. */
  readonly replicated: readonly AxisRef[];
  /** Axes over which a reduction of this value is still owed, … */
  readonly unreduced: readonly AxisRef[];
  /** … and its monoid (sum when absent). */
  readonly monoid?: Monoid;
  /** Local level only: axes that a manual computation had in its hands; the value may differ along them as it likes. */
  readonly manual?: readonly AxisRef[];
}

const EMPTY: readonly AxisRef[] = [];
export const closedDim = (axes: readonly AxisRef[] = EMPTY, priority = 0): DimSharding => ({
  axes,
  open: false,
  priority,
});
export const openDim = (axes: readonly AxisRef[] = EMPTY, priority = 0): DimSharding => ({
  axes,
  open: true,
  priority,
});

export const openLayout = (mesh: string, rank: number): Layout => ({
  mesh,
  dims: Array.from({ length: rank }, () => openDim()),
  replicated: EMPTY,
  unreduced: EMPTY,
});
export const replicatedLayout = (mesh: string, rank: number): Layout => ({
  mesh,
  dims: Array.from({ length: rank }, () => closedDim()),
  replicated: EMPTY,
  unreduced: EMPTY,
});
/** A closed layout from axis lists alone. */
export const layoutOf = (
  mesh: string,
  dims: readonly (readonly AxisRef[])[],
  unreduced: readonly AxisRef[] = EMPTY,
  monoid?: Monoid,
): Layout => ({
  mesh,
  dims: dims.map((axes) => closedDim(axes)),
  replicated: EMPTY,
  unreduced,
  ...(monoid !== undefined && monoid !== 'sum' && unreduced.length > 0 ? { monoid } : {}),
});

/** No dim is sharded, open or closed. */
export const isWhole = (layout: Layout): boolean => layout.dims.every((d) => d.axes.length === 0);

/** Into how many shards it cuts a value. */
export const waysOf = ({ dims }: Layout): number => dims.reduce((n, d) => n * axesSize(d.axes), 1);

export const dimAxes = (layout: Layout, dim: number): readonly AxisRef[] => layout.dims[dim]?.axes ?? EMPTY;

/** Do both place the same elements on the same devices (open/closed and priorities aside)? */
export const samePlacement = (a: Layout, b: Layout): boolean =>
  a.dims.length === b.dims.length &&
  a.dims.every((d, i) => sameAxes(d.axes, dimAxes(b, i))) &&
  a.unreduced.length === b.unreduced.length &&
  a.unreduced.every((x) => b.unreduced.some((y) => overlaps(x, y) && x.size === y.size)) &&
  (a.unreduced.length === 0 || (a.monoid ?? 'sum') === (b.monoid ?? 'sum'));

/** Alike in every respect: axes, open and closed dims, priorities, replicated and unreduced axes. */
export const sameLayout = (a: Layout | undefined, b: Layout | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.mesh === b.mesh &&
    a.dims.length === b.dims.length &&
    a.dims.every((d, i) => {
      const other = b.dims[i] as DimSharding;
      return d.open === other.open && d.priority === other.priority && sameAxes(d.axes, other.axes);
    }) &&
    sameAxes(a.replicated, b.replicated) &&
    sameAxes(a.unreduced, b.unreduced) &&
    sameAxes(a.manual ?? EMPTY, b.manual ?? EMPTY) &&
    (a.monoid ?? 'sum') === (b.monoid ?? 'sum'));

/** Per-device extents: ceil(extent / shards) per dim. */
export const localShape = (shape: readonly number[], layout: Layout): number[] =>
  shape.map((extent, i) => Math.ceil(extent / axesSize(dimAxes(layout, i))));

/** What all devices hold of per-device extents, where every dim divides. */
export const globalShape = (local: readonly number[], layout: Layout): number[] =>
  local.map((extent, i) => extent * axesSize(dimAxes(layout, i)));

/** Every dim divides by its shard count. */
export const isEven = (shape: readonly number[], layout: Layout): boolean =>
  shape.every((extent, i) => extent % axesSize(dimAxes(layout, i)) === 0);

export const usedAxes = (layout: Layout): AxisRef[] => layout.dims.flatMap((d) => [...d.axes]);

/** `{x, _, ?}` as .tir writes it after a type: `_` replicated, `?` open, `x+y` several axes, `p1` a priority. */
export function layoutText(mesh: Mesh, layout: Layout): string {
  const dims = layout.dims.map((d) => {
    const axes = d.axes.map((a) => axisText(mesh, a)).join('+');
    const text = d.open ? `${axes}?` : axes === '' ? '_' : axes;
    return d.priority > 0 ? `${text} p${d.priority}` : text;
  });
  const extra: string[] = [];
  if (layout.replicated.length > 0)
    extra.push(`replicated=${layout.replicated.map((a) => axisText(mesh, a)).join('+')}`);
  if (layout.unreduced.length > 0) {
    const name = layout.monoid === undefined ? 'unreduced' : `unreduced_${layout.monoid}`;
    extra.push(`${name}=${layout.unreduced.map((a) => axisText(mesh, a)).join('+')}`);
  }
  if (layout.manual !== undefined) extra.push(`manual=${layout.manual.map((a) => axisText(mesh, a)).join('+')}`);
  return `{${[dims.join(', '), ...extra].join('; ')}}`;
}

/** An axis that a layout uses in two places, which no layout may; undefined = none. */
export function overlappingAxis(layout: Layout): AxisRef | undefined {
  const axes = [...usedAxes(layout), ...layout.replicated, ...layout.unreduced, ...(layout.manual ?? [])];
  return axes.find((a, i) => axes.some((b, j) => j < i && overlaps(a, b)));
}
