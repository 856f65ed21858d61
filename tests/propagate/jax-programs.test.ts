/** Programs lowered with JAX when the tests run (programs.py): the whole module that Shardy's pipeline makes, exactly. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hasOracle, type Program, PYTHON } from './compare.ts';
import { askFunctions, differences, ourFunctions } from './whole-modules.ts';

const FLAGS = ['-sdy-propagation-pipeline'];

describe.skipIf(!hasOracle())('JAX programs beside Shardy', () => {
  it('every value of every program has the same layout', () => {
    const run = spawnSync(PYTHON, ['tests/propagate/programs.py'], { encoding: 'utf8', maxBuffer: 1 << 30 });
    expect(run.status, run.stderr).toBe(0);
    const programs = JSON.parse(run.stdout) as Program[];
    expect(programs.length).toBeGreaterThan(400);
    const judged = askFunctions(programs.map((p) => ({ ...p, flags: FLAGS })));
    const found = programs.flatMap(({ name, text }, i) => {
      const theirs = judged[i]?.functions;
      if (theirs === undefined) return [`${name}: Shardy says ${judged[i]?.error}`];
      return differences(ourFunctions(text, FLAGS), theirs).map((d) => `${name}: ${d}`);
    });
    expect(found).toEqual([]);
  }, 300_000);
});
