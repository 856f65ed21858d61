/** Never more on the wire than XLA, nor more matrix arithmetic, known losses aside, and results laid out as by XLA: one short program a family, by XLA's figures; `npm run wire` has all. */
import { describe, expect, it } from 'vitest';
import { ratio } from '../tally.ts';
import { compiled, figuresOf, isKnownLoss, textOf, XLA } from './measured.ts';

/** Characters of a program that compiles in a second or less. */
const SHORT = 10_000;

/** The last short one of a family: its gradient where it has one. */
const families = new Map(
  Object.keys(XLA)
    .filter((name) => !isKnownLoss(name) && textOf(name).length <= SHORT)
    .map((name) => [name.split('.')[0] as string, name]),
);

describe('beside XLA', () => {
  it.each([...families.values()])('%s', (name) => {
    const [ours, xla] = [figuresOf(compiled(name)), XLA[name]];
    expect(ratio(ours.bytes, xla?.bytes ?? 0)).toBeLessThanOrEqual(1);
    expect(ratio(ours.flops, xla?.flops ?? 0)).toBeLessThanOrEqual(1.02);
    expect(ours.results).toEqual(xla?.results);
  });
});
