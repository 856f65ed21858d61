/** Programs written in TypeScript: the file is run, and what it exports by default is the program. */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DiagnosticError, userError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import type { Module } from '../ir/program.ts';
import { diagnosticAt } from './dsl/errors.ts';

export const isTypeScript = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);

export interface TracedProgram {
  readonly module: Module;
  readonly registry: Registry;
}

/**
 * `export default trace(fn, { mesh, args })`, or a function that returns it. The file is run by Node, through tsx, which
 * takes its types away; its imports are resolved from where it lies.
 */
export async function loadTypeScript(file: string): Promise<TracedProgram> {
  // Stack traces then name lines of the TypeScript.
  process.setSourceMapsEnabled(true);
  const { tsImport } = await import('tsx/esm/api');
  let exported: unknown;
  try {
    const namespace = (await tsImport(pathToFileURL(resolve(file)).href, import.meta.url)) as { default?: unknown };
    const found = defaultOf(namespace);
    exported = typeof found === 'function' ? await found() : found;
  } catch (error) {
    throw asDiagnostic(error, file);
  }
  if (!isTraced(exported))
    throw userError(
      'SH0610',
      `${file} exports ${exported === undefined ? 'nothing' : `a ${typeof exported}`} by default`,
      {
        expected: 'export default trace(fn, { mesh, args }), or a function that returns that',
      },
    );
  return exported;
}

/** A CommonJS file has its exports one level down. */
function defaultOf({ default: found }: { default?: unknown }): unknown {
  const inner = typeof found === 'object' && found !== null && 'default' in found ? found.default : undefined;
  return isTraced(found) || inner === undefined ? found : inner;
}

/** By form: the file may have brought a shardc of its own. */
const isTraced = (x: unknown): x is TracedProgram =>
  typeof x === 'object' && x !== null && 'module' in x && 'registry' in x && typeof x.registry === 'object';

function asDiagnostic(error: unknown, file: string): Error {
  if (error instanceof Error && 'diagnostics' in error && Array.isArray(error.diagnostics))
    return new DiagnosticError(error.diagnostics);
  const message = error instanceof Error ? error.message : String(error);
  return diagnosticAt(placeOf(error, file), 'SH0614', `${file} cannot be run: ${message.split('\n')[0] ?? ''}`);
}

/** The innermost frame in the file, or where it does not parse. */
function placeOf(error: unknown, file: string) {
  const path = resolve(file);
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : '';
  const frame = [...text.matchAll(/(?:\(|at |^)((?:file:\/\/)?[^\s()]+?):(\d+):(\d+)/gm)].find(([, where = '']) => {
    const plain = where.startsWith('file://') ? fileURLToPath(where.split('?')[0] as string) : where;
    return resolve(plain) === path;
  });
  return frame === undefined
    ? { file: path, line: 1 }
    : { file: path, line: Number(frame[2]), column: Number(frame[3]) };
}
