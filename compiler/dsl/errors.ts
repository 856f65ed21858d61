/** Mistakes of a program in TypeScript: one diagnostic each, with the user's own line. */
import { existsSync, readFileSync } from 'node:fs';
import { type Diagnostic, DiagnosticError, render } from '../../ir/diagnostics.ts';
import type { SourceText, Span, UserLoc } from '../../ir/program.ts';
import { callerOrigin } from './location.ts';

/** Throws; the error's text is the whole diagnostic, so that an uncaught one reads well. */
export function fail(code: string, message: string, rest: Pick<Diagnostic, 'expected' | 'help'> = {}): never {
  throw diagnosticAt(callerOrigin().user, code, message, rest);
}

export function diagnosticAt(
  user: UserLoc | undefined,
  code: string,
  message: string,
  rest: Partial<Diagnostic> = {},
): DiagnosticError {
  const diagnostic: Diagnostic = { code, severity: 'error', cause: 'user', message, ...placeOf(user), ...rest };
  const error = new DiagnosticError([diagnostic]);
  error.message = render(diagnostic);
  return error;
}

/** The place as a span of the file's text, where the file can be read. */
export function placeOf(user: UserLoc | undefined): { source?: SourceText; span?: Span } {
  if (user === undefined || !existsSync(user.file)) return {};
  const text = readFileSync(user.file, 'utf8');
  const start = offsetOf(text, user.line, user.column ?? 1);
  const word = /^[\w$.]*/.exec(text.slice(start, start + 80))?.[0] ?? '';
  return { source: { file: user.file, text }, span: { start, end: start + Math.max(1, word.length) } };
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const newline = text.indexOf('\n', start);
    if (newline === -1) return start;
    start = newline + 1;
  }
  return Math.min(start + column - 1, text.length);
}
