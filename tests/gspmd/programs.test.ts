/**
 * Programs annotated on every op: one device = the mesh on numbers, and no more on the wire than XLA's own partitioning
 * (xla-figures.json). Some run on XLA itself each time; `npm run test:gspmd` runs all there, BLESS=1 writes the figures.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compiledHere, type Metered, onXla, PYTHON } from './on-xla.ts';
import { PROGRAMS } from './programs.ts';

const all = process.env.GSPMD === 'all';
/** Of the families one each, and what XLA rematerialises. */
const SOME = ['change_crossed_axes', 'change_listed_order', 'dot_weights_2d', 'op_sort_sharded_dim', 'tour_thirds'];

const figuresFile = join(import.meta.dirname, 'xla-figures.json');
const figures = JSON.parse(readFileSync(figuresFile, 'utf8')) as Record<string, Pick<Metered, 'total' | 'count'>>;

describe('programs annotated on every op', () => {
  it('are a hundred, each with its name', () => expect(new Set(PROGRAMS.map((p) => p.name)).size).toBe(100));
  it.each(PROGRAMS)('$name', (program) => {
    const { report } = compiledHere(program);
    expect(report.check.verdict).toBe('ok');
    expect(report.wireBytes).toBeLessThanOrEqual((figures[program.name]?.total ?? 0) + 1e-6);
  });
});

describe.skipIf(!existsSync(PYTHON))('the same on XLA (npm run setup:xla makes the environment)', () => {
  it('gives the numbers of one device, laid out as XLA does, with the bytes that the report says', {
    timeout: 900_000,
  }, () => {
    const chosen = PROGRAMS.filter((p) => all || SOME.includes(p.name));
    const made = new Map(chosen.map((p) => [p.name, compiledHere(p)]));
    const found = onXla([...made.values()]);
    expect(found.map((f) => f.name)).toEqual(chosen.map((p) => p.name));
    if (process.env.BLESS === '1' && all)
      writeFileSync(
        figuresFile,
        `${JSON.stringify(Object.fromEntries(found.map(({ name, xla }) => [name, { total: xla.total, count: xla.count }])), null, 1)}\n`,
      );
    for (const { name, xla, shardc, error, refused, ...result } of found) {
      expect([name, error ?? refused]).toEqual([name, undefined]);
      expect([name, result.laid_out_otherwise]).toEqual([name, []]);
      expect(result.max_rel_error, name).toBeLessThan(2e-5);
      expect(shardc.total, name).toBeLessThanOrEqual(xla.total);
      expect(Math.abs(shardc.total - (made.get(name)?.report.wireBytes ?? 0)), name).toBeLessThanOrEqual(1);
    }
  });
});
