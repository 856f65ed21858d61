/** Loops, branches, calls and barriers: each program gives the same numbers after every pass, and on its devices. */
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registry } from '../../compiler/index.ts';
import { mainFunction, walkOps } from '../../ir/program.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';
import { expectSameNumbers, programsIn } from '../harness/same-numbers.ts';

describe('control flow', () => {
  it.each(programsIn(join(import.meta.dirname, 'programs')).map((file) => ({ file, name: basename(file) })))(
    '$name',
    ({ file }) => {
      const { text, compiled } = expectSameNumbers(file);
      expect(findDeadlocks(compiled.module, registry).diagnostics).toEqual([]);
      const [, kind, count] = /^\/\/ kept: (\w+)=(\d+)$/m.exec(text) ?? [];
      const ops = [...walkOps(mainFunction(compiled.module).body)];
      if (kind !== undefined) expect(ops.filter((op) => op.kind === kind).length).toBe(Number(count));
    },
  );
});
