/** Random programs: Shardy's passes and ours agree on all of them, and the laws of propagation hold on each. */
import { describe, expect, it } from 'vitest';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { printSdy } from '../../ir/stablehlo/print-sdy.ts';
import { runSdyPasses } from '../../passes/shardy/pipeline.ts';
import { hasOracle } from './compare.ts';
import { type RandomProgram, randomProgram } from './random-programs.ts';
import { type Asked, askFunctions, differences, type FunctionData, ourFunctions } from './whole-modules.ts';

const SEED = Number(process.env.SEED ?? 1);
const programs = (count: number): RandomProgram[] => Array.from({ length: count }, (_, i) => randomProgram(SEED + i));

const printed = (text: string, flags: readonly string[]): string => {
  const module = edit(importStablehlo({ file: 'random.mlir', text }, { asWritten: true }));
  runSdyPasses(module, flags, registry, () => {});
  return printSdy(module);
};

const differ = (program: RandomProgram, judged: Asked | undefined): string[] =>
  judged?.functions === undefined ? [] : differences(ourFunctions(program.text, program.flags), judged.functions);

/** The smallest program that still differs, found by leaving things out one by one. */
function shrunk(failing: RandomProgram): { program: RandomProgram; found: string[] } {
  let program = failing;
  for (;;) {
    const smaller = program.smaller();
    const judged = askFunctions(smaller);
    const next = smaller.find((p, i) => differ(p, judged[i]).length > 0);
    if (next === undefined) return { program, found: differ(program, askFunctions([program])[0]) };
    program = next;
  }
}

describe.skipIf(!hasOracle())('beside Shardy', () => {
  it('500 random programs have the same layouts', () => {
    const tried = programs(500);
    const judged = askFunctions(tried);
    expect(judged.filter((j) => j.functions !== undefined).length).toBeGreaterThan(480);
    const failing = tried.find((p, i) => differ(p, judged[i]).length > 0);
    if (failing === undefined) return;
    const { program, found } = shrunk(failing);
    expect.fail(`${program.name}, ${program.flags.join(' ')}\n${program.text}\n${found.join('\n')}`);
  }, 300_000);
});

describe('laws', () => {
  const some = programs(60);

  it('propagation is deterministic, and names of values do not matter', () => {
    for (const { text, flags, name } of some) {
      const first = printed(text, flags);
      expect(printed(text, flags), name).toBe(first);
      expect(printed(text.replace(/%v(\d+)/g, '%other_$1'), flags), name).toBe(first);
    }
  });

  it.each(['basic', 'aggressive'])('%s propagation is idempotent', (level) => {
    const pass = `-sdy-${level}-propagate`;
    for (const { text, name } of some) {
      const once = printed(text, ['-sdy-add-data-flow-edges', pass]);
      expect(printed(once, [pass]), name).toBe(once);
    }
  });

  it('closed dims of arguments and results keep their axes', () => {
    for (const { text, name } of some) {
      const given = ourFunctions(text, []).main as FunctionData;
      const found = ourFunctions(text, ['-sdy-add-data-flow-edges', '-sdy-user-priority-propagate'])
        .main as FunctionData;
      for (const side of ['arguments', 'results'] as const)
        given[side].forEach((layout, i) =>
          expect(closed(found[side][i], layout), name).toEqual(closed(layout, layout)),
        );
    }
  });
});

/** The axes of a layout's dims, of those that `like` has closed. */
function closed(layout: string | null | undefined, like: string | null): (string | undefined)[] {
  const dims = (l: string | null | undefined): string[] =>
    l === null || l === undefined ? [] : (l.slice(1, -1).split(';')[0]?.split(', ') ?? []);
  return dims(like).flatMap((dim, i) => (dim.includes('?') ? [] : [dims(layout)[i]?.replace(/ p\d+$/, '')]));
}
