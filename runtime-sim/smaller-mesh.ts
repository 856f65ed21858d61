/**
 * A program on a smaller mesh of the same axes, for a check on numbers where even shrunk extents are too much: a dim that
 * is cut 2,048 ways somewhere has 2,048 elements at least. Ops, layouts and what each collective joins stay; axes are
 * shorter, and sub-axes are cut out of them as before.
 */
import { brokenAxes, type Cuts, cutsOf } from '../ir/axes.ts';
import { mapLayouts } from '../ir/map-layouts.ts';
import type { AxisRef, Mesh } from '../ir/mesh.ts';
import { type Func, isCollective, type Module, type Op, walkOps } from '../ir/program.ts';

/** Devices along each part of an axis: enough that a neighbour is not also the one opposite. */
const ENOUGH = 4;

/** `module` is at the collective level. Undefined where it has no smaller mesh, or an op counts on the sizes of its axes. */
export function onSmallerMesh(module: Module): Module | undefined {
  if (module.meshes.some((m) => m.deviceIds !== undefined)) return undefined;
  if (module.functions.some((f) => [...walkOps(f.body)].some(countsDevices))) return undefined;
  const lists: AxisRef[][] = module.meshes.map((m) => m.axes.map(({ name, size }) => ({ name, pre: 1, size })));
  const seen = new Map<unknown, unknown>();
  const collect = (axis: AxisRef): AxisRef => {
    lists.push([axis]);
    return axis;
  };
  for (const func of module.functions) withAxes(func, (value) => mapAxes(value, collect, seen));
  const cuts = cutsOf(lists);
  if (brokenAxes(cuts).length > 0) return undefined;
  const shorter = cutsOfShorter(cuts);
  const meshes = module.meshes.map(
    (m): Mesh => ({
      ...m,
      axes: m.axes.map(({ name, size }) => ({ name, size: shorter.get(name)?.get(size) ?? size })),
    }),
  );
  if (meshes.every((m, i) => m.axes.every((a, j) => a.size === module.meshes[i]?.axes[j]?.size))) return undefined;
  const made = new Map<unknown, unknown>();
  const shorten = ({ name, pre, size }: AxisRef): AxisRef => {
    const points = shorter.get(name) as ReadonlyMap<number, number>;
    const start = points.get(pre) as number;
    return { name, pre: start, size: (points.get(pre * size) as number) / start };
  };
  return {
    ...module,
    meshes,
    functions: module.functions.map((f) => withAxes(f, (value) => mapAxes(value, shorten, made))),
  };
}

/** What names single devices or shapes of shards, which other sizes would not fit. */
const countsDevices = (op: Op): boolean =>
  op.kind === 'axis_index' ||
  op.kind === 'manual_computation' ||
  (isCollective(op) && (op.attrs.groups !== undefined || op.attrs.sources !== undefined));

/** Each cut point → where it is when every part between two of them is ENOUGH long, or its least factor where 4 does not divide it. */
function cutsOfShorter(cuts: Cuts): Map<string, Map<number, number>> {
  const shorter = new Map<string, Map<number, number>>();
  for (const [name, points] of cuts) {
    let at = 1;
    const moved = new Map<number, number>();
    points.forEach((point, i) => {
      if (i > 0) at *= shortPart(point / (points[i - 1] as number));
      moved.set(point, at);
    });
    shorter.set(name, moved);
  }
  return shorter;
}

function shortPart(size: number): number {
  if (size % ENOUGH === 0) return ENOUGH;
  for (let factor = 2; factor * factor <= size; factor++) if (size % factor === 0) return factor;
  return size;
}

const withAxes = (func: Func, map: <T>(value: T) => T): Func => mapLayouts(func, map, map);

/** Axis refs wherever they stand in layouts and attributes; what has none, or is shared, stays the object that it is. */
function mapAxes<T>(value: T, axis: (a: AxisRef) => AxisRef, seen: Map<unknown, unknown>): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const known = seen.get(value);
  if (known !== undefined) return known as T;
  const made = isAxisRef(value) ? axis(value) : mapEntries(value, (v) => mapAxes(v, axis, seen));
  seen.set(value, made);
  return made as T;
}

function mapEntries(value: object, map: (v: unknown) => unknown): object {
  if (Array.isArray(value)) {
    const made = value.map(map);
    return made.every((v, i) => v === value[i]) ? value : made;
  }
  const entries = Object.entries(value);
  const made = entries.map(([k, v]) => [k, map(v)] as const);
  return made.every(([, v], i) => v === entries[i]?.[1]) ? value : Object.fromEntries(made);
}

const isAxisRef = (value: object): value is AxisRef =>
  'name' in value && 'pre' in value && 'size' in value && Object.keys(value).length === 3;
