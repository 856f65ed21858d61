/** Around every command: what goes wrong becomes diagnostics on standard error and an exit code. */
import { InvalidArgumentError } from 'commander';
import {
  type Diagnostic,
  DiagnosticError,
  exitCode,
  internalError,
  placeText,
  render,
  userError,
} from '../../ir/diagnostics.ts';
import type { Module, SourceText } from '../../ir/program.ts';
import { type Input, parseSource, readInput, readSource } from '../load.ts';
import { isTypeScript } from '../load-typescript.ts';
import { newMesh, overrideMesh } from '../mesh-override.ts';
import { modelMistake } from '../model-mistakes.ts';

export function guard(file: string, run: (source: Input) => void | Promise<void>): Promise<void> {
  if (isTypeScript(file) && process.env.SHARDC_DEBUG !== '1')
    process.once('uncaughtException', (error) => endWith(modelMistake(error, file)));
  return guarded(() => readInput(file), run);
}

/** What a model's callback throws, or its promise, when nobody waits for it any more. */
function endWith({ diagnostics }: DiagnosticError): never {
  printDiagnostics(diagnostics, undefined);
  process.exit(exitCode(diagnostics));
}

/** Of what reads no one file. */
export const guardRun = (run: () => void | Promise<void>): Promise<void> => guarded(() => undefined, run);

/** Of a file that is no program. */
export const guardText = (file: string, run: (source: SourceText) => void): Promise<void> =>
  guarded(() => readSource(file), run);

async function guarded<S extends SourceText | undefined>(
  read: () => S | Promise<S>,
  run: (source: S) => void | Promise<void>,
): Promise<void> {
  let source: S | undefined;
  try {
    source = await orEnded(read);
    await run(source);
  } catch (error) {
    if (process.env.SHARDC_DEBUG === '1') throw error;
    const { diagnostics } = error instanceof DiagnosticError ? error : bug(error);
    printDiagnostics(diagnostics, source);
    process.exitCode = exitCode(diagnostics);
  }
}

/** A model is a program of the user's, and may end the process, or wait for what never comes. */
async function orEnded<T>(read: () => T | Promise<T>): Promise<T> {
  const ended = (): void => {
    const { diagnostics } = userError('SH0614', 'the file ended the process before it gave a program', {
      help: 'it calls process.exit, or waits for a promise that nothing settles',
    });
    printDiagnostics(diagnostics, undefined);
    process.exitCode = exitCode(diagnostics);
  };
  process.once('exit', ended);
  try {
    return await read();
  } finally {
    process.off('exit', ended);
  }
}

/** Warnings of a code that are shown in full; a program that does not divide may have one a value. */
const SHOWN = 5;

/** Errors in full; of many warnings of one kind, the rest a line each. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], source: SourceText | undefined): void {
  const warnings = new Map<string, Diagnostic[]>();
  for (const d of diagnostics) {
    const alike = warnings.get(d.code) ?? [];
    if (d.severity === 'error' || alike.length < SHOWN) console.error(render(d, source));
    if (d.severity === 'error') continue;
    alike.push(d);
    warnings.set(d.code, alike);
  }
  for (const [code, alike] of warnings) {
    const more = alike.slice(SHOWN);
    if (more.length > 0) console.error(`warning[${code}]: ${more.length} more like the ${SHOWN} above`);
    for (const d of more) {
      const place = placeText(d, source);
      console.error(`  ${place === undefined ? '' : `${place}: `}${d.message}`);
    }
  }
}

function bug(error: unknown): DiagnosticError {
  if (error instanceof RangeError && /call stack/i.test(error.message))
    return internalError('the program nests too deeply for this machine');
  return internalError(error instanceof Error ? error.message : String(error), {
    help: 'this is a bug in shardc; SHARDC_DEBUG=1 shows where',
  });
}

/** Parsed, at the mesh sizes asked for; a program with GSPMD's shardings is read on the mesh asked for. */
export function load(source: Input, mesh: string | undefined): Module {
  if (mesh === undefined) return parseSource(source);
  return overrideMesh(
    parseSource(source, undefined, () => newMesh(mesh)),
    mesh,
  );
}

/** Parser of an option that takes a whole number. */
export function integer(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n)) throw new InvalidArgumentError('a whole number');
  return n;
}

/** Parser of an option that may be repeated. */
export const collect = (text: string, before: readonly string[]): string[] => [...before, text];
