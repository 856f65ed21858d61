/**
 * How to get from one layout to another: A* over layouts, by wire bytes per device or seconds.
 *
 *   [x, _] → [_, x]      all_to_all x: 0→1              n(g-1)/g
 *   [_, _]+x → [x, _]    reduce_scatter x → dim 0       n(g-1)/g
 *   [x, y] → [y, x]      collective_permute             n
 *
 * The moves are in reshard-moves.ts; every intermediate divides evenly. What a device still lacks of its final block is a
 * bound that never says too much, so the first plan that ends is the cheapest. No intermediate holds more than twice the
 * larger end, unless every plan does or gathering would be cheaper. There is no "gather everything" fallback: gathering
 * is merely the dearest path, and the upper bound.
 */
import { brokenAxes, cutsOf } from '../../ir/axes.ts';
import { type Layout, layoutOf, type Monoid, samePlacement } from '../../ir/layout.ts';
import type { AxisRef, Mesh } from '../../ir/mesh.ts';
import { type Prices, wirePrices } from './prices.ts';
import { type Edge, movesFrom } from './reshard-moves.ts';
import { MAX_ATOMS, Problem, type State, stateKey } from './reshard-problem.ts';
import { stepsOf } from './reshard-steps.ts';

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

/** One move on the way, with what it took to get there. */
export interface Node {
  readonly state: State;
  readonly price: number;
  readonly bytes: number;
  /** Bytes of the tensor on one device. */
  readonly held: number;
  readonly previous: Node | undefined;
  readonly edge: Edge | undefined;
}

/** An intermediate may hold this many times the larger end. */
const SLACK = 2;
/** Of more atoms than these only the coarsest cutting is tried. */
const FINEST = 6;
/** Moves looked at before the search gives way to the cheapest plan so far. */
const MAX_MOVES = 10_000;
/** Of more atoms than these a plan is looked for greedily first: what is no cheaper need not be searched. */
const FEW_ATOMS = 4;
/** Moves of the greedy search, which goes by how many axes are not in their place. */
const GREEDY_MOVES = 2_000;

/**
 * Plans `from` → `to` for a tensor of this global shape and element size (bytes). Both divide evenly. `manual`: axes
 * along which values may differ whatever their layout says. Null: no way, as the meshes have other axes, or the target owes
 * what the value does not.
 */
export function planReshard(
  meshes: readonly [Mesh, Mesh],
  shape: readonly number[],
  elementBytes: number,
  from: Layout,
  to: Layout,
  prices: Prices = wirePrices,
  manual: ReadonlySet<string> = new Set(),
): Plan | null {
  // A sum is not a maximum: what is owed is paid as what it is.
  if (to.unreduced.length > 0 && (from.monoid ?? 'sum') !== (to.monoid ?? 'sum')) return null;
  let best: Plan | null | undefined;
  for (const problem of Problem.all(meshes, shape, elementBytes, from, to, manual)) {
    if (!problem.to.owed.every((a) => problem.from.owed.includes(a))) return null;
    // Each has to beat the one before.
    const known = best ?? undefined;
    if (known !== undefined && problem.sizes.length > FINEST) continue;
    const found = solve(problem, prices, known?.price);
    if (found?.bytes === 0) return found;
    best = found ?? known ?? null;
  }
  return best === undefined ? planAround(meshes, shape, elementBytes, from, to, prices, manual) : best;
}

/**
 * Where an axis is cut at places that do not nest, it is given up first: x=6 as x:(2)3 → x:(1)3 has no common parts.
 *
 *   [x:(2)3, _]  →  [_, _]  →  [_, x:(1)3]
 */
function planAround(
  meshes: readonly [Mesh, Mesh],
  shape: readonly number[],
  elementBytes: number,
  from: Layout,
  to: Layout,
  prices: Prices,
  manual: ReadonlySet<string>,
): Plan | null {
  const listsOf = [from, to].map((l) => [...l.dims.map((d) => d.axes), l.unreduced]);
  if (listsOf.some((own) => brokenAxes(cutsOf(own)).length > 0)) return null;
  const lists = listsOf.flat();
  const broken = new Set(brokenAxes(cutsOf(lists)));
  const isWhole = (a: AxisRef): boolean => !broken.has(a.name);
  const until = (axes: readonly AxisRef[]): readonly AxisRef[] => {
    const first = axes.findIndex((a) => !isWhole(a));
    return first === -1 ? axes : axes.slice(0, first);
  };
  const middle = layoutOf(
    from.mesh,
    from.dims.map((d) => until(d.axes)),
    from.unreduced.filter(isWhole),
    from.monoid,
  );
  if (broken.size === 0 || samePlacement(from, middle)) return null;
  const there = planReshard([meshes[0], meshes[0]], shape, elementBytes, from, middle, prices, manual);
  const onward = planReshard(meshes, shape, elementBytes, middle, to, prices, manual);
  if (there === null || onward === null) return null;
  return {
    steps: [...there.steps, ...onward.steps],
    bytes: there.bytes + onward.bytes,
    price: there.price + onward.price,
  };
}

/** `below`: only a plan that costs less than this is of use. */
function solve(problem: Problem, prices: Prices, below = Number.POSITIVE_INFINITY): Plan | null {
  const search = new Search(problem, prices);
  const limit = SLACK * Math.max(problem.held(problem.from), problem.held(problem.to));
  const greedy =
    problem.sizes.length > FEW_ATOMS ? search.run({ limit, below, moves: GREEDY_MOVES, greedy: true }) : null;
  const exact = problem.sizes.length <= MAX_ATOMS;
  let best = exact ? (search.run({ limit, below: greedy?.price ?? below }) ?? greedy) : greedy;
  if (best === null || search.cutShort) {
    const gathered = search.gatherThenSlice();
    const dearer = (): boolean => gathered !== null && gathered.price < (best?.price ?? below);
    if (best === null || dearer())
      best = search.run({ limit: Number.POSITIVE_INFINITY, below: best?.price ?? below }) ?? best;
    if (dearer()) best = gathered;
  }
  return best === null ? null : { bytes: best.bytes, price: best.price, steps: stepsOf(problem, best) };
}

interface Terms {
  /** Bytes that an intermediate may hold. */
  readonly limit: number;
  /** What costs no less is of no use. */
  readonly below: number;
  /** Finds a plan fast rather than the best. */
  readonly greedy?: boolean;
  readonly moves?: number;
}

class Search {
  private readonly problem: Problem;
  private readonly prices: Prices;
  private readonly root: Node;
  private readonly goal: string;
  /** Some run left out what may have been cheaper. */
  cutShort = false;

  constructor(problem: Problem, prices: Prices) {
    this.problem = problem;
    this.prices = prices;
    this.root = {
      state: problem.from,
      price: 0,
      bytes: 0,
      held: problem.held(problem.from),
      previous: undefined,
      edge: undefined,
    };
    this.goal = stateKey(problem.to);
  }

  /** A*: the first plan that ends is the cheapest, unless it is greedy. Null where there is none on these terms. */
  run({ limit, below, greedy = false, moves = MAX_MOVES }: Terms): Node | null {
    this.cutShort ||= greedy;
    const best = new Map<string, number>([[stateKey(this.root.state), 0]]);
    const open = new Heap();
    open.push(this.root, 0);
    for (let looked = 0; ; ) {
      const node = open.pop();
      if (node === undefined) return null;
      const key = stateKey(node.state);
      if (key === this.goal) return node;
      if (node.price > (best.get(key) as number)) continue;
      for (const edge of movesFrom(this.problem, node.state, node.held, node.edge)) {
        if (++looked > moves) break;
        const next = this.step(node, edge);
        const bound = this.bound(edge.state);
        if (next.price + bound >= below) continue;
        if (edge.bytes > 0 && next.held > limit) {
          this.cutShort = true;
          continue;
        }
        const nextKey = stateKey(edge.state);
        const known = best.get(nextKey);
        if (known !== undefined && known <= next.price) continue;
        best.set(nextKey, next.price);
        open.push(next, next.price + (greedy ? this.remaining(edge.state) : bound));
      }
      if (looked > moves) {
        this.cutShort = true;
        return null;
      }
    }
  }

  /** What XLA falls back to: pay what is owed, gather all that is not in place, change the order, slice. */
  gatherThenSlice(): Node | null {
    const { problem } = this;
    const { to } = problem;
    let node = this.root;
    const take = (kind: Edge['kind'], fits: (s: State) => boolean): boolean => {
      for (const edge of movesFrom(problem, node.state, node.held)) {
        if (edge.kind !== kind || !fits(edge.state)) continue;
        node = this.step(node, edge);
        return true;
      }
      return false;
    };
    const any = (): boolean => true;
    const owes = (s: State): boolean => s.owed.length > to.owed.length;
    const inPlace = (s: State): boolean => s.dims.every((held, d) => held.every((a, i) => a === to.dims[d]?.[i]));
    while (owes(node.state)) if (!take('all_reduce', (s) => !owes(s)) && !take('all_slice', any)) return null;
    while (!inPlace(node.state))
      if (!take('all_gather', inPlace) && !take('all_gather', any) && !take('all_slice', any)) return null;
    if (!node.state.arrived && !take('collective_permute', (s) => inPlace(s))) return null;
    while (stateKey(node.state) !== this.goal) if (!take('all_slice', inPlace)) return null;
    return node;
  }

  private step(previous: Node, edge: Edge): Node {
    const { prices, problem } = this;
    const axes = edge.kind === 'collective_permute' ? problem.allAxes : problem.axes(edge.axes.flat());
    const price = edge.bytes === 0 ? prices.memory(1) : prices.collective(edge.kind, edge.bytes, previous.held, axes);
    return {
      state: edge.state,
      price: previous.price + price,
      bytes: previous.bytes + edge.bytes,
      held: problem.held(edge.state),
      previous,
      edge,
    };
  }

  /** What may still be paid, by how many axes are not in their place: no bound. */
  private remaining({ dims, owed }: State): number {
    const { problem, prices } = this;
    let away = owed.length - problem.to.owed.length;
    dims.forEach((held, d) => {
      const goal = problem.to.dims[d] as readonly number[];
      let n = 0;
      while (n < held.length && n < goal.length && held[n] === goal[n]) n++;
      away += Math.max(held.length, goal.length) - n;
    });
    return away * (prices.atLeast?.(problem.held(problem.to)) ?? 0);
  }

  /**
   * The least that can still move: where a device's final block may lie wholly outside what it holds, all of it; where
   * blocks nest, what is missing of it; all of it while a reduction is owed, as others hold parts of every element.
   */
  private bound({ dims, owed, arrived }: State): number {
    const { problem, prices } = this;
    if (prices.atLeast === undefined || !arrived) return 0;
    const wanted = problem.held(problem.to);
    if (owed.length > problem.to.owed.length) return prices.atLeast(wanted);
    let present = 1;
    for (let d = 0; d < dims.length; d++) {
      const [held, goal] = [dims[d] as readonly number[], problem.to.dims[d] as readonly number[]];
      let n = 0;
      while (n < held.length && n < goal.length && held[n] === goal[n]) n++;
      if (n < held.length && n < goal.length) return prices.atLeast(wanted);
      let lacking = 1;
      for (; n < held.length; n++) lacking *= problem.sizes[held[n] as number] as number;
      present /= lacking;
    }
    return prices.atLeast(wanted * (1 - present));
  }
}

/** A binary heap of nodes by estimate; of equals, the one put in last, which is further on its way. */
class Heap {
  private readonly items: { readonly node: Node; readonly estimate: number; readonly order: number }[] = [];
  private count = 0;

  push(node: Node, estimate: number): void {
    const { items } = this;
    items.push({ node, estimate, order: this.count++ });
    for (let i = items.length - 1; i > 0; ) {
      const up = (i - 1) >> 1;
      if (!this.less(i, up)) return;
      this.swap(i, up);
      i = up;
    }
  }

  pop(): Node | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top?.node;
    items[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < items.length && this.less(left, least)) least = left;
      if (right < items.length && this.less(right, least)) least = right;
      if (least === i) return top.node;
      this.swap(i, least);
      i = least;
    }
  }

  private less(i: number, j: number): boolean {
    const [a, b] = [this.items[i], this.items[j]];
    if (a === undefined || b === undefined) return false;
    return a.estimate < b.estimate || (a.estimate === b.estimate && a.order > b.order);
  }

  private swap(i: number, j: number): void {
    const { items } = this;
    const a = items[i];
    items[i] = items[j] as (typeof items)[number];
    items[j] = a as (typeof items)[number];
  }
}
