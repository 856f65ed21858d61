/** Never more on the wire than XLA, nor more matrix arithmetic, known losses aside, and results laid out as by XLA: one short program a family, by XLA's figures; `npm run wire` has all. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ratio, Tally } from '../tally.ts';
import { compiled, compiledFile, figuresIn, figuresOf, isKnownLoss, textOf, XLA } from './measured.ts';

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

/** Single dots and convolutions with layouts of all kinds, as `npm run layouts -- --products --seed 8` made them. */
describe('products', () => {
  const folder = join(import.meta.dirname, 'products');
  const programs = Object.entries(figuresIn(folder)).map(([name, xla]) => {
    const ours = figuresOf(compiledFile(join(folder, `${name}.mlir`)));
    return { name, ours, xla };
  });

  it('move no more than XLA', () => {
    const tally = new Tally();
    expect(programs.filter(({ ours, xla }) => tally.add(ours.bytes, xla.bytes).isLost)).toEqual([]);
    expect(String(tally)).toMatch(/^120 programs: 48 won/);
  });

  it('compute no more: XLA took an idle axis by chance in one, for twice the bytes', () => {
    const more = programs.filter(({ ours, xla }) => ratio(ours.flops, xla.flops) > 1.02);
    expect(more.map((p) => p.name)).toEqual(['product45']);
    expect(more.map(({ ours, xla }) => ours.bytes / xla.bytes)).toEqual([0.5]);
  });

  it('lay out results as XLA', () => {
    expect(programs.filter(({ ours, xla }) => ours.results.join() !== xla.results.join())).toEqual([]);
  });
});
