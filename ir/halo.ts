/**
 * Halo arithmetic: what the shards of a dim need of their neighbours when each computes on a window of the dim that
 * moves evenly with the shard.
 *
 *   4 shards of 8 elements, windows [8i - 2, 8i + 10):   2 elements from the shard before, 2 from the one after
 */

/**
 * The device at index i needs `width` elements from ⌊(step·i + start) / per⌋ on; those outside the dim are padding.
 * `per` (else 1) is the distance between elements where the window is counted in finer places than they.
 */
export interface AffineWindow {
  readonly step: number;
  readonly start: number;
  readonly width: number;
  readonly per?: number;
}

/** Elements [from, to) of the shard `by` places further along; empty where nobody needs any. */
export interface HaloPiece {
  readonly by: number;
  readonly from: number;
  readonly to: number;
}

export interface Halo {
  /** One per shard distance from the nearest to the farthest, in order. */
  readonly pieces: readonly HaloPiece[];
  /** What all devices' windows cover, counted from the first element of a device's own shard. */
  readonly low: number;
  readonly high: number;
}

export const windowStart = ({ step, start, per = 1 }: AffineWindow, index: number): number =>
  Math.floor((step * index + start) / per);

/** Where the device's window starts, counted from its own shard's first element. */
export const windowPlace = (window: AffineWindow, extent: number, index: number): number =>
  windowStart(window, index) - extent * index;

/** `extent` = elements of one shard; nobody needs the dim's elements from `end` on. O(shards · pieces). */
export function haloOf(window: AffineWindow, shards: number, extent: number, end = Number.POSITIVE_INFINITY): Halo {
  let [low, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < shards; i++) {
    const place = windowPlace(window, extent, i);
    [low, last] = [Math.min(low, place), Math.max(last, place)];
  }
  const high = last + window.width;
  const pieces: HaloPiece[] = [];
  for (let by = Math.floor(low / extent); by * extent < high; by++) {
    pieces.push(pieceOf(window, shards, extent, end, by));
  }
  return { pieces, low, high };
}

function pieceOf(window: AffineWindow, shards: number, extent: number, end: number, by: number): HaloPiece {
  let [from, to] = [extent, 0];
  for (let i = Math.max(0, -by); i < Math.min(shards, shards - by); i++) {
    const place = windowPlace(window, extent, i) - by * extent;
    const [lo, hi] = [Math.max(0, place), Math.min(extent, place + window.width, end - (i + by) * extent)];
    if (lo < hi) [from, to] = [Math.min(from, lo), Math.max(to, hi)];
  }
  return from < to ? { by, from, to } : { by, from: 0, to: 0 };
}

/** A window that slides over a dim: `count` positions `stride` apart, each of `size` elements `dilation` apart. */
export interface Sliding {
  readonly count: number;
  readonly stride: number;
  readonly size: number;
  readonly dilation: number;
}

/** Elements and holes between the first that the first position reads and the last that the last reads. */
export const reach = ({ count, stride, size, dilation }: Sliding): number =>
  (count - 1) * stride + (size - 1) * dilation + 1;

/** Reads nothing: of results without elements. */
export const NO_WINDOW: DilatedWindow = { window: { step: 0, start: 0, width: 0 }, padLow: 0, padHigh: 0 };

/** What a shard needs of a dim whose elements stand `base` apart, and the padding left around it. */
export interface DilatedWindow {
  readonly window: AffineWindow;
  readonly padLow: number;
  readonly padHigh: number;
  /** Absent: all shards start as far from an element. */
  readonly between?: Between;
}

/**
 * Shards start at different places between elements. Holes are then written out, behind every element base - 1, and of
 * that the device at index i takes `width` places from (step·i + start) mod base on.
 */
export interface Between {
  readonly base: number;
  readonly step: number;
  readonly start: number;
  readonly width: number;
}

/** The device at index i reads places [step·i - low, + width) of the dilated dim. */
export function dilatedWindow(step: number, low: number, width: number, base: number): DilatedWindow {
  const first = Math.ceil(-low / base);
  const last = Math.floor((width - 1 - low) / base);
  if (step % base === 0 && first <= last)
    return {
      window: { step: step / base, start: first, width: last - first + 1 },
      padLow: first * base + low,
      padHigh: width - 1 - low - last * base,
    };
  const window = { step, start: -low, per: base, width: Math.floor((width + base - 2) / base) + 1 };
  return { window, padLow: 0, padHigh: 0, between: { base, step, start: -low, width } };
}
