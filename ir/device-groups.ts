/**
 * Which devices a collective joins: lists of devices from axes, and axes from lists. Devices are named by their ids, as
 * collectives in StableHLO name them; a member's place in its group is its combined index along the axes, first major.
 *
 *   mesh x=2 y=4:  {y} ↔ [[0, 1, 2, 3], [4, 5, 6, 7]]    {x} ↔ [[0, 4], [1, 5], [2, 6], [3, 7]]    {y:(2)2} ↔ [[0, 1], [2, 3], …]
 */
import type { OpAttrs } from './attrs.ts';
import { mergeNeighbours } from './axes.ts';
import {
  axesIndex,
  axesSize,
  type AxisRef,
  coordinates,
  deviceCount,
  fullAxis,
  type Mesh,
  type MeshAxis,
  overlaps,
} from './mesh.ts';

type Ids = readonly number[];

/** Groups of devices that differ in these axes only; of their members, only those that a `part` joins: [[0, 3], [1, 2]]. */
export function groupsOf(mesh: Mesh, axes: readonly AxisRef[], parts?: readonly Ids[]): number[][] {
  const rest = complement(mesh, axes);
  const groups = Array.from({ length: axesSize(rest) }, (): number[] => new Array<number>(axesSize(axes)).fill(0));
  for (let p = 0; p < deviceCount(mesh); p++)
    (groups[axesIndex(mesh, rest, p)] as number[])[axesIndex(mesh, axes, p)] = deviceAt(mesh, p);
  return parts === undefined ? groups : groups.flatMap((g) => parts.map((part) => part.map((i) => g[i] as number)));
}

export const deviceAt = (mesh: Mesh, position: number): number => mesh.deviceIds?.[position] ?? position;

/** (Sub-)axes of the mesh that these leave out. */
export function complement(mesh: Mesh, axes: readonly AxisRef[]): AxisRef[] {
  return mesh.axes.flatMap(({ name, size }) => {
    const used = axes.filter((a) => a.name === name);
    const cuts = [...new Set([1, size, ...used.flatMap((a) => [a.pre, a.pre * a.size])])].sort((a, b) => a - b);
    const parts: AxisRef[] = [];
    for (let i = 0; i + 1 < cuts.length; i++)
      parts.push({ name, pre: cuts[i] as number, size: (cuts[i + 1] as number) / (cuts[i] as number) });
    return parts.filter((part) => !used.some((u) => overlaps(u, part)));
  });
}

// --- permutes: (source, target) pairs ---------------------------------------------------------------------------------

export type Pairs = readonly (readonly [source: number, target: number])[];

/** Place in the group that the device at place i receives from; undefined = none, it gets zeros. */
export function shiftSource(
  { by, flip, wrap }: OpAttrs['collective_shift'],
  size: number,
  i: number,
): number | undefined {
  const source = (flip ? size - 1 - i : i) + by;
  if (wrap === true) return ((source % size) + size) % size;
  return source >= 0 && source < size ? source : undefined;
}

export const shiftPairs = (mesh: Mesh, attrs: OpAttrs['collective_shift']): Pairs =>
  pairsInGroups(groupsOf(mesh, attrs.axes), (i, size) => shiftSource(attrs, size, i));

export const devicePairs = (mesh: Mesh, { axes, sources }: OpAttrs['device_permute']): Pairs =>
  pairsInGroups(groupsOf(mesh, axes), (i) => sources[i]);

const pairsInGroups = (groups: readonly Ids[], sourceOf: (i: number, size: number) => number | undefined): Pairs =>
  groups.flatMap((group) =>
    group.flatMap((target, i): [number, number][] => {
      const source = group[sourceOf(i, group.length) ?? -1];
      return source === undefined ? [] : [[source, target]];
    }),
  );

// --- from lists back to axes ------------------------------------------------------------------------------------------

export interface FoundGroups {
  readonly axes: readonly AxisRef[];
  /** Set where the groups are no axes: which places along the axes go together. */
  readonly groups?: readonly Ids[];
}

/** Groups of equal size that cover the mesh as axes, first major; others as parts of the fewest axes that hold them. */
export function findGroups(mesh: Mesh, lists: readonly Ids[]): FoundGroups {
  const place = positionOf(mesh);
  const groups = lists.map((g) => g.map(place));
  const axes = axesOf(mesh, groups[0] ?? []);
  if (axes !== undefined && sameGroups(groupsOf({ name: mesh.name, axes: mesh.axes }, axes), groups)) return { axes };
  return dropAxes(mesh, groups);
}

function positionOf(mesh: Mesh): (device: number) => number {
  const ids = mesh.deviceIds;
  if (ids === undefined) return (device) => device;
  const places = new Map(ids.map((id, p) => [id, p]));
  return (device) => places.get(device) ?? device;
}

/** The axes along which these positions lie in order; undefined = none. Each run of equal steps is one (sub-)axis or more. */
function axesOf(mesh: Mesh, positions: Ids): readonly AxisRef[] | undefined {
  const found: AxisRef[] = [];
  for (let at = 1; at < positions.length; ) {
    const step = (positions[at] as number) - (positions[0] as number);
    let run = 1;
    while ((run + 1) * at <= positions.length && positions[run * at] === (positions[0] as number) + run * step) run++;
    if (run < 2 || positions.length % (at * run) !== 0) return undefined;
    const axes = axesOfStride(mesh, step, run);
    if (axes === undefined) return undefined;
    found.unshift(...axes);
    at *= run;
  }
  return mergeNeighbours(found);
}

/** (Sub-)axes, first major, whose combined index steps by `stride` positions, `size` times. */
function axesOfStride(mesh: Mesh, stride: number, size: number): AxisRef[] | undefined {
  const found: AxisRef[] = [];
  let inner = 1;
  let [step, rest] = [stride, size];
  for (let i = mesh.axes.length - 1; i >= 0 && rest > 1; i--) {
    const axis = mesh.axes[i] as MeshAxis;
    const outer = inner * axis.size;
    if (step >= inner && step < outer) {
      const left = outer / step;
      const take = Math.min(left, rest);
      if (step % inner !== 0 || !Number.isInteger(left) || left % take !== 0 || rest % take !== 0) return undefined;
      found.unshift({ name: axis.name, pre: left / take, size: take });
      rest /= take;
      step = outer;
    }
    inner = outer;
  }
  return rest === 1 ? found : undefined;
}

function sameGroups(a: readonly Ids[], b: readonly Ids[]): boolean {
  const seen = new Set(a.map((g) => g.join()));
  return a.length === b.length && b.every((g) => seen.delete(g.join()));
}

/** The groups as parts of the axes that they need: those left out are alike at every index and joined by no group. */
function dropAxes(mesh: Mesh, groups: readonly Ids[]): FoundGroups {
  let axes: readonly MeshAxis[] = mesh.axes;
  let parts = groups;
  for (const axis of mesh.axes) {
    const at = axes.indexOf(axis);
    const sub: Mesh = { name: '', axes };
    const slices = Array.from({ length: axis.size }, (): number[][] => []);
    const fits = parts.every((group) => {
      const places = group.map((p) => coordinates(sub, p));
      const index = places[0]?.[at] as number;
      slices[index]?.push(places.map((c) => flatten(axes, c, at)));
      return places.every((c) => c[at] === index);
    });
    const [first] = slices;
    if (!fits || first === undefined || !slices.every((s) => sameGroups(first, s))) continue;
    axes = axes.filter((a) => a !== axis);
    parts = first;
  }
  return { axes: axes.map((a) => fullAxis(mesh, a.name)), groups: parts };
}

/** Position over all axes but one. */
const flatten = (axes: readonly MeshAxis[], place: Ids, without: number): number =>
  axes.reduce((n, a, i) => (i === without ? n : n * a.size + (place[i] as number)), 0);

export type FoundPermute =
  | {
      readonly kind: 'collective_shift';
      readonly axes: readonly AxisRef[];
      readonly by: number;
      readonly wrap: boolean;
    }
  | { readonly kind: 'device_permute'; readonly axes: readonly AxisRef[]; readonly sources: Ids };

/** Pairs as a shift along axes or, failing that, as sources by index along the fewest axes. */
export function findPermute(mesh: Mesh, pairs: Pairs): FoundPermute {
  const place = positionOf(mesh);
  const { axes, groups = [] } = dropAxes(
    mesh,
    pairs.map(([s, t]) => [place(s), place(t)]),
  );
  const sources = new Array<number>(axesSize(axes)).fill(-1);
  for (const [s, t] of groups) sources[t as number] = s as number;
  const size = sources.length;
  const target = sources.findIndex((s) => s >= 0);
  if (target >= 0) {
    const offset = (sources[target] as number) - target;
    for (const by of [offset, offset - size, offset + size]) {
      for (const wrap of [false, true]) {
        const attrs = { mesh: mesh.name, axes, by, flip: false, wrap };
        if (Math.abs(by) < size && sources.every((s, i) => s === (shiftSource(attrs, size, i) ?? -1)))
          return { kind: 'collective_shift', axes, by, wrap };
      }
    }
  }
  return { kind: 'device_permute', axes, sources };
}
