/**
 * How to get from one layout to another: uniform-cost search over layouts, by wire bytes per device or seconds.
 *
 *   [x, _] → [_, x]      all_to_all x: 0→1              n(g-1)/g
 *   [_, _]+x → [x, _]    reduce_scatter x → dim 0       n(g-1)/g
 *   [x, y] → [y, x]      collective_permute or two all_to_alls, whichever is less
 *
 * Moves: all_gather (a dim's minor suffix), slice, all_to_all (a suffix to another dim's end), collective_permute (to
 * the target's arrangement, or one swap), reduce_scatter, all_reduce. Optimal within this move set; every intermediate
 * divides evenly. There is no "gather everything" fallback: gathering is merely the dearest path.
 */
import { closedDim, type Layout, type Monoid } from '../../ir/layout.ts';
import { type AxisRef, axesSize, type Mesh, sameAxis } from '../../ir/mesh.ts';
import { axesKey, cutsNest, cutsOf, mergeNeighbours, refine, without } from '../../ir/axes.ts';
import { type Prices, wirePrices } from './prices.ts';

export type Step =
  | { readonly kind: 'all_gather' | 'all_slice'; readonly axes: readonly (readonly AxisRef[])[]; readonly to: Layout }
  | {
      readonly kind: 'reduce_scatter';
      readonly axes: readonly (readonly AxisRef[])[];
      readonly monoid: Monoid;
      readonly to: Layout;
    }
  | { readonly kind: 'all_reduce'; readonly axes: readonly AxisRef[]; readonly monoid: Monoid; readonly to: Layout }
  | { readonly kind: 'all_to_all'; readonly moves: readonly Move[]; readonly to: Layout }
  | { readonly kind: 'collective_permute'; readonly from: Layout; readonly to: Layout };

export interface Move {
  readonly axes: readonly AxisRef[];
  readonly source: number;
  readonly target: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Wire bytes per device: ring all_gather n_out(g-1)/g, all_reduce 2n(g-1)/g, all_to_all n(g-1)/g, permute n. */
  readonly bytes: number;
  /** The same in the objective's unit. */
  readonly price: number;
}

interface State {
  readonly dims: readonly (readonly AxisRef[])[];
  readonly owed: readonly AxisRef[];
}

interface Node {
  readonly state: State;
  readonly price: number;
  readonly bytes: number;
  readonly previous: Node | undefined;
  readonly step: Step | undefined;
}

interface Edge {
  readonly state: State;
  readonly step: Step;
  /** Wire bytes per device. */
  readonly bytes: number;
  /** Over groups along these. */
  readonly axes: readonly AxisRef[];
}

/** Plans `from` → `to` for a tensor of this global shape and element size (bytes). Null: no path in the move set. */
export function planReshard(
  mesh: Mesh,
  shape: readonly number[],
  elementBytes: number,
  from: Layout,
  to: Layout,
  prices: Prices = wirePrices,
): Plan | null {
  const lists = [...from.dims.map((d) => d.axes), ...to.dims.map((d) => d.axes), from.unreduced, to.unreduced];
  const cuts = cutsOf(lists);
  if (!cutsNest(cuts)) return null;
  const start: State = { dims: from.dims.map((d) => refine(d.axes, cuts)), owed: refine(from.unreduced, cuts) };
  const goal: State = { dims: to.dims.map((d) => refine(d.axes, cuts)), owed: refine(to.unreduced, cuts) };
  const total = shape.reduce((n, d) => n * d, elementBytes);
  const search = new Search(mesh, shape, total, goal, from.monoid ?? 'sum', refine(lists.flat(), cuts), prices);
  const end = search.run(start);
  return end === null ? null : { bytes: end.bytes, price: end.price, steps: joinGathers(stepsOf(end)) };
}

class Search {
  private readonly mesh: Mesh;
  private readonly shape: readonly number[];
  private readonly total: number;
  private readonly goal: State;
  private readonly monoid: Monoid;
  private readonly atoms: readonly AxisRef[];
  private readonly prices: Prices;

  constructor(
    mesh: Mesh,
    shape: readonly number[],
    total: number,
    goal: State,
    monoid: Monoid,
    atoms: readonly AxisRef[],
    prices: Prices,
  ) {
    this.mesh = mesh;
    this.shape = shape;
    this.total = total;
    this.goal = goal;
    this.monoid = monoid;
    this.prices = prices;
    this.atoms = atoms.filter((a, i) => atoms.findIndex((b) => sameAxis(a, b)) === i);
  }

  run(start: State): Node | null {
    const goalKey = stateKey(this.goal);
    const open = new Map<string, Node>([
      [stateKey(start), { state: start, price: 0, bytes: 0, previous: undefined, step: undefined }],
    ]);
    const done = new Set<string>();
    while (open.size > 0) {
      const [key, node] = cheapest(open);
      if (key === goalKey) return node;
      open.delete(key);
      done.add(key);
      if (done.size > 20_000) return null;
      const held = this.total / node.state.dims.reduce((p, axes) => p * axesSize(axes), 1);
      for (const { state, step, bytes, axes } of this.moves(node.state, held)) {
        const nextKey = stateKey(state);
        if (done.has(nextKey)) continue;
        const price =
          node.price +
          (step.kind === 'all_slice' ? this.prices.memory(1) : this.prices.collective(step.kind, bytes, held, axes));
        const known = open.get(nextKey);
        if (known === undefined || price < known.price)
          open.set(nextKey, { state, price, bytes: node.bytes + bytes, previous: node, step });
      }
    }
    return null;
  }

  /** `n`: bytes of the tensor on one device. */
  private moves(state: State, n: number): Edge[] {
    return [
      ...this.reductions(state, n),
      ...this.slices(state),
      ...this.gathers(state, n),
      ...this.exchanges(state, n),
      ...this.permutes(state, n),
    ];
  }

  private reductions(state: State, n: number): Edge[] {
    const due = without(state.owed, this.goal.owed);
    const found: Edge[] = [];
    for (const axes of subsets(due)) {
      const owed = without(state.owed, axes);
      const g = axesSize(axes);
      const next = { dims: state.dims, owed };
      found.push({
        state: next,
        axes,
        bytes: (2 * n * (g - 1)) / g,
        step: { kind: 'all_reduce', axes: mergeNeighbours(axes), monoid: this.monoid, to: this.layout(next) },
      });
      state.dims.forEach((held, d) => {
        if (axes.length > 2 || !this.divides(d, [...held, ...axes])) return;
        for (const order of axes.length === 2 ? [axes, [...axes].reverse()] : [axes]) {
          const scattered = { dims: replace(state.dims, d, [...held, ...order]), owed };
          const moved = state.dims.map((_, i) => (i === d ? mergeNeighbours(order) : []));
          found.push({
            state: scattered,
            axes,
            bytes: (n * (g - 1)) / g,
            step: { kind: 'reduce_scatter', axes: moved, monoid: this.monoid, to: this.layout(scattered) },
          });
        }
      });
    }
    return found;
  }

  /** Slicing is free; only axes that the target wants somewhere are worth it. */
  private slices(state: State): Edge[] {
    const used = [...state.dims.flat(), ...state.owed];
    const wanted = without(this.goal.dims.flat(), used);
    return wanted.flatMap((axis) =>
      state.dims.flatMap((held, d) => {
        if (!this.divides(d, [...held, axis])) return [];
        const next = { dims: replace(state.dims, d, [...held, axis]), owed: state.owed };
        return [
          {
            state: next,
            axes: [axis],
            bytes: 0,
            step: {
              kind: 'all_slice' as const,
              axes: state.dims.map((_, i) => (i === d ? [axis] : [])),
              to: this.layout(next),
            },
          },
        ];
      }),
    );
  }

  private gathers(state: State, n: number): Edge[] {
    return state.dims.flatMap((held, d) => {
      const last = held.at(-1);
      if (last === undefined) return [];
      const next = { dims: replace(state.dims, d, held.slice(0, -1)), owed: state.owed };
      return [
        {
          state: next,
          axes: [last],
          bytes: n * (last.size - 1),
          step: {
            kind: 'all_gather' as const,
            axes: state.dims.map((_, i) => (i === d ? [last] : [])),
            to: this.layout(next),
          },
        },
      ];
    });
  }

  private exchanges(state: State, n: number): Edge[] {
    const found: Edge[] = [];
    state.dims.forEach((held, source) => {
      for (let k = 1; k <= held.length; k++) {
        const axes = held.slice(held.length - k);
        const g = axesSize(axes);
        state.dims.forEach((other, target) => {
          if (target === source || !this.divides(target, [...other, ...axes])) return;
          const dims = replace(replace(state.dims, source, held.slice(0, held.length - k)), target, [
            ...other,
            ...axes,
          ]);
          const next = { dims, owed: state.owed };
          found.push({
            state: next,
            axes,
            bytes: (n * (g - 1)) / g,
            step: {
              kind: 'all_to_all',
              moves: [{ axes: mergeNeighbours(axes), source, target }],
              to: this.layout(next),
            },
          });
        });
      }
    });
    return found;
  }

  private permutes(state: State, n: number): Edge[] {
    const from = this.layout(state);
    const arrived: State[] = [];
    const sameSizes = state.dims.every((held, d) => axesSize(held) === axesSize(this.goal.dims[d] ?? []));
    const clash = this.goal.dims.flat().some((a) => state.owed.some((o) => sameAxis(a, o)));
    if (sameSizes && !clash) arrived.push({ dims: this.goal.dims, owed: state.owed });
    for (const a of state.dims.flat()) {
      for (const b of this.atoms) {
        if (a.size !== b.size || sameAxis(a, b) || state.owed.some((o) => sameAxis(o, b))) continue;
        const swap = (x: AxisRef): AxisRef => (sameAxis(x, a) ? b : sameAxis(x, b) ? a : x);
        arrived.push({ dims: state.dims.map((held) => held.map(swap)), owed: state.owed });
      }
    }
    state.dims.forEach((held, d) => {
      for (let i = 0; i + 1 < held.length; i++) {
        const order = [...held];
        [order[i], order[i + 1]] = [order[i + 1] as AxisRef, order[i] as AxisRef];
        arrived.push({ dims: replace(state.dims, d, order), owed: state.owed });
      }
    });
    return arrived.map((next) => ({
      state: next,
      axes: this.atoms,
      bytes: n,
      step: { kind: 'collective_permute', from, to: this.layout(next) },
    }));
  }

  private divides(dim: number, axes: readonly AxisRef[]): boolean {
    return (this.shape[dim] as number) % axesSize(axes) === 0;
  }

  private layout(state: State): Layout {
    return {
      mesh: this.mesh.name,
      replicated: [],
      unreduced: mergeNeighbours(state.owed),
      dims: state.dims.map((axes) => closedDim(mergeNeighbours(axes))),
      ...(state.owed.length > 0 && this.monoid !== 'sum' ? { monoid: this.monoid } : {}),
    };
  }
}

function stepsOf(end: Node): Step[] {
  const steps: Step[] = [];
  for (let node: Node | undefined = end; node !== undefined; node = node.previous)
    if (node.step !== undefined) steps.push(node.step);
  return steps.reverse();
}

/** Consecutive all_gathers (or slices) become one: the same bytes in one collective. A later gather is the major part. */
function joinGathers(steps: readonly Step[]): Step[] {
  const joined: Step[] = [];
  for (const step of steps) {
    const last = joined.at(-1);
    if (
      last !== undefined &&
      last.kind === step.kind &&
      (step.kind === 'all_gather' || step.kind === 'all_slice') &&
      (last.kind === 'all_gather' || last.kind === 'all_slice')
    ) {
      const axes = step.axes.map((later, d) => {
        const earlier = last.axes[d] ?? [];
        return mergeNeighbours(step.kind === 'all_gather' ? [...later, ...earlier] : [...earlier, ...later]);
      });
      joined[joined.length - 1] = { kind: step.kind, axes, to: step.to };
    } else joined.push(step);
  }
  return joined;
}

const replace = <T>(list: readonly T[], at: number, item: T): T[] => list.map((x, i) => (i === at ? item : x));
const stateKey = (s: State): string =>
  `${s.dims.map(axesKey).join('|')}#${s.owed
    .map((a) => axesKey([a]))
    .sort()
    .join('+')}`;

function cheapest(open: ReadonlyMap<string, Node>): [string, Node] {
  let best: [string, Node] | undefined;
  for (const entry of open) if (best === undefined || entry[1].price < best[1].price) best = entry;
  return best as [string, Node];
}

/** Non-empty subsets, in a fixed order; lists here hold a handful of atoms. */
function subsets<T>(items: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let mask = 1; mask < 1 << Math.min(items.length, 8); mask++) found.push(items.filter((_, i) => (mask >> i) & 1));
  return found;
}
