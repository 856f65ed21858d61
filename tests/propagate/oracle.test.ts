/** Shardy's own passes, linked into jaxlib, judge ours: the layout of every value and the rule of every op, exactly. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { askOracle, compareRules, compareValues, hasOracle, type Judged, ourAnswer, type Program } from './compare.ts';

/** Shown to both only when it is there: the project does not need it. */
const CORPUS = '../shared/corpus';

const filesOf = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir)
        .filter((f) => f.endsWith('.mlir') && !f.includes('emitted'))
        .map((f) => `${dir}/${f}`)
    : [];
const programs: Program[] = ['examples', 'tests/xla/fixtures', CORPUS]
  .flatMap(filesOf)
  .map((file) => ({ name: file, text: readFileSync(file, 'utf8') }))
  // GSPMD's annotations are not read by Shardy's propagation: tests/gspmd has those.
  .filter(({ text }) => !text.includes('mhlo.sharding'));

describe.skipIf(!hasOracle())('beside Shardy (npm run setup:xla makes the environment)', () => {
  let judged: ReadonlyMap<string, Judged> | undefined;
  const judge = (program: Program): Judged => {
    judged ??= new Map(askOracle(programs).map((j) => [j.name, j]));
    const found = judged.get(program.name);
    expect(found?.error).toBeUndefined();
    return found as Judged;
  };

  it.each(programs.map((p) => [p.name, p] as const))(
    '%s',
    (_, program) => {
      const values = compareValues(ourAnswer(program), judge(program));
      expect(values.compared).toBeGreaterThan(2);
      expect(values.differences).toEqual([]);
      expect(compareRules(program, judge(program)).differences).toEqual([]);
    },
    120_000,
  );
});
