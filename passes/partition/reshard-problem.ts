/**
 * One layout change as a search problem: layouts as lists of atoms, small numbers that stand for (sub-)axes.
 *
 *   {x+y, _} → {_, y:(1)2}   atoms  0 = x, 1 = y:(1)2, 2 = y:(2)2     [[0,1,2],[]] → [[],[1]]
 *
 * Atoms are the common refinement of both layouts, split further where only a part of one fits a dim or stands against
 * an axis of another size (gcd). What both layouts have in common at the major end of a dim stays out of the search.
 */
import { axesKey, type Cuts, brokenAxes, cutsOf, gcd, mergeNeighbours, refine } from '../../ir/axes.ts';
import { closedDim, type Layout, type Monoid } from '../../ir/layout.ts';
import {
  type AxisRef,
  axesIndex,
  axesSize,
  deviceCount,
  type Mesh,
  type MeshAxis,
  overlaps,
  sameAxis,
  sameMesh,
} from '../../ir/mesh.ts';

export interface State {
  /** Per dim, major first. */
  readonly dims: readonly (readonly number[])[];
  /** Atoms over which the reduction is still owed, ascending. */
  readonly owed: readonly number[];
  /** On the target's mesh: the same axes, the devices in another order. */
  readonly arrived: boolean;
}

/**
 * How axes are cut into atoms besides what the layouts ask for: against each other; to fit beside what dims hold that either
 * layout uses; or to fit any dim. Finer finds more plans, and takes longer.
 */
interface Cutting {
  readonly fineness: 'pairs' | 'used' | 'rooms';
  /** 6 as 3·2 instead of 2·3. */
  readonly minorFirst: boolean;
}

const CUTTINGS: readonly Cutting[] = (['pairs', 'used', 'rooms'] as const).flatMap((fineness) =>
  [false, true].map((minorFirst) => ({ fineness, minorFirst })),
);

/** Layouts of one plan have few atoms; beyond this the search gives way to a construction. */
export const MAX_ATOMS = 8;

export class Problem {
  readonly from: State;
  readonly to: State;
  readonly sizes: readonly number[];
  /** Atoms that the target has on a dim. */
  readonly wanted: readonly number[];
  /** Axes that neither layout has, where a reduction is owed: all devices along them hold the same. */
  readonly idle: readonly number[];
  /** The part of the same axis and size right before an atom. */
  readonly major: readonly (number | undefined)[];
  /** Extents and bytes of what the common prefix of both layouts leaves to a device. */
  readonly extents: readonly number[];
  readonly total: number;
  readonly monoid: Monoid;
  readonly meshes: readonly [Mesh, Mesh];
  private readonly atoms: readonly AxisRef[];
  private readonly prefix: readonly (readonly AxisRef[])[];
  private readonly layouts = new Map<string, Layout>();
  private readonly lists = new Map<string, readonly AxisRef[]>();

  private constructor(fields: Pick<Problem, 'sizes' | 'extents' | 'total' | 'monoid' | 'meshes'> & Parts) {
    this.sizes = fields.sizes;
    this.extents = fields.extents;
    this.total = fields.total;
    this.monoid = fields.monoid;
    this.meshes = fields.meshes;
    this.atoms = fields.atoms;
    this.prefix = fields.prefix;
    this.from = fields.from;
    this.to = fields.to;
    this.wanted = fields.to.dims.flat();
    this.major = fields.atoms.map((a) => {
      const i = fields.atoms.findIndex((b) => b.name === a.name && b.size === a.size && b.pre * b.size === a.pre);
      return i === -1 ? undefined : i;
    });
    const used = new Set([...fields.from.dims.flat(), ...this.wanted, ...fields.from.owed]);
    this.idle = fields.atoms.map((_, i) => i).filter((i) => !used.has(i));
  }

  /**
   * One per different way to cut, from coarse to fine; none where no split of axes makes both layouts lists of the same atoms,
   * or the meshes have other axes.
   */
  static *all(
    meshes: readonly [Mesh, Mesh],
    shape: readonly number[],
    elementBytes: number,
    from: Layout,
    to: Layout,
    manual: ReadonlySet<string>,
  ): Generator<Problem> {
    if (!sameAxesOf(meshes)) return;
    const reordered = !sameMesh(...meshes);
    const [held, goal] = [from.dims.map((d) => d.axes), to.dims.map((d) => d.axes)];
    const cuts = cutsOf([...held, ...goal, from.unreduced, to.unreduced]);
    if (brokenAxes(cuts).length > 0) return;
    const coarse = { from: held.map((axes) => refine(axes, cuts)), to: goal.map((axes) => refine(axes, cuts)) };
    const prefix = coarse.from.map((axes, d) => (reordered ? [] : commonPrefix(axes, coarse.to[d] ?? [])));
    const extents = shape.map((n, d) => n / axesSize(prefix[d] ?? []));
    const rest = {
      from: coarse.from.map((axes, d) => axes.slice(prefix[d]?.length)),
      to: coarse.to.map((axes, d) => axes.slice(prefix[d]?.length)),
    };
    const owed = { from: refine(from.unreduced, cuts), to: refine(to.unreduced, cuts) };
    const lists = [...rest.from, ...rest.to, owed.from, owed.to].flat();
    const free = owed.from.length > owed.to.length ? axesButManual(meshes[0], manual) : [];
    const seen: Cuts[] = [];
    for (const cutting of lists.every((a) => isPrime(a.size)) ? CUTTINGS.slice(0, 1) : CUTTINGS) {
      const fine = splitCuts(cuts, extents, rest, cutting);
      if (seen.some((s) => sameCuts(s, fine))) continue;
      seen.push(fine);
      const used = distinct(refine(lists, fine));
      const atoms = [...used, ...idleAxes(free, [...prefix.flat(), ...used], fine, used.length, extents)];
      const numbers = (axes: readonly AxisRef[]): number[] =>
        refine(axes, fine).map((a) => atoms.findIndex((b) => sameAxis(a, b)));
      const sorted = (axes: readonly AxisRef[]): number[] => numbers(axes).sort((a, b) => a - b);
      yield new Problem({
        atoms,
        prefix,
        extents,
        meshes,
        sizes: atoms.map((a) => a.size),
        total: extents.reduce((n, d) => n * d, elementBytes),
        monoid: from.monoid ?? 'sum',
        from: { dims: rest.from.map(numbers), owed: sorted(owed.from), arrived: !reordered },
        to: { dims: rest.to.map(numbers), owed: sorted(owed.to), arrived: true },
      });
    }
  }

  size(atoms: readonly number[]): number {
    let n = 1;
    for (const a of atoms) n *= this.sizes[a] as number;
    return n;
  }

  /** Bytes of the tensor on one device. */
  held(state: State): number {
    let n = this.total;
    for (const dim of state.dims) n /= this.size(dim);
    return n;
  }

  /** The dim divides with these atoms at its end. */
  takes({ dims }: State, dim: number, atoms: readonly number[]): boolean {
    return (this.extents[dim] as number) % (this.size(dims[dim] as readonly number[]) * this.size(atoms)) === 0;
  }

  divides(dim: number, atoms: readonly number[]): boolean {
    return (this.extents[dim] as number) % this.size(atoms) === 0;
  }

  axes(atoms: readonly number[]): readonly AxisRef[] {
    const key = atoms.join();
    let axes = this.lists.get(key);
    if (axes === undefined) this.lists.set(key, (axes = mergeNeighbours(atoms.map((a) => this.atoms[a] as AxisRef))));
    return axes;
  }

  /** All axes of the layout, for what is priced over groups of devices. */
  get allAxes(): readonly AxisRef[] {
    return this.atoms;
  }

  layout(state: State): Layout {
    const key = stateKey(state);
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      layout = {
        mesh: (state.arrived ? this.meshes[1] : this.meshes[0]).name,
        replicated: [],
        unreduced: this.axes(state.owed),
        dims: state.dims.map((dim, d) =>
          closedDim(mergeNeighbours([...(this.prefix[d] ?? []), ...dim.map((a) => this.atoms[a] as AxisRef)])),
        ),
        ...(state.owed.length > 0 && this.monoid !== 'sum' ? { monoid: this.monoid } : {}),
      };
      this.layouts.set(key, layout);
    }
    return layout;
  }

  /** Both place the same block on every device: going from one mesh to the other moves nothing. O(devices). */
  samePlaces(a: State, b: State): boolean {
    const [meshA, meshB] = [a, b].map((s) => (s.arrived ? this.meshes[1] : this.meshes[0])) as [Mesh, Mesh];
    const [axesA, axesB] = [a, b].map((s) => s.dims.flat().map((i) => this.atoms[i] as AxisRef)) as [
      AxisRef[],
      AxisRef[],
    ];
    const block = new Map<number, number>();
    const device = (mesh: Mesh, position: number): number => mesh.deviceIds?.[position] ?? position;
    const count = deviceCount(meshA);
    for (let p = 0; p < count; p++) block.set(device(meshA, p), axesIndex(meshA, axesA, p));
    for (let p = 0; p < count; p++) if (block.get(device(meshB, p)) !== axesIndex(meshB, axesB, p)) return false;
    return true;
  }
}

interface Parts {
  readonly atoms: readonly AxisRef[];
  readonly prefix: readonly (readonly AxisRef[])[];
  readonly from: State;
  readonly to: State;
}

export function stateKey({ dims, owed, arrived }: State): string {
  let key = arrived ? '' : '<';
  for (const dim of dims) key += `${String.fromCharCode(...dim.map((a) => a + 64))}|`;
  return key + String.fromCharCode(...owed.map((a) => a + 64));
}

const sameAxesOf = ([a, b]: readonly [Mesh, Mesh]): boolean =>
  a === b ||
  (a.axes.length === b.axes.length && a.axes.every((x, i) => x.name === b.axes[i]?.name && x.size === b.axes[i]?.size));

function commonPrefix(a: readonly AxisRef[], b: readonly AxisRef[]): AxisRef[] {
  let n = 0;
  while (n < a.length && n < b.length && sameAxis(a[n] as AxisRef, b[n] as AxisRef)) n++;
  return a.slice(0, n);
}

const distinct = (axes: readonly AxisRef[]): AxisRef[] => [...new Map(axes.map((a) => [axesKey([a]), a])).values()];

const axesButManual = (mesh: Mesh, manual: ReadonlySet<string>): MeshAxis[] =>
  mesh.axes.filter((a) => !manual.has(a.name));

/** What is left of the mesh's axes, as far as the search can bear more atoms. */
function idleAxes(
  axes: readonly MeshAxis[],
  used: readonly AxisRef[],
  cuts: Cuts,
  count: number,
  extents: readonly number[],
): AxisRef[] {
  const parts = axes.flatMap(({ name, size }) => {
    const points = [...new Set([1, size, ...(cuts.get(name) ?? [])])].sort((a, b) => a - b);
    return points.slice(1).map((c, i) => ({ name, pre: points[i] as number, size: c / (points[i] as number) }));
  });
  const free = parts.filter((a) => a.size > 1 && !used.some((u) => overlaps(a, u)));
  return free.flatMap((a) => halves(a, extents)).slice(0, Math.max(0, MAX_ATOMS - 2 - count));
}

/** The largest part of an axis that some dim takes, and the rest. */
function halves(axis: AxisRef, extents: readonly number[]): AxisRef[] {
  const part = Math.max(...extents.map((n) => gcd(n, axis.size)), 1);
  if (part === 1 || part === axis.size) return part === 1 ? [] : [axis];
  return [
    { ...axis, size: part },
    { ...axis, pre: axis.pre * part, size: axis.size / part },
  ];
}

/**
 * Cuts where gcds ask for them: an axis against those that the other layout has on its dim, and against the room that
 * dims have; at the finest again, and where sizes are no powers of two all against all. 6 splits as 2·3, or as 3·2 with
 * `minorFirst`.
 */
function splitCuts(
  cuts: Cuts,
  extents: readonly number[],
  { from, to }: { readonly from: readonly (readonly AxisRef[])[]; readonly to: readonly (readonly AxisRef[])[] },
  { fineness, minorFirst }: Cutting,
): Cuts {
  let all = cuts;
  const atomsOf = (axes: readonly AxisRef[]): AxisRef[] => refine(axes, all);
  const atoms = (): AxisRef[] => distinct([...from, ...to].flatMap(atomsOf));
  const split = (a: AxisRef, size: number): void => {
    if (atoms().length < MAX_ATOMS) all = withCut(all, a.name, a.pre * (minorFirst ? a.size / size : size));
  };
  const apart = (a: AxisRef, b: AxisRef): void => {
    const part = gcd(a.size, b.size);
    if (part > 1 && part < a.size) split(a, part);
    if (part > 1 && part < b.size) split(b, part);
  };
  const coarse = { from: from.map(atomsOf), to: to.map(atomsOf) };
  for (const a of atoms()) for (const part of roomsFor(a, extents, from, to, fineness)) split(a, part);
  coarse.from.forEach((held, d) => {
    for (const a of held) for (const b of coarse.to[d] ?? []) apart(a, b);
  });
  if (fineness !== 'rooms') return all;
  from.forEach((held, d) => {
    for (const a of atomsOf(held)) for (const b of atomsOf(to[d] ?? [])) apart(a, b);
  });
  const found = atoms();
  if (found.some((a) => !isPowerOfTwo(a.size))) for (const a of found) for (const b of found) apart(a, b);
  return all;
}

/**
 * How much of an axis a dim takes, ascending: beside what either layout has there, of dims that either uses; or of any dim.
 */
function roomsFor(
  axis: AxisRef,
  extents: readonly number[],
  from: readonly (readonly AxisRef[])[],
  to: readonly (readonly AxisRef[])[],
  fineness: Cutting['fineness'],
): number[] {
  const rooms = extents.flatMap((n, d) => {
    const [held, goal] = [axesSize(from[d] ?? []), axesSize(to[d] ?? [])];
    if (fineness === 'pairs') return [];
    if (fineness === 'used') return held * goal === 1 ? [] : [n / held, n / goal];
    return [n, n / held, n / goal];
  });
  const parts = rooms.filter(Number.isInteger).map((n) => gcd(n, axis.size));
  return [...new Set(parts)].filter((n) => n > 1 && n < axis.size).sort((a, b) => a - b);
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0;

const sameCuts = (a: Cuts, b: Cuts): boolean =>
  a === b || [...a].every(([name, points]) => points.join() === b.get(name)?.join());

function withCut(cuts: Cuts, name: string, at: number): Cuts {
  const points = [...new Set([...(cuts.get(name) ?? []), at])].sort((a, b) => a - b);
  const nested = points.every((p, i) => i === 0 || p % (points[i - 1] as number) === 0);
  return nested ? new Map([...cuts, [name, points]]) : cuts;
}
