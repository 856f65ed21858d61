/** Numbers from a seed, and random shardings as StableHLO text writes them. */

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** In [0, 1) (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  shuffle<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  /** Some of a list, in its order. */
  some<T>(list: readonly T[], p = 0.5): T[] {
    return list.filter(() => this.chance(p));
  }
}

export interface RandomMesh {
  readonly name: string;
  readonly axes: readonly (readonly [name: string, size: number])[];
  readonly deviceIds?: readonly number[];
}

export const meshLine = (m: RandomMesh): string =>
  `sdy.mesh @${m.name} = <[${m.axes.map(([n, s]) => `"${n}"=${s}`).join(', ')}]${m.deviceIds === undefined ? '' : `, device_ids=[${m.deviceIds.join(', ')}]`}>`;

interface Ref {
  readonly axis: string;
  readonly pre: number;
  readonly size: number;
  readonly whole: boolean;
}

const refText = (r: Ref): string => (r.whole ? `"${r.axis}"` : `"${r.axis}":(${r.pre})${r.size}`);

/** Axes of the mesh, some of them cut in two. */
function refsOf(rnd: Random, mesh: RandomMesh, without: readonly string[]): Ref[] {
  return mesh.axes.flatMap(([axis, size]): Ref[] => {
    if (without.includes(axis)) return [];
    const cuts = [2, 3, 4].filter((c) => size % c === 0 && c < size);
    if (cuts.length === 0 || !rnd.chance(0.15)) return [{ axis, pre: 1, size, whole: true }];
    const cut = rnd.pick(cuts);
    return [
      { axis, pre: 1, size: cut, whole: false },
      { axis, pre: cut, size: size / cut, whole: false },
    ];
  });
}

export interface LayoutWish {
  /** Chance that a dim is open. */
  readonly open: number;
  readonly priorities?: boolean;
  /** These axes come first in their dim, and divide it. */
  readonly manual?: readonly string[];
  readonly unreduced?: boolean;
}

/** `<@mesh, [{"x", ?}, {}]>` */
export function layoutText(rnd: Random, mesh: RandomMesh, shape: readonly number[], wish: LayoutWish): string {
  const dims: Ref[][] = shape.map(() => []);
  if (wish.manual !== undefined) placeManual(rnd, mesh, shape, wish.manual, dims);
  const left: Ref[] = [];
  for (const ref of rnd.shuffle(refsOf(rnd, mesh, wish.manual ?? []))) {
    const d = rnd.below(shape.length + 1);
    const last = dims[d]?.at(-1);
    const continues = last !== undefined && last.axis === ref.axis && last.pre * last.size === ref.pre;
    if (d < shape.length && !continues && rnd.chance(0.55)) dims[d]?.push(ref);
    else left.push(ref);
  }
  const rest = { replicated: wholeOnly(rnd.some(left, 0.1), mesh), unreduced: [] as Ref[] };
  if (wish.unreduced === true && rnd.chance(0.1))
    rest.unreduced = wholeOnly(
      rnd.some(
        left.filter((r) => !rest.replicated.includes(r)),
        0.5,
      ),
      mesh,
    );
  const dimTexts = dims.map((refs) => {
    const open = rnd.chance(wish.open);
    const priority = wish.priorities === true && (open || refs.length > 0) && rnd.chance(0.2) ? `p${rnd.below(3)}` : '';
    return `{${[...refs.map(refText), ...(open ? ['?'] : [])].join(', ')}}${priority}`;
  });
  const list = (key: string, refs: readonly Ref[]): string =>
    refs.length === 0 ? '' : `, ${key}={${refs.map(refText).join(', ')}}`;
  return `<@${mesh.name}, [${dimTexts.join(', ')}]${list('replicated', rest.replicated)}${list('unreduced', rest.unreduced)}>`;
}

/** In mesh order, as Shardy's verifier wants them; halves of an axis left out. */
const wholeOnly = (refs: readonly Ref[], mesh: RandomMesh): Ref[] =>
  refs
    .filter((r) => r.whole)
    .sort((a, b) => mesh.axes.findIndex(([n]) => n === a.axis) - mesh.axes.findIndex(([n]) => n === b.axis));

function placeManual(
  rnd: Random,
  mesh: RandomMesh,
  shape: readonly number[],
  manual: readonly string[],
  dims: Ref[][],
): void {
  for (const axis of rnd.shuffle(manual)) {
    const size = mesh.axes.find(([n]) => n === axis)?.[1] ?? 1;
    const fitting = shape.flatMap((extent, d) => {
      const taken = (dims[d] ?? []).reduce((n, r) => n * r.size, 1);
      return extent % (taken * size) === 0 ? [d] : [];
    });
    if (fitting.length > 0 && rnd.chance(0.8)) dims[rnd.pick(fitting)]?.push({ axis, pre: 1, size, whole: true });
  }
}

/** By which factor the manual axes of a layout make each dim smaller. */
export function manualFactors(text: string, mesh: RandomMesh, manual: readonly string[]): number[] {
  const body = /\[(.*?)\]/.exec(text)?.[1] ?? '';
  return [...body.matchAll(/\{([^}]*)\}/g)].map(([, axes = '']) =>
    [...axes.matchAll(/"(\w+)"(?!:)/g)].reduce(
      (n, [, axis]) => (manual.includes(axis as string) ? n * (mesh.axes.find(([m]) => m === axis)?.[1] ?? 1) : n),
      1,
    ),
  );
}
