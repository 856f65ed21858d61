/** Around every command: what goes wrong becomes diagnostics on standard error and an exit code. */
import { InvalidArgumentError } from 'commander';
import { type Diagnostic, DiagnosticError, exitCode, internalError, render } from '../../ir/diagnostics.ts';
import type { Module, SourceText } from '../../ir/program.ts';
import { type Input, parseSource, readInput, readSource } from '../load.ts';
import { newMesh, overrideMesh } from '../mesh-override.ts';

export const guard = (file: string, run: (source: Input) => void | Promise<void>): Promise<void> =>
  guarded(() => readInput(file), run);

/** Of a file that is no program. */
export const guardText = (file: string, run: (source: SourceText) => void): Promise<void> =>
  guarded(() => readSource(file), run);

async function guarded<S extends SourceText>(
  read: () => S | Promise<S>,
  run: (source: S) => void | Promise<void>,
): Promise<void> {
  let source: S | undefined;
  try {
    source = await read();
    await run(source);
  } catch (error) {
    if (process.env.SHARDC_DEBUG === '1') throw error;
    const { diagnostics } = error instanceof DiagnosticError ? error : bug(error);
    printDiagnostics(diagnostics, source);
    process.exitCode = exitCode(diagnostics);
  }
}

export function printDiagnostics(diagnostics: readonly Diagnostic[], source: SourceText | undefined): void {
  for (const d of diagnostics) console.error(render(d, source));
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
