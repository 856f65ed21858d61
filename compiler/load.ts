/** From a file to a parsed module. */
import { readFileSync, statSync } from 'node:fs';
import { userError } from '../ir/diagnostics.ts';
import type { Module, SourceText } from '../ir/program.ts';
import { importStablehlo } from '../ir/stablehlo/import.ts';

/** Larger files are refused before they are read: 512 MiB. */
const MAX_BYTES = 512 * 2 ** 20;

export function readSource(file: string): SourceText {
  const info = statSync(file, { throwIfNoEntry: false });
  if (info === undefined) throw userError('SH0001', `there is no file ${file}`, { help: 'check the path' });
  if (!info.isFile()) throw userError('SH0002', `${file} is not a file`, { expected: 'a program as text' });
  if (info.size > MAX_BYTES) throw userError('SH0003', `${file} has ${info.size} bytes`, { expected: `at most ${MAX_BYTES}` });
  const text = readFileSync(file, 'utf8');
  if (text.trim() === '') throw userError('SH0004', `${file} is empty`, { expected: 'a program' });
  return { file, text };
}

export const parseSource = (source: SourceText): Module => importStablehlo(source);
