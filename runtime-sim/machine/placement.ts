/**
 * Mesh axes laid on the physical dims of a torus. An axis becomes digits, major first, each a run of positions along one
 * dim; between pods there is one more dim, the data-centre network.
 *
 *   mesh {x=8, y=16} on v5e chips → torus 8 × 16: x is 8 positions of dim 0, y is dim 1, whole, and so a ring
 *   mesh {x=32, y=4} on 4 × 4 × 8 → x: 4 of dim 0, then 8 of dim 2; y: dim 1
 */
import { userError } from '../../ir/diagnostics.ts';
import { type AxisRef, deviceCount, type Mesh, type MeshAxis } from '../../ir/mesh.ts';
import type { Torus } from './machine.ts';

/** `size` positions, `stride` apart, along a dim. */
export interface Digit {
  readonly dim: number;
  readonly size: number;
  readonly stride: number;
}

export interface Placement {
  /** Extents of one pod's part, then the number of pods. */
  readonly shape: readonly number[];
  /** Which dims are rings; of the last, between pods, never asked. */
  readonly wraps: readonly boolean[];
  /** Axis → its digits, major first. */
  readonly digits: ReadonlyMap<string, readonly Digit[]>;
}

/** What a user may fix: extents, and the dims that an axis may use. */
export interface PlacementWish {
  readonly shape?: readonly number[];
  readonly axes?: Readonly<Record<string, readonly number[]>>;
}

const MAX_PLACEMENTS = 4000;

/** The dim between pods. */
export const dcnDim = (placement: Placement): number => placement.shape.length - 1;

/** The placement of least `cost`; ties go to the first, which keeps axes on as few dims as it can. */
export function placeMesh(
  mesh: Mesh,
  net: Torus,
  cost: (placement: Placement) => number,
  wish: PlacementWish = {},
): Placement {
  let best: Placement | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const placement of placements(mesh, net, wish)) {
    const price = cost(placement);
    if (price >= least * (1 - 1e-9)) continue;
    [best, least] = [placement, price];
  }
  if (best !== undefined) return best;
  throw userError('SH0804', `the mesh {${axesText(mesh)}} does not fit the machine's torus`, {
    expected: `${deviceCount(mesh)} devices as whole extents of at most ${net.pod.join('×')}, pods of equal size`,
    help: 'choose another --topology or --place, or let the search choose',
  });
}

/** All ways that differ in cost, fewest splits first, up to a bound. */
function placements(mesh: Mesh, net: Torus, wish: PlacementWish): Placement[] {
  const found: Placement[] = [];
  for (const shape of shapesFor(deviceCount(mesh), net, wish.shape)) {
    for (const order of [mesh.axes, mesh.axes.toReversed()]) {
      for (const factors of assignments(order, shape, wish.axes ?? {})) {
        found.push(placed(order, shape, factors, net));
        if (found.length >= MAX_PLACEMENTS) return sortBySplits(found);
      }
    }
  }
  return sortBySplits(found);
}

const sortBySplits = (list: Placement[]): Placement[] => list.sort((a, b) => splitsOf(a) - splitsOf(b));
const splitsOf = (p: Placement): number => [...p.digits.values()].reduce((n, d) => n + d.length, 0);

/** [...extents within the pod, pods]: as few pods as will do. */
function shapesFor(devices: number, { pod }: Torus, wished: readonly number[] | undefined): number[][] {
  if (wished !== undefined) {
    const inPod = wished.reduce((a, b) => a * b, 1);
    const shape = pod.map((_, d) => wished[d] ?? 1);
    const fits = wished.length <= pod.length && shape.every((n, d) => n <= (pod[d] as number));
    return fits && devices % inPod === 0 ? [[...shape, devices / inPod]] : [];
  }
  for (let pods = 1; pods <= devices; pods++) {
    if (devices % pods !== 0) continue;
    const shapes = extentsOf(devices / pods, pod);
    if (shapes.length > 0) return shapes.map((s) => [...s, pods]);
  }
  return [];
}

/** Factorisations into extents that the pod has; dims of equal pod extents in falling order. */
function extentsOf(count: number, pod: readonly number[]): number[][] {
  let partial: { shape: number[]; rest: number }[] = [{ shape: [], rest: count }];
  pod.forEach((limit, d) => {
    partial = partial.flatMap(({ shape, rest }) =>
      divisors(rest)
        .filter((n) => n <= limit && (d === 0 || pod[d - 1] !== limit || n <= (shape[d - 1] as number)))
        .map((n) => ({ shape: [...shape, n], rest: rest / n })),
    );
  });
  return partial.filter((p) => p.rest === 1).map((p) => p.shape);
}

/** Per axis its factor on each dim, so that every dim is filled. */
function* assignments(
  axes: readonly MeshAxis[],
  shape: readonly number[],
  allowed: Readonly<Record<string, readonly number[]>>,
): Generator<readonly (readonly number[])[]> {
  const stack: { chosen: readonly (readonly number[])[]; room: readonly number[] }[] = [{ chosen: [], room: shape }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { chosen, room } = top;
    const axis = axes[chosen.length];
    if (axis === undefined) {
      if (room.every((n) => n === 1)) yield chosen;
      continue;
    }
    const dims = Object.hasOwn(allowed, axis.name) ? allowed[axis.name] : undefined;
    for (const factors of splitOver(axis.size, room, dims))
      stack.push({
        chosen: [...chosen, factors],
        room: room.map((n, d) => n / (factors[d] as number)),
      });
  }
}

/** Ways to write `size` as a product of one divisor of each dim's room. */
function splitOver(size: number, room: readonly number[], dims: readonly number[] | undefined): number[][] {
  let partial: { factors: number[]; rest: number }[] = [{ factors: [], rest: size }];
  room.forEach((free, d) => {
    const may = dims === undefined || dims.includes(d) || d === room.length - 1;
    partial = partial.flatMap(({ factors, rest }) =>
      (may ? divisors(free) : [1])
        .filter((n) => rest % n === 0)
        .map((n) => ({ factors: [...factors, n], rest: rest / n })),
    );
  });
  return partial.filter((p) => p.rest === 1).map((p) => p.factors);
}

/** The first axis of the order is the major one on a dim that several share. */
function placed(
  order: readonly MeshAxis[],
  shape: readonly number[],
  factors: readonly (readonly number[])[],
  net: Torus,
): Placement {
  const stride = shape.map(() => 1);
  const digits = new Map<string, readonly Digit[]>();
  order.toReversed().forEach((axis, i) => {
    const own = factors[order.length - 1 - i] as readonly number[];
    digits.set(
      axis.name,
      own.flatMap((size, dim) => (size === 1 ? [] : [{ dim, size, stride: stride[dim] as number }])).toReversed(),
    );
    own.forEach((size, dim) => {
      stride[dim] = (stride[dim] as number) * size;
    });
  });
  return { shape, wraps: shape.map((n, d) => isRing(n, d, net)), digits };
}

const isRing = (extent: number, dim: number, { wrap, pod }: Torus): boolean =>
  extent > 2 && (wrap.rule === 'full' ? extent === pod[dim] : extent % wrap.of === 0);

/** The digits of a (sub-)axis: those of its axis between `pre` and `pre · size`, cut where they must be. */
export function digitsOf(placement: Placement, ref: AxisRef): Digit[] {
  let pre = 1;
  return (placement.digits.get(ref.name) ?? []).flatMap((digit): Digit[] => {
    const [from, to] = [Math.max(pre, ref.pre), Math.min(pre * digit.size, ref.pre * ref.size)];
    const inner = (pre * digit.size) / to;
    pre *= digit.size;
    return to <= from ? [] : [{ dim: digit.dim, size: to / from, stride: digit.stride * inner }];
  });
}

/** Physical coordinates of the device at these mesh coordinates. */
export function physicalCoordinates(placement: Placement, mesh: Mesh, coords: readonly number[]): number[] {
  const at = placement.shape.map(() => 0);
  mesh.axes.forEach((axis, i) => {
    let rest = coords[i] as number;
    for (const { dim, size, stride } of (placement.digits.get(axis.name) ?? []).toReversed()) {
      at[dim] = (at[dim] as number) + (rest % size) * stride;
      rest = Math.floor(rest / size);
    }
  });
  return at;
}

export function placementText(mesh: Mesh, placement: Placement): string {
  const pods = placement.shape.at(-1) ?? 1;
  const dims = placement.shape
    .slice(0, -1)
    .flatMap((n, d) => (n === 1 ? [] : [`${n}${placement.wraps[d] === true ? ' ring' : ''}`]));
  const axes = mesh.axes.map((a) => {
    const parts = (placement.digits.get(a.name) ?? []).map((d) =>
      d.dim === dcnDim(placement) ? `${d.size} pods` : `${d.size} of dim ${d.dim}`,
    );
    return `${a.name} on ${parts.join(' × ') || 'one device'}`;
  });
  return `torus ${dims.join(' × ') || '1'}${pods > 1 ? ` × ${pods} pods` : ''}: ${axes.join(', ')}`;
}

const axesText = (mesh: Mesh): string => mesh.axes.map((a) => `${a.name}=${a.size}`).join(', ');

function divisors(n: number): number[] {
  const low: number[] = [];
  for (let d = 1; d * d <= n; d++) if (n % d === 0) low.push(d);
  const high = low.map((d) => n / d).toReversed();
  return [...low, ...(low.at(-1) === high[0] ? high.slice(1) : high)];
}
