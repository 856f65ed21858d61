/** Manual computations: each program gives the same numbers after every pass, and on its devices. */
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isCollective, mainFunction, type Module, walkOps } from '../../ir/program.ts';
import { expectSameNumbers, programsIn } from '../harness/same-numbers.ts';

/** `all_reduce=2 all_gather=1`, by kind; a slice moves nothing. */
function collectivesOf(module: Module): string {
  const counts = new Map<string, number>();
  for (const op of walkOps(mainFunction(module).body))
    if (isCollective(op) && op.kind !== 'all_slice') counts.set(op.kind, (counts.get(op.kind) ?? 0) + 1);
  return [...counts]
    .map(([kind, n]) => `${kind}=${n}`)
    .sort()
    .join(' ');
}

describe('manual computations', () => {
  it.each(programsIn(join(import.meta.dirname, 'programs')).map((file) => ({ file, name: basename(file) })))(
    '$name',
    ({ file }) => {
      const { text, compiled } = expectSameNumbers(file);
      const expected = /^\/\/ collectives: (.*)$/m.exec(text)?.[1];
      if (expected !== undefined) expect(collectivesOf(compiled.module)).toBe(expected.split(' ').sort().join(' '));
    },
  );
});
