/** How shards get the windows of a dim that they compute on: of neighbours at every distance, or in rounds, whichever moves less. */
import { type AffineWindow, type DilatedWindow, type Halo, haloOf } from './halo.ts';
import { type Rounds, roundsOf } from './halo-rounds.ts';

/** More permutes than shifts have to move no more than this part of what the shifts do. */
const CLEARLY = 0.95;

export interface Exchange {
  readonly halo: Halo;
  /** Instead of the halo's pieces. */
  readonly rounds: Rounds | undefined;
  /** Elements that a device receives. */
  readonly received: number;
}

/** `extent` = elements of one shard; nobody needs the dim's elements from `end` on. */
export function exchangeOf(
  window: AffineWindow,
  shards: number,
  extent: number,
  end = Number.POSITIVE_INFINITY,
): Exchange {
  const halo = haloOf(window, shards, extent, end);
  const sent = halo.pieces.filter((p) => p.by !== 0 && p.to > p.from);
  const byShifts = sent.reduce((n, p) => n + p.to - p.from, 0);
  const movesWithShards = halo.high - halo.low === window.width;
  if (movesWithShards || sent.length < 2) return { halo, rounds: undefined, received: byShifts };
  const rounds = roundsOf(window, shards, extent, end);
  const inRounds = rounds?.rounds.reduce((n, r) => n + r.width, 0) ?? Number.POSITIVE_INFINITY;
  const atMost = (rounds?.rounds.length ?? 0) > sent.length ? CLEARLY * byShifts : byShifts;
  return inRounds < atMost ? { halo, rounds, received: inRounds } : { halo, rounds: undefined, received: byShifts };
}

/** Elements along a dim of `size` that a device receives for its window; null = the dim cannot be in so many shards. */
export function receivedBy(need: DilatedWindow | null, shards: number, size: number): number | null {
  if (need?.window.width === 0) return 0;
  if (need === null || size % shards !== 0 || size === 0) return null;
  return exchangeOf(need.window, shards, size / shards).received;
}
