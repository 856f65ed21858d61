/** Shardy's own passes, linked into jaxlib, judge ours: the layout of every value and the rule of every op, exactly. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { askOracle, compareRules, compareValues, hasOracle, type Judged, ourAnswer, type Program } from './compare.ts';

/** Programs that wait for an op or a form of annotation. */
const NOT_YET: Readonly<Record<string, string>> = {
  'conv_spatial.mlir': 'convolution',
  'ring_attention.mlir': 'manual_computation',
};
/** Values that differ, and why; a change in either direction is a change of this table. */
const KNOWN: Readonly<Record<string, { readonly values: number; readonly why: string }>> = {
  'decoder_step.mlir': { values: 4, why: 'the ends of calls are edges of their own in Shardy; here calls are inlined' },
  ...Object.fromEntries(
    ['sim_transformer', 'transformer_1t_2048', 'transformer_gspmd2d', 'transformer_megatron'].map((f) => [
      `${f}.mlir`,
      { values: 1, why: 'Shardy takes a constraint on a result of optimization_barrier out of the program' },
    ]),
  ),
};

/** Shown to both only when it is there: the project does not need it. */
const CORPUS = '../shared/corpus';

const filesOf = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir)
        .filter((f) => f.endsWith('.mlir') && !f.includes('emitted') && NOT_YET[f] === undefined)
        .map((f) => `${dir}/${f}`)
    : [];
const programs: Program[] = ['examples', 'tests/xla/fixtures', CORPUS]
  .flatMap(filesOf)
  .map((file) => ({ name: file, text: readFileSync(file, 'utf8') }));

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
      const known = KNOWN[program.name.split('/').at(-1) as string];
      if (known === undefined) expect(values.differences).toEqual([]);
      else expect(values.differences.length, known.why).toBe(known.values);
      expect(compareRules(program, judge(program)).differences).toEqual([]);
    },
    120_000,
  );
});
