/**
 * Windows that do not move with the shards, by permutes in which each device sends one part and gets one: where a half, or
 * a third, of a sharded dim is cut out, most of what neighbours at every distance would send is for nobody.
 *
 *   8 shards of 24, windows of 8 from 8i on    →   of shard 1, devices 3, 4 and 5 need 8 elements each: 3 rounds of 8
 *
 * Rounds are colours of the edges between shards that give and devices that need: as many as the most edges of one
 * (König 1916), each as wide as its longest part.
 */
import { type AffineWindow, windowStart } from './halo.ts';

/** More permutes than this one after another are not worth the bytes. */
const MOST_ROUNDS = 12;

/** By device; `from` by the one that sends: it gives elements [from, from + width) of its shard. */
export interface Round {
  readonly width: number;
  /** -1: nothing is for this device. */
  readonly sources: readonly number[];
  readonly from: readonly number[];
}

export interface Rounds {
  /** What devices take of their own shards; width 0: nothing. */
  readonly own: Round;
  readonly rounds: readonly Round[];
}

/** Elements [from, from + length) of a shard, for one device. */
interface Part {
  readonly source: number;
  readonly target: number;
  readonly from: number;
  readonly length: number;
}

/** Undefined where that takes too many. As in `haloOf`, nobody needs anything from `end` on. */
export function roundsOf(window: AffineWindow, shards: number, extent: number, end: number): Rounds | undefined {
  const parts = partsOf(window, shards, extent, Math.min(end, shards * extent));
  if (parts === undefined) return undefined;
  const moved = parts.filter((p) => p.source !== p.target);
  if (mostOfOne(moved, shards) > MOST_ROUNDS) return undefined;
  const own = roundOf(
    parts.filter((p) => p.source === p.target),
    shards,
    extent,
  );
  return { own, rounds: coloured(moved, shards).map((round) => roundOf(round, shards, extent)) };
}

/** Undefined where a window has parts of too many shards. */
function partsOf(window: AffineWindow, shards: number, extent: number, end: number): Part[] | undefined {
  const parts: Part[] = [];
  for (let target = 0; target < shards; target++) {
    const start = windowStart(window, target);
    const [low, high] = [Math.max(start, 0), Math.min(start + window.width, end)];
    if (high <= low) continue;
    const [first, last] = [Math.floor(low / extent), Math.ceil(high / extent)];
    if (last - first > MOST_ROUNDS + 1) return undefined;
    for (let source = first; source < last; source++) {
      const from = Math.max(low - source * extent, 0);
      parts.push({ source, target, from, length: Math.min(high - source * extent, extent) - from });
    }
  }
  return parts;
}

function mostOfOne(parts: readonly Part[], shards: number): number {
  const [given, taken] = [new Uint32Array(shards), new Uint32Array(shards)];
  let most = 0;
  for (const { source, target } of parts) {
    given[source] = (given[source] as number) + 1;
    taken[target] = (taken[target] as number) + 1;
    most = Math.max(most, given[source], taken[target]);
  }
  return most;
}

function roundOf(parts: readonly Part[], shards: number, extent: number): Round {
  const width = Math.max(0, ...parts.map((p) => p.length));
  const sources = new Array<number>(shards).fill(-1);
  const from = new Array<number>(shards).fill(0);
  for (const part of parts) {
    sources[part.target] = part.source;
    from[part.source] = Math.min(part.from, extent - width);
  }
  return { width, sources, from };
}

/** Long parts first, so that parts of one length share a round. */
function coloured(parts: readonly Part[], shards: number): Part[][] {
  const most = mostOfOne(parts, shards);
  const rows = (): (Part | undefined)[][] => Array.from({ length: shards }, () => new Array(most).fill(undefined));
  const [given, taken] = [rows(), rows()];
  const put = (part: Part, colour: number): void => {
    (given[part.source] as (Part | undefined)[])[colour] = part;
    (taken[part.target] as (Part | undefined)[])[colour] = part;
  };
  for (const part of [...parts].sort((a, b) => b.length - a.length)) {
    const [gives, takes] = [given[part.source], taken[part.target]] as [(Part | undefined)[], (Part | undefined)[]];
    const both = gives.findIndex((p, c) => p === undefined && takes[c] === undefined);
    if (both >= 0) {
      put(part, both);
      continue;
    }
    // Free at one end only: the chain of parts that alternate between the two colours trades them.
    const [free, wanted] = [takes.indexOf(undefined), gives.indexOf(undefined)];
    const chain: Part[] = [];
    for (let at = takes[wanted], colour = wanted; at !== undefined; ) {
      chain.push(at);
      colour = colour === wanted ? free : wanted;
      at = chain.length % 2 === 1 ? given[at.source]?.[colour] : taken[at.target]?.[colour];
    }
    chain.forEach((p, n) => {
      const colour = n % 2 === 0 ? wanted : free;
      (given[p.source] as (Part | undefined)[])[colour] = undefined;
      (taken[p.target] as (Part | undefined)[])[colour] = undefined;
    });
    chain.forEach((p, n) => put(p, n % 2 === 0 ? free : wanted));
    put(part, wanted);
  }
  return Array.from({ length: most }, (_, c) => taken.flatMap((row) => (row[c] === undefined ? [] : [row[c]])));
}
