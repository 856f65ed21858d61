/**
 * The moves of the reshard search: what one collective can make of a layout, with its wire bytes per device (n bytes
 * held, groups of g devices).
 *
 *   all_slice       [[],[]]     → [[x],[]]            0
 *   all_gather      [[x,y],[]]  → [[x],[]]            n(g-1)        any minor ends, of several dims at once
 *   all_to_all      [[x],[]]    → [[],[x]]            n(g-1)/g      two minor ends at once cost less than one by one
 *   reduce_scatter  [[],[]]+x   → [[x],[]]            n(g-1)/g
 *   all_reduce      [[],[]]+x,y → [[],[]]             2n(g-1)/g
 *   collective_permute [[x,y],[z]] → [[z,x],[y]]      n             any arrangement of the same sizes; device order too
 */
import type { CollectiveKind } from '../../ir/program.ts';
import type { Problem, State } from './reshard-problem.ts';

export interface Edge {
  readonly kind: CollectiveKind;
  readonly state: State;
  /** Wire bytes per device. */
  readonly bytes: number;
  /** Over groups along these; per dim for gathers, slices and scatters. */
  readonly axes: readonly (readonly number[])[];
  readonly moves?: readonly AtomMove[];
}

/** A minor end of one dim that becomes the minor end of another. */
export interface AtomMove {
  readonly atoms: readonly number[];
  readonly source: number;
  readonly target: number;
}

/** A permute costs the same whatever it rearranges: so many arrangements are looked at per state. */
const MAX_ARRANGEMENTS = 32;

/** With more atoms than these, one of two moves at once has to end in its final place. */
const MOST_FREELY_PAIRED = 6;

/**
 * `n`: bytes on one device. `last`: the move that led here, as what could have been one with it is not tried again: a
 * permute after a permute, a gather after one of a later dim.
 */
export function movesFrom(p: Problem, state: State, n: number, last?: Edge): Edge[] {
  const placed = inPlace(p, state, n);
  if (placed !== undefined) return [placed];
  return [
    ...reductions(p, state, n),
    ...slices(p, state, last),
    ...gathers(p, state, n, last),
    ...exchanges(p, state, n),
    ...(last?.kind === 'collective_permute' ? [] : permutes(p, state, n)),
  ];
}

const without = (list: readonly number[], gone: readonly number[]): number[] => list.filter((a) => !gone.includes(a));
const withDim = (dims: State['dims'], d: number, atoms: readonly number[]): (readonly number[])[] => {
  const copy = [...dims];
  copy[d] = atoms;
  return copy;
};
const onDim = (p: Problem, d: number, atoms: readonly number[]): (readonly number[])[] =>
  p.extents.map((_, i) => (i === d ? atoms : []));
const commonLength = (a: readonly number[], b: readonly number[]): number => {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
};

/**
 * An axis that is next in its final place goes there at once: a free one by a slice, which costs nothing and makes all
 * later moves smaller; one that is owed by a reduce_scatter, if no slice can make that smaller.
 */
function inPlace(p: Problem, state: State, n: number): Edge | undefined {
  if (!state.arrived) return undefined;
  let scatter: Edge | undefined;
  for (let d = 0; d < state.dims.length; d++) {
    const [held, goal] = [state.dims[d] as readonly number[], p.to.dims[d] as readonly number[]];
    const next = goal[held.length];
    if (next === undefined || commonLength(held, goal) < held.length) continue;
    if (isFree(state, next)) return sliceEdge(p, state, d, next);
    if (state.owed.includes(next) && ![...p.wanted, ...p.idle].some((a) => isFree(state, a)))
      scatter ??= scatterEdge(p, state, n, d, next);
  }
  return scatter;
}

const isFree = (state: State, atom: number): boolean =>
  !state.owed.includes(atom) && !state.dims.some((dim) => dim.includes(atom));

const sliceEdge = (p: Problem, state: State, d: number, atom: number): Edge => ({
  kind: 'all_slice',
  bytes: 0,
  axes: onDim(p, d, [atom]),
  state: { ...state, dims: withDim(state.dims, d, [...(state.dims[d] as readonly number[]), atom]) },
});

/**
 * Slicing is free; axes that the target has are worth it, and while a reduction is owed idle ones: others share its work.
 * One after another in the order of dims; of free parts of one size that are neighbours on an axis the major one first.
 */
function slices(p: Problem, state: State, last: Edge | undefined): Edge[] {
  const found: Edge[] = [];
  const due = state.owed.length > p.to.owed.length;
  const first = last?.kind === 'all_slice' ? last.axes.findIndex((a) => a.length > 0) : 0;
  for (const atom of due ? [...p.wanted, ...p.idle] : p.wanted) {
    if (!isFree(state, atom)) continue;
    const before = p.major[atom];
    if (before !== undefined && isFree(state, before) && (due || p.wanted.includes(before))) continue;
    for (let d = first; d < state.dims.length; d++)
      if (p.takes(state, d, [atom])) found.push(sliceEdge(p, state, d, atom));
  }
  return found;
}

const scatterEdge = (p: Problem, state: State, n: number, d: number, atom: number): Edge => {
  const g = p.sizes[atom] as number;
  return {
    kind: 'reduce_scatter',
    bytes: (n * (g - 1)) / g,
    axes: onDim(p, d, [atom]),
    state: {
      ...state,
      dims: withDim(state.dims, d, [...(state.dims[d] as readonly number[]), atom]),
      owed: without(state.owed, [atom]),
    },
  };
};

/** Axes one by one into dims (jointly they cost the same); without a dim all at once, or those the target has no place for. */
function reductions(p: Problem, state: State, n: number): Edge[] {
  const found: Edge[] = [];
  const due = without(state.owed, p.to.owed);
  for (const atom of due) {
    for (let d = 0; d < state.dims.length; d++)
      if (p.takes(state, d, [atom])) found.push(scatterEdge(p, state, n, d, atom));
  }
  const homeless = without(due, p.wanted);
  for (const atoms of due.length === homeless.length ? [due] : [due, homeless]) {
    if (atoms.length === 0) continue;
    const g = p.size(atoms);
    found.push({
      kind: 'all_reduce',
      bytes: (2 * n * (g - 1)) / g,
      axes: [atoms],
      state: { ...state, owed: without(state.owed, atoms) },
    });
  }
  return found;
}

/** Minor ends of one dim; of all dims at once, what is not in its place, and what the target does not have at all. */
function gathers(p: Problem, state: State, n: number, last: Edge | undefined): Edge[] {
  const found: Edge[] = [];
  const { dims } = state;
  const gather = (from: readonly number[]): Edge => {
    const axes = dims.map((held, d) => held.slice(from[d]));
    return {
      kind: 'all_gather',
      axes,
      bytes: n * (axes.reduce((g, a) => g * p.size(a), 1) - 1),
      state: { ...state, dims: dims.map((held, d) => held.slice(0, from[d])) },
    };
  };
  const whole = dims.map((held) => held.length);
  const first = last?.kind === 'all_gather' ? last.axes.findLastIndex((a) => a.length > 0) + 1 : 0;
  for (let d = first; d < dims.length; d++)
    for (let k = (dims[d] as readonly number[]).length - 1; k >= 0; k--)
      found.push(gather(whole.map((length, i) => (i === d ? k : length))));
  const wanted = new Set(p.wanted);
  const joint = [
    dims.map((held, d) => commonLength(held, p.to.dims[d] as readonly number[])),
    dims
      .map((held) => held.length - [...held].reverse().findIndex((a) => wanted.has(a)))
      .map((k, d) => (k > (dims[d] as readonly number[]).length ? 0 : k)),
  ];
  for (const from of joint) if (from.filter((k, d) => k < (whole[d] as number)).length > 1) found.push(gather(from));
  return found;
}

/** A minor end to another dim's end, two of them at once, and all that then stand in their final place at once. */
function exchanges(p: Problem, state: State, n: number): Edge[] {
  const single: AtomMove[] = [];
  for (let source = 0; source < state.dims.length; source++) {
    const held = state.dims[source] as readonly number[];
    for (let k = 1; k <= held.length; k++) {
      const atoms = held.slice(held.length - k);
      for (let target = 0; target < state.dims.length; target++)
        if (target !== source && p.takes(state, target, atoms)) single.push({ atoms, source, target });
    }
  }
  const found: Edge[] = [];
  const add = (...moves: readonly AtomMove[]): void => {
    const edge = exchange(p, state, n, moves);
    if (edge !== undefined) found.push(edge);
  };
  const landing = new Set(single.filter((m) => lands(p, state, m)));
  const few = p.sizes.length <= MOST_FREELY_PAIRED;
  for (const move of single) add(move);
  for (let i = 0; i < single.length; i++) {
    for (let j = i + 1; j < single.length; j++) {
      const [a, b] = [single[i] as AtomMove, single[j] as AtomMove];
      if (!few && !landing.has(a) && !landing.has(b)) continue;
      if (a.source === b.source || a.source === b.target || b.source === a.target) continue;
      add(a, b);
      if (a.target === b.target) add(b, a);
    }
  }
  found.push(...chains(p, state, n, single));
  const final = [...landing];
  if (final.length > 2) add(...final.filter((m, i) => final.findIndex((o) => o.source === m.source) === i));
  return found;
}

/** Two parts of one dim's minor end, to two targets or turned round to one: the minor part goes first. */
function chains(p: Problem, state: State, n: number, single: readonly AtomMove[]): Edge[] {
  const found: Edge[] = [];
  for (const minor of single) {
    const held = state.dims[minor.source] as readonly number[];
    const rest = held.slice(0, held.length - minor.atoms.length);
    for (let k = 1; k <= rest.length; k++) {
      for (let target = 0; target < state.dims.length; target++) {
        if (target === minor.source) continue;
        const major = { atoms: rest.slice(rest.length - k), source: minor.source, target };
        const edge = p.takes(state, target, major.atoms) ? exchange(p, state, n, [minor, major]) : undefined;
        if (edge !== undefined) found.push(edge);
      }
    }
  }
  return found;
}

const lands = (p: Problem, state: State, { atoms, target }: AtomMove): boolean => {
  const [held, goal] = [state.dims[target] as readonly number[], p.to.dims[target] as readonly number[]];
  const after = [...held, ...atoms];
  return commonLength(after, goal) === after.length;
};

/** Moves one after another, as one collective over all their axes, if all divide. No dim both gives and takes. */
function exchange(p: Problem, state: State, n: number, moves: readonly AtomMove[]): Edge | undefined {
  const dims = [...state.dims];
  for (const { atoms, source, target } of moves) {
    if (moves.some((m) => m.target === source)) return undefined;
    dims[source] = (dims[source] as readonly number[]).slice(0, -atoms.length);
    dims[target] = [...(dims[target] as readonly number[]), ...atoms];
    if (!p.divides(target, dims[target])) return undefined;
  }
  const all = moves.flatMap((m) => [...m.atoms]);
  const g = p.size(all);
  return { kind: 'all_to_all', bytes: (n * (g - 1)) / g, axes: [all], moves, state: { ...state, dims } };
}

/** Arrangements with as many shards per dim as now; from another device order, also the present one. */
function permutes(p: Problem, state: State, n: number): Edge[] {
  if (!state.arrived && state.owed.length > 0) return [];
  return arrangements(p, state).map((dims) => {
    const next: State = { ...state, dims, arrived: true };
    const stays = !state.arrived && p.samePlaces(state, next);
    return { kind: 'collective_permute', bytes: stays ? 0 : n, axes: [], state: next };
  });
}

function arrangements(p: Problem, state: State): (readonly number[])[][] {
  const found = new Map<string, (readonly number[])[]>();
  const add = (dims: (readonly number[])[]): void => {
    const key = dims.map((d) => d.join()).join('|');
    if (found.size < MAX_ARRANGEMENTS && !found.has(key)) found.set(key, dims);
  };
  const shards = state.dims.map((held) => p.size(held));
  const pool = [...new Set([...state.dims.flat(), ...p.to.dims.flat()])].filter((a) => !state.owed.includes(a));
  if (!state.arrived) add([...state.dims]);
  const fill = (d: number, dims: readonly (readonly number[])[], left: readonly number[]): void => {
    if (found.size >= MAX_ARRANGEMENTS) return;
    if (d === shards.length) {
      add([...dims]);
      return;
    }
    for (const list of listsOf(p, state, d, shards[d] as number, left))
      fill(d + 1, [...dims, list], without(left, list));
  };
  fill(0, [], pool);
  return [...found.values()].filter(
    (dims) => !state.arrived || dims.some((list, d) => list.join() !== state.dims[d]?.join()),
  );
}

/** Lists of free atoms with this many shards for a dim: those first that begin as the target does and end in what is gathered. */
function listsOf(p: Problem, state: State, d: number, shards: number, left: readonly number[]): number[][] {
  const goal = p.to.dims[d] as readonly number[];
  const held = state.dims[d] as readonly number[];
  const lists: number[][] = [];
  const rank = (a: number): number => {
    const [g, h] = [goal.indexOf(a), held.indexOf(a)];
    if (g >= 0) return g;
    return (p.wanted.includes(a) ? 200 : 100) + (h >= 0 ? h : 50 + a);
  };
  const ranked = left.map((atom) => ({ atom, rank: rank(atom), size: p.sizes[atom] as number }));
  const order = ranked.sort((a, b) => a.rank - b.rank);
  const extend = (list: readonly number[], size: number): void => {
    if (lists.length >= 12) return;
    if (size === shards) {
      lists.push([...list]);
      return;
    }
    for (const a of order) {
      const next = size * a.size;
      if (shards % next === 0 && !list.includes(a.atom)) extend([...list, a.atom], next);
    }
  };
  extend([], 1);
  return lists;
}
