/** Rounds give every device its window, each device giving and taking once a round, in as few rounds as can be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exchangeOf } from '../../ir/halo-exchange.ts';
import { roundsOf } from '../../ir/halo-rounds.ts';
import { windowStart } from '../../ir/halo.ts';

const WINDOWS = fc.record({
  shards: fc.integer({ min: 2, max: 17 }),
  extent: fc.integer({ min: 1, max: 12 }),
  step: fc.integer({ min: 0, max: 20 }),
  start: fc.integer({ min: -20, max: 120 }),
  width: fc.integer({ min: 1, max: 20 }),
  per: fc.constantFrom(1, 1, 2, 3),
  unread: fc.constantFrom(0, 0, 1, 7, 50),
});

it('every device gets what it needs', () => {
  let tried = 0;
  fc.assert(
    fc.property(WINDOWS, ({ shards, extent, unread, ...window }) => {
      const end = shards * extent - unread;
      const found = roundsOf(window, shards, extent, end);
      if (found === undefined) return;
      tried++;
      const held = Array.from({ length: shards }, () => new Set<number>());
      const degree = new Map<string, number>();
      for (const { sources, from, width } of [found.own, ...found.rounds]) {
        const senders = sources.filter((s) => s >= 0);
        expect(new Set(senders).size).toBe(senders.length);
        sources.forEach((source, target) => {
          if (source < 0) return;
          const first = from[source] as number;
          expect(first >= 0 && first + width <= extent).toBe(true);
          for (let e = first; e < first + width; e++) held[target]?.add(source * extent + e);
          if (source === target) return;
          for (const side of [`from ${source}`, `to ${target}`]) degree.set(side, (degree.get(side) ?? 0) + 1);
        });
      }
      held.forEach((has, device) => {
        for (let e = windowStart(window, device); e < windowStart(window, device) + window.width; e++)
          if (e >= 0 && e < end) expect(has).toContain(e);
      });
      expect(found.rounds.length).toBe(Math.max(0, ...degree.values()));
    }),
    { numRuns: 2000, seed: 1 },
  );
  expect(tried).toBeGreaterThan(1000);
});

it.each([
  // A third of a dim of 192 over 8: each shard of 24 is for three devices.
  { what: 'queries of a fused projection', window: { step: 8, start: 0, width: 8 }, extent: 24, elements: 24 },
  { what: 'its keys', window: { step: 8, start: 64, width: 8 }, extent: 24, elements: 16 },
  { what: 'a window that moves with the shards', window: { step: 8, start: -2, width: 12 }, extent: 8, elements: 4 },
])('$what: $elements elements received by each of 8', ({ window, extent, elements }) => {
  expect(exchangeOf(window, 8, extent).received).toBe(elements);
});

it('a window of two thousand shards is given up at once', () => {
  const start = performance.now();
  expect(roundsOf({ step: 0, start: 0, width: 4096 }, 2048, 2, 4096)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(50);
});

it('parts for more devices than are worth it come from neighbours at every distance', () => {
  const broadcast = { step: 0, start: 0, width: 2 };
  expect(roundsOf(broadcast, 16, 2, 32)).toBeUndefined();
  expect(exchangeOf(broadcast, 16, 2)).toMatchObject({ rounds: undefined, received: 30 });
});
