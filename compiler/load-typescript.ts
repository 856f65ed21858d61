/** Programs written in TypeScript: the file is run, and what it exports by default is the program. */
import { register } from 'node:module';
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
  const namespace = await loadModule(file);
  const found = defaultOf(namespace);
  let exported: unknown;
  try {
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

/** What the file exports. */
export async function loadModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  // Stack traces then name lines of the TypeScript.
  process.setSourceMapsEnabled(true);
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, import.meta.url, { data: { own: ownEntries() } });
  const { tsImport } = await import('tsx/esm/api');
  try {
    return (await tsImport(pathToFileURL(resolve(file)).href, import.meta.url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw asDiagnostic(error, file);
  }
}

/**
 * Node's resolve hook: a TypeScript file is an ES module whatever the package.json around it says, and `shardc` is there
 * for files outside of a project that installed it.
 */
const HOOKS = `
let own = {};
export const initialize = (data) => { own = data.own; };
export async function resolve(specifier, context, next) {
  let found;
  try { found = await next(specifier, context); }
  catch (error) {
    if (!Object.hasOwn(own, specifier)) throw error;
    found = await next(own[specifier], context);
  }
  return /\\.ts(\\?|$)/.test(found.url) ? { ...found, format: 'module' } : found;
}`;

/** This package's entries: beside the bundle, or from source. */
function ownEntries(): Readonly<Record<string, string>> {
  const at = (path: string): string => new URL(path, import.meta.url).href;
  return import.meta.url.endsWith('/compiler/load-typescript.ts')
    ? { shardc: at('./index.ts'), 'shardc/testing': at('./testing/index.ts') }
    : { shardc: at('./index.js'), 'shardc/testing': at('./testing.js') };
}

/** A CommonJS file has its exports one level down. */
function defaultOf({ default: found }: Readonly<Record<string, unknown>>): unknown {
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
