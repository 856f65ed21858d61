/** Programs written in TypeScript: the file is run, and what it exports by default is the program. */
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { userError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import type { Module } from '../ir/program.ts';
import { isRecord } from './dsl/tree.ts';
import { modelMistake } from './model-mistakes.ts';

export const isTypeScript = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);

export interface TracedProgram {
  readonly module: Module;
  readonly registry: Registry;
}

/**
 * `export default trace(fn, { mesh, args })`, or a function that returns it. The file is run by Node, through tsx, which
 * takes its types away; its imports are resolved from where it lies.
 */
export const loadTypeScript = async (file: string): Promise<TracedProgram> => programOf(await loadModule(file), file);

/** The program among what a file exports. */
export async function programOf(namespace: Readonly<Record<string, unknown>>, file: string): Promise<TracedProgram> {
  let exported: unknown;
  try {
    const found = defaultOf(namespace);
    exported = typeof found === 'function' ? await found() : found;
    if (isTraced(exported)) return exported;
  } catch (error) {
    throw modelMistake(error, file);
  }
  throw userError(
    'SH0610',
    `${file} exports ${exported === undefined ? 'nothing' : `a ${typeof exported}`} by default`,
    {
      expected: 'export default trace(fn, { mesh, args }), or a function that returns that',
    },
  );
}

/** What the file exports. */
export async function loadModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  // Stack traces then name lines of the TypeScript.
  process.setSourceMapsEnabled(true);
  // Else a function that calls itself fills the stack with shardc's frames, and none of the user's is shown.
  Error.stackTraceLimit = 100;
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, import.meta.url, { data: { own: ownEntries() } });
  const { tsImport } = await import('tsx/esm/api');
  try {
    return (await tsImport(pathToFileURL(resolve(file)).href, import.meta.url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw modelMistake(error, file);
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
  typeof x === 'object' &&
  x !== null &&
  'module' in x &&
  isRecord(x.module) &&
  [x.module.functions, x.module.meshes].every(Array.isArray) &&
  'registry' in x &&
  isRecord(x.registry);
