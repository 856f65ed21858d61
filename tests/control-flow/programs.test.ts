/** Loops, branches, calls and barriers: each program gives the same numbers after every pass, and on its devices. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';
import { mainFunction, walkOps } from '../../ir/program.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';

const folder = join(import.meta.dirname, 'programs');

describe('control flow', () => {
  it.each(readdirSync(folder))('%s', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const source = parseTir({ file, text }, registry);
    const verifier = new EachPassVerifier(source, registry, 1);
    const compiled = compile(source, { onPass: (pass, module) => verifier.after(pass.name, module) });
    for (const seed of [2, 3]) expect(runCheck(compiled, 'full', seed)).toMatchObject({ verdict: 'ok', mode: 'full' });
    expect(findDeadlocks(compiled.module, registry).diagnostics).toEqual([]);
    const [, kind, count] = /^\/\/ kept: (\w+)=(\d+)$/m.exec(text) ?? [];
    const ops = [...walkOps(mainFunction(compiled.module).body)];
    if (kind !== undefined) expect(ops.filter((op) => op.kind === kind).length).toBe(Number(count));
  });
});
