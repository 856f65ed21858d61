/** Random layout changes for the planner's tests, and the best plan by looking at all of them. */
import fc from 'fast-check';
import { mergeNeighbours, refine } from '../../ir/axes.ts';
import { type Layout, layoutOf, type Monoid } from '../../ir/layout.ts';
import { type AxisRef, axesSize, type Mesh } from '../../ir/mesh.ts';

export interface Change {
  readonly mesh: Mesh;
  readonly shape: readonly number[];
  readonly from: Layout;
  readonly to: Layout;
}

/** `sizes` of up to `axes` axes; layouts over whole axes and prime parts of them, in any order; extents that just divide. */
export function changes(sizes: readonly number[], axes: number, owes: boolean): fc.Arbitrary<Change> {
  return fc
    .tuple(
      fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: axes }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.nat(1e6), { minLength: 24, maxLength: 24 }),
      fc.constantFrom<Monoid>('sum', 'max', 'min'),
    )
    .map(([found, rank, seeds, monoid]) => {
      const mesh: Mesh = { name: 'm', axes: found.map((size, i) => ({ name: 'xyzw'[i] as string, size })) };
      const dice = dealer(seeds);
      const [a, b] = [deal(mesh, rank, dice, owes), deal(mesh, rank, dice, false)];
      const shape = a.dims.map((held, d) => lcm(axesSize(held), axesSize(b.dims[d] as AxisRef[])) * (1 + (dice() % 2)));
      return { mesh, shape, from: layoutOf('m', a.dims, a.owed, monoid), to: layoutOf('m', b.dims) };
    });
}

function dealer(seeds: readonly number[]): () => number {
  let at = 0;
  return () => ((seeds[at % seeds.length] as number) + 7919 * at++) >>> 0;
}

function deal(mesh: Mesh, rank: number, dice: () => number, owes: boolean): { dims: AxisRef[][]; owed: AxisRef[] } {
  const dims: AxisRef[][] = Array.from({ length: rank }, () => []);
  const owed: AxisRef[] = [];
  for (const part of shuffle(
    mesh.axes.flatMap((a) => pieces(a.name, a.size, dice)),
    dice,
  )) {
    const place = dice() % (rank + 2);
    if (place < rank) (dims[place] as AxisRef[]).push(part);
    else if (place === rank && owes) owed.push(part);
  }
  return { dims: dims.map(mergeNeighbours), owed: mergeNeighbours(owed) };
}

/** The whole axis mostly; else two parts of it. */
function pieces(name: string, size: number, dice: () => number): AxisRef[] {
  const factor = [2, 3].find((p) => size % p === 0 && size > p);
  if (size === 1) return [];
  if (factor === undefined || dice() % 3 !== 0) return [{ name, pre: 1, size }];
  return [
    { name, pre: 1, size: factor },
    { name, pre: factor, size: size / factor },
  ];
}

function shuffle<T>(items: readonly T[], dice: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = dice() % (i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

interface Place {
  readonly dims: readonly (readonly number[])[];
  readonly owed: readonly number[];
}

/**
 * Least wire bytes over all sequences of collectives, every arrangement and set of moves tried, on the parts of the
 * mesh's axes. Only for a handful of parts.
 */
export function leastBytes({ mesh, shape, from, to }: Change): number {
  const cuts = new Map(mesh.axes.map(({ name, size }) => [name, primeCuts(size)]));
  const whole = mesh.axes.map(({ name, size }) => ({ name, pre: 1, size }));
  const parts = refine(whole, cuts).filter((a) => a.size > 1);
  const at = (axes: readonly AxisRef[]): number[] =>
    refine(axes, cuts)
      .filter((a) => a.size > 1)
      .map((a) => parts.findIndex((p) => p.name === a.name && p.pre === a.pre));
  const place = (l: Layout): Place => ({ dims: l.dims.map((d) => at(d.axes)), owed: at(l.unreduced).sort() });
  const size = (list: readonly number[]): number => list.reduce((n, i) => n * (parts[i] as AxisRef).size, 1);
  const goal = JSON.stringify(place(to));
  const total = shape.reduce((n, d) => n * d, 1);
  const best = new Map<string, number>([[JSON.stringify(place(from)), 0]]);
  const done = new Set<string>();
  for (;;) {
    let key: string | undefined;
    for (const [k, v] of best) if (!done.has(k) && (key === undefined || v < (best.get(key) as number))) key = k;
    if (key === undefined) return Number.POSITIVE_INFINITY;
    const bytes = best.get(key) as number;
    if (key === goal) return bytes;
    done.add(key);
    const state = JSON.parse(key) as Place;
    const n = total / size(state.dims.flat());
    for (const [next, cost] of everyMove(state, n, shape, size, parts.length)) {
      const k = JSON.stringify(next);
      if (bytes + cost < (best.get(k) ?? Number.POSITIVE_INFINITY)) best.set(k, bytes + cost);
    }
  }
}

const primeCuts = (size: number): number[] => {
  const cuts = [1];
  for (let p = 2, rest = size; rest > 1; ) {
    if (rest % p === 0) {
      cuts.push((cuts.at(-1) as number) * p);
      rest /= p;
    } else p++;
  }
  return cuts;
};

function* everyMove(
  { dims, owed }: Place,
  n: number,
  shape: readonly number[],
  size: (list: readonly number[]) => number,
  count: number,
): Generator<[Place, number]> {
  const used = new Set([...dims.flat(), ...owed]);
  const free = Array.from({ length: count }, (_, i) => i).filter((i) => !used.has(i));
  const fits = (d: number, list: readonly number[]): boolean => (shape[d] as number) % size(list) === 0;
  const set = (d: number, list: readonly number[]): number[][] => dims.map((x, i) => [...(i === d ? list : x)]);
  for (let d = 0; d < dims.length; d++) {
    const held = dims[d] as readonly number[];
    for (const a of free) if (fits(d, [...held, a])) yield [{ dims: set(d, [...held, a]), owed }, 0];
    for (let k = 0; k < held.length; k++)
      yield [{ dims: set(d, held.slice(0, k)), owed }, n * (size(held.slice(k)) - 1)];
    for (const a of owed) {
      const left = owed.filter((o) => o !== a);
      if (fits(d, [...held, a])) yield [{ dims: set(d, [...held, a]), owed: left }, (n * (size([a]) - 1)) / size([a])];
    }
  }
  for (let mask = 1; mask < 1 << owed.length; mask++) {
    const paid = owed.filter((_, i) => (mask >> i) & 1);
    yield [{ dims, owed: owed.filter((o) => !paid.includes(o)) }, (2 * n * (size(paid) - 1)) / size(paid)];
  }
  for (const [moved, atoms] of exchanges(dims, fits)) yield [{ dims: moved, owed }, n * (1 - 1 / size(atoms))];
  for (const next of arrangements(dims, [...dims.flat(), ...free], size)) yield [{ dims: next, owed }, n];
}

/** Any sequence of moves between dims that either give or take. */
function* exchanges(
  dims: readonly (readonly number[])[],
  fits: (d: number, list: readonly number[]) => boolean,
  gives: readonly number[] = [],
  takes: readonly number[] = [],
  moved: readonly number[] = [],
): Generator<[number[][], number[]]> {
  for (let s = 0; s < dims.length; s++) {
    const held = dims[s] as readonly number[];
    if (takes.includes(s)) continue;
    for (let t = 0; t < dims.length; t++) {
      if (t === s || gives.includes(t)) continue;
      for (let k = 0; k < held.length; k++) {
        const atoms = held.slice(k);
        if (atoms.some((a) => moved.includes(a))) continue;
        const after = [...(dims[t] as readonly number[]), ...atoms];
        if (!fits(t, after)) continue;
        const next = dims.map((d, i) => (i === s ? held.slice(0, k) : i === t ? after : [...d]));
        yield [next, [...moved, ...atoms]];
        if (moved.length < 3) yield* exchanges(next, fits, [...gives, s], [...takes, t], [...moved, ...atoms]);
      }
    }
  }
}

function* arrangements(
  dims: readonly (readonly number[])[],
  pool: readonly number[],
  size: (list: readonly number[]) => number,
  done: readonly number[][] = [],
): Generator<number[][]> {
  const d = done.length;
  if (d === dims.length) {
    yield [...done];
    return;
  }
  const wanted = size(dims[d] as readonly number[]);
  const stack: number[][] = [[]];
  for (let list = stack.pop(); list !== undefined; list = stack.pop()) {
    if (size(list) === wanted)
      yield* arrangements(
        dims,
        pool.filter((a) => !(list as number[]).includes(a)),
        size,
        [...done, list],
      );
    else for (const a of pool) if (!list.includes(a) && wanted % size([...list, a]) === 0) stack.push([...list, a]);
  }
}
