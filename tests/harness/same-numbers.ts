/** Programs in .tir files that must compute the same after every pass, and on their devices. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Compiled, compile, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';

export const programsIn = (folder: string): string[] => readdirSync(folder).map((file) => join(folder, file));

/** Compiles it, with its numbers compared after each pass, and checks it with two seeds more. */
export function expectSameNumbers(file: string): { text: string; compiled: Compiled } {
  const text = readFileSync(file, 'utf8');
  const source = parseTir({ file, text }, registry);
  const verifier = new EachPassVerifier(source, registry, 1);
  const compiled = compile(source, { onPass: (pass, module) => verifier.after(pass.name, module) });
  for (const seed of [2, 3]) expect(runCheck(compiled, 'full', seed)).toMatchObject({ verdict: 'ok', mode: 'full' });
  return { text, compiled };
}
