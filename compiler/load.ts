/** From a file, or standard input, to a parsed module: .tir, StableHLO text, TypeScript. */
import { readFileSync, statSync } from 'node:fs';
import { userError } from '../ir/diagnostics.ts';
import type { Mesh } from '../ir/mesh.ts';
import { checkProgramSize } from '../ir/program-size.ts';
import type { Registry } from '../ir/op.ts';
import { registry as standard } from '../ir/ops/index.ts';
import type { Module, SourceText } from '../ir/program.ts';
import { importStablehlo } from '../ir/stablehlo/import.ts';
import { parseTir } from '../ir/text/parse.ts';
import { foreignFormat } from './foreign-format.ts';
import { isTypeScript, loadTypeScript, type TracedProgram } from './load-typescript.ts';

/** Larger files are refused before they are read: 512 MiB. */
const MAX_BYTES = 512 * 2 ** 20;

/** A program's text; one in TypeScript has been run, and is a module already. */
export interface Input extends SourceText {
  readonly traced?: TracedProgram;
}

export async function readInput(file: string): Promise<Input> {
  const source = readSource(file);
  return isTypeScript(file) ? { ...source, traced: await loadTypeScript(file) } : source;
}

/** The ops that the program is written with. */
export const registryOf = (input: Input): Registry => input.traced?.registry ?? standard;

/** `-` is standard input. */
export function readSource(file: string): SourceText {
  if (file === '-') return nonEmpty('<stdin>', readFileSync(0, 'utf8'));
  const info = statSync(file, { throwIfNoEntry: false });
  if (info === undefined) throw userError('SH0001', `there is no file ${file}`, { help: 'check the path' });
  if (!info.isFile()) throw userError('SH0002', `${file} is not a file`, { expected: 'a program as text' });
  if (info.size > MAX_BYTES)
    throw userError('SH0003', `${file} has ${info.size} bytes`, { expected: `at most ${MAX_BYTES}` });
  return nonEmpty(file, readFileSync(file, 'utf8'));
}

function nonEmpty(file: string, text: string): SourceText {
  if (text.trim() === '') throw userError('SH0004', `${file} is empty`, { expected: 'a program' });
  return { file, text };
}

/** `mesh`: what GSPMD's shardings are expressed on. Throws DiagnosticError with every mistake found. */
export function parseSource(source: Input, registry: Registry = standard, mesh?: () => Mesh): Module {
  if (source.traced !== undefined) return source.traced.module;
  const foreign = foreignFormat(source);
  if (foreign !== undefined) throw foreign;
  checkProgramSize(source);
  return languageOf(source) === 'tir'
    ? parseTir(source, registry)
    : importStablehlo(source, mesh === undefined ? {} : { mesh });
}

/** By the file's ending; else by how MLIR, and nothing else, begins. */
export function languageOf({ file, text }: SourceText): 'tir' | 'stablehlo' {
  if (file.endsWith('.tir')) return 'tir';
  if (/\.(mlir|stablehlo)$/.test(file)) return 'stablehlo';
  const start = text.slice(0, 1 << 16).replace(/^(\s+|\/\/[^\n]*(\n|$))*/, '');
  return /^(#|"builtin\.module"|func\.func|module\s*(@[\w$.-]+\s*)?(attributes\b|\{))/.test(start)
    ? 'stablehlo'
    : 'tir';
}
