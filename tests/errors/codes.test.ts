/** Every code that can be told has its text, and every text its code. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../ir/codes.ts';

const sources = ['ir', 'passes', 'runtime-sim', 'compiler'].flatMap((dir) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && f !== 'codes.ts')
    .map((f) => readFileSync(`${dir}/${f}`, 'utf8')),
);
const used = new Set(sources.flatMap((text) => [...text.matchAll(/'(SH\d{4})'/g)].map((m) => m[1] as string)));

describe('diagnostic codes', () => {
  it('are all explained', () => expect([...used].filter((c) => CODES[c] === undefined)).toEqual([]));
  it('are all in use', () => expect(Object.keys(CODES).filter((c) => !used.has(c))).toEqual([]));
});
