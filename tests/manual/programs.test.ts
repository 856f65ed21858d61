/** Manual computations: each program gives the same numbers after every pass, and on its devices. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';
import { isCollective, mainFunction, type Module, walkOps } from '../../ir/program.ts';

const folder = join(import.meta.dirname, 'programs');

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
  it.each(readdirSync(folder))('%s', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const source = parseTir({ file, text }, registry);
    const verifier = new EachPassVerifier(source, registry, 1);
    const compiled = compile(source, { onPass: (pass, module) => verifier.after(pass.name, module) });
    for (const seed of [2, 3]) expect(runCheck(compiled, 'full', seed)).toMatchObject({ verdict: 'ok', mode: 'full' });
    const expected = /^\/\/ collectives: (.*)$/m.exec(text)?.[1];
    if (expected !== undefined) expect(collectivesOf(compiled.module)).toBe(expected.split(' ').sort().join(' '));
  });
});
