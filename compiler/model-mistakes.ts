/**
 * What goes wrong while a model in TypeScript is read and run, told at the user's own line. Errors that shardc throws on
 * purpose are diagnostics already; what else shardc's code throws there comes of a value that its types refuse, since
 * Node runs a file without looking at them.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { DiagnosticError, internalError } from '../ir/diagnostics.ts';
import type { UserLoc } from '../ir/program.ts';
import { diagnosticAt, placeOf } from './dsl/errors.ts';
import { isOwnFile } from './dsl/location.ts';

export function modelMistake(error: unknown, file: string): DiagnosticError {
  if (error instanceof Error && 'diagnostics' in error && Array.isArray(error.diagnostics))
    return new DiagnosticError(error.diagnostics);
  const { name, text, stack } = told(error);
  const frames = framesOf(stack);
  const at = frames.find(isUsers) ?? importPlace(text, file);
  const rest = at === undefined ? { source: placeOf({ file: resolve(file), line: 1 }).source } : {};
  const [first] = frames;
  if (first === undefined || !isOwnFile(first.file) || /call stack/.test(text))
    return diagnosticAt(at, 'SH0614', `${file} cannot be run: ${text}`, rest);
  if (name === 'TypeError' || name === 'RangeError' || name === 'SyntaxError')
    return diagnosticAt(at, 'SH0617', `a value of another type than is asked for: ${text}`, {
      ...rest,
      help: 'npx tsc --noEmit says which; if it finds none, this is a bug in shardc: SHARDC_DEBUG=1 shows where',
    });
  return internalError(text, { ...rest, ...placeOf(at), help: 'this is a bug in shardc; SHARDC_DEBUG=1 shows where' });
}

interface Told {
  readonly name: string;
  readonly text: string;
  readonly stack: string;
}

/** Anything can be thrown, also what cannot be looked at. */
function told(error: unknown): Told {
  try {
    if (!(error instanceof Error))
      return {
        name: '',
        text: `it threw ${inspect(error, { depth: 1, breakLength: Number.POSITIVE_INFINITY })}`,
        stack: '',
      };
    const { name, message, stack = '' } = error;
    return { name, text: mainLine(message) || name, stack: `${message}\n${stack}` };
  } catch {
    return { name: '', text: 'what it threw has no text', stack: '' };
  }
}

/** esbuild lists what does not parse below a headline: `m.ts:2:10: ERROR: Expected ";" but found "a"`. */
const mainLine = (message: string): string =>
  /: ERROR: (.*)/.exec(message)?.[1] ?? message.split('\n').find((line) => line.trim() !== '') ?? '';

/** Places of a stack, innermost first; before it may stand where a file does not parse, as `m.ts:2:10:` or `m.ts:2`. */
function framesOf(stack: string): UserLoc[] {
  // tsx runs a file as CommonJS from a data URL, whose lines are none of the user's.
  return [
    ...stack
      .replace(/\bdata:\S*/g, 'node:data:1:1')
      .matchAll(/(?:\(|at |^)((?:file:\/\/)?[^\s()]+?):(\d+)(?::(\d+))?(?=[:)\s]|$)/gm),
  ].map(([, where = '', line, column]) => ({
    file: resolve(where.startsWith('file://') ? fileURLToPath(where.split('?')[0] as string) : where),
    line: Number(line),
    ...(column === undefined ? {} : { column: Number(column) }),
  }));
}

const isUsers = ({ file }: UserLoc): boolean =>
  !isOwnFile(file) && !/[\\/]node_modules[\\/]|^node:|[\\/]node:/.test(file);

/** Node does not say where in a file an import stands that leads nowhere. */
function importPlace(text: string, file: string): UserLoc | undefined {
  const [, wanted, from = file] = /Cannot find \w+ '([^']+)'(?: imported from (\S+))?/.exec(text) ?? [];
  const source = wanted === undefined ? undefined : placeOf({ file: resolve(from), line: 1 }).source;
  const name = wanted?.split(/[\\/]/).at(-1) ?? '';
  const at = source?.text
    .split('\n')
    .findIndex((line) => /\b(import|from|require)\b/.test(line) && line.includes(name));
  return at === undefined || at < 0 ? undefined : { file: resolve(from), line: at + 1 };
}
