/** What the fuzzer found once, each with its story: every level computes what one device computes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseTir } from '../../ir/text/parse.ts';
import { runProgram } from './run-case.ts';

const folder = join(import.meta.dirname, 'found');

it.each(readdirSync(folder))('%s', (file) => {
  const { failure, refused } = runProgram(parseTir({ file, text: readFileSync(join(folder, file), 'utf8') }));
  expect({ failure, refused }).toEqual({ failure: undefined, refused: undefined });
});
