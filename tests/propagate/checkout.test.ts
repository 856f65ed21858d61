/**
 * Shardy's own tests, where SHARDY_CHECKOUT names a work tree of openxla/shardy (e7813b97 is what jaxlib 0.10.2 holds): each
 * module of each file through the passes of its RUN lines, ours against those in jaxlib. None of their text is kept here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SDY_PASSES } from '../../passes/shardy/pipeline.ts';
import { hasOracle } from './compare.ts';
import { askFunctions, differences, ourFunctions } from './whole-modules.ts';

const CHECKOUT = process.env.SHARDY_CHECKOUT;
const FOLDERS = [
  'propagation/test',
  'propagation/debugging/test',
  'import/test',
  'export/test/insert_explicit_reshards',
];
/** Modules that differ for a known reason (docs/conformance.md). */
const KNOWN = [/tensor<\?x\?xf32>/, /@reshape_overflow_axes_split_and_merge/];

interface Case {
  readonly name: string;
  readonly text: string;
  readonly flags: readonly string[];
}

describe.skipIf(CHECKOUT === undefined || !hasOracle())('Shardy’s tests', () => {
  const root = join(CHECKOUT ?? '', 'shardy/dialect/sdy/transforms');
  const files = CHECKOUT === undefined ? [] : FOLDERS.flatMap((f) => mlirFiles(join(root, f)));
  it.each(files.map((f) => [f.slice(root.length + 1), f] as const))(
    '%s',
    (_, file) => {
      const cases = casesOf(file).filter(({ flags }) => flags.every(isKnown));
      const judged = askFunctions(cases);
      const found = cases.flatMap(({ name, text, flags }, i) => {
        const theirs = judged[i]?.functions;
        if (theirs === undefined || KNOWN.some((k) => k.test(text))) return [];
        return differences(ourFunctions(text, flags), theirs).map((d) => `${name}: ${d}`);
      });
      expect(found).toEqual([]);
    },
    120_000,
  );
});

/** A pass or pipeline that is here (docs/conformance.md names the others). */
const isKnown = (flag: string): boolean => {
  const name = flag.replace(/^-+/, '').replace(/=.*$/, '');
  return name.endsWith('-pipeline') || Object.hasOwn(SDY_PASSES, name);
};

const mlirFiles = (dir: string): string[] =>
  readdirSync(dir)
    .filter((f) => f.endsWith('.mlir'))
    .map((f) => join(dir, f));

/** Every part of a file under every one of its RUN lines. */
function casesOf(file: string): Case[] {
  const text = readFileSync(file, 'utf8');
  const runs = [...text.replaceAll(/\\\n\s*\/\/\s*(?:RUN:)?/g, ' ').matchAll(/^\/\/\s*RUN:\s*(.*)$/gm)];
  const parts = text.split(/^\/\/ -----.*$/m).map((p) => p.replaceAll(/^\s*\/\/.*$/gm, ''));
  return runs.flatMap(([, line = '']) => {
    const flags = [...(line.split('|')[0]?.matchAll(/-sdy-[\w-]+(?:="[^"]*"|=\S+)?/g) ?? [])].map(([f]) =>
      f.replaceAll('"', ''),
    );
    const shown = /split-input-file/.test(line) ? parts : [parts.join('\n')];
    return shown.flatMap((part, i) => (part.trim() === '' ? [] : [{ name: `part ${i}`, text: part, flags }]));
  });
}
