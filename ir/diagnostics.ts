/** One type for everything shardc tells a user, and the table of codes. */
import { codeFrameColumns } from '@babel/code-frame';
import type { SourceText, Span } from './program.ts';

export type Severity = 'error' | 'warning' | 'note';

/** user: your program (exit 1). unsupported: not supported yet (exit 2). internal: our bug (exit 70). */
export type Cause = 'user' | 'unsupported' | 'internal';

export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly cause: Cause;
  /** What is wrong, in one sentence. */
  readonly message: string;
  readonly span?: Span | undefined;
  /** What the span is of, where that is not the program's own text: the user's TypeScript. */
  readonly source?: SourceText | undefined;
  /** What was expected. */
  readonly expected?: string | undefined;
  /** What to do. */
  readonly help?: string | undefined;
}

/** Carries diagnostics out of deep code; the CLI prints them all. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
    this.diagnostics = diagnostics;
  }
}

export const userError = (code: string, message: string, rest: Partial<Diagnostic> = {}): DiagnosticError =>
  new DiagnosticError([{ code, severity: 'error', cause: 'user', message, ...rest }]);
export const unsupported = (what: string, rest: Partial<Diagnostic> = {}): DiagnosticError =>
  new DiagnosticError([
    { code: 'SH0900', severity: 'error', cause: 'unsupported', message: `not supported yet: ${what}`, ...rest },
  ]);
export const internalError = (message: string, rest: Partial<Diagnostic> = {}): DiagnosticError =>
  new DiagnosticError([{ code: 'SH0999', severity: 'error', cause: 'internal', message, ...rest }]);

export const exitCode = (diagnostics: readonly Diagnostic[]): number => {
  const errors = diagnostics.filter((d) => d.severity === 'error');
  if (errors.some((d) => d.cause === 'internal')) return 70;
  if (errors.some((d) => d.cause === 'unsupported')) return 2;
  return errors.length > 0 ? 1 : 0;
};

/** Line and column, both from 1. The first question about a text goes through it once; each takes a chunk's time. */
export function position(source: SourceText, offset: number): { line: number; column: number } {
  const { text } = source;
  let lines = lineTables.get(source);
  if (lines === undefined) lineTables.set(source, (lines = lineTable(text)));
  const chunk = Math.min(Math.floor(offset / CHUNK), lines.before.length - 1);
  let line = lines.before[chunk] as number;
  let start = lines.starts[chunk] as number;
  for (let at = text.indexOf('\n', chunk * CHUNK); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return { line: line + 1, column: offset - start + 1 };
}

/** Per chunk of a text: the line breaks before it, and where the line starts that it starts in. */
interface LineTable {
  readonly before: Uint32Array;
  readonly starts: Uint32Array;
}

const CHUNK = 4096;
const lineTables = new WeakMap<SourceText, LineTable>();

function lineTable(text: string): LineTable {
  const chunks = Math.floor(text.length / CHUNK) + 1;
  const [before, starts] = [new Uint32Array(chunks), new Uint32Array(chunks)];
  let [line, start] = [0, 0];
  let at = text.indexOf('\n');
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (; at !== -1 && at < chunk * CHUNK; at = text.indexOf('\n', at + 1)) [line, start] = [line + 1, at + 1];
    [before[chunk], starts[chunk]] = [line, start];
  }
  return { before, starts };
}

/** The diagnostic as people read it: code, place, frame, expected, help. Long source lines are cut around the place. */
export function render(diagnostic: Diagnostic, text?: SourceText): string {
  const { code, severity, message, span, source = text, expected, help } = diagnostic;
  const lines = [`${severity}[${code}]: ${message}`];
  if (source !== undefined) lines.push(`  --> ${placeText(diagnostic, text) ?? source.file}`);
  if (source !== undefined && span !== undefined) lines.push(frame(source, span));
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (help !== undefined) lines.push(`  help: ${help}`);
  return lines.join('\n');
}

/** `model.mlir:12:3`; undefined where no place is known. */
export function placeText({ span, source }: Diagnostic, text?: SourceText): string | undefined {
  const of = source ?? text;
  if (of === undefined || span === undefined) return undefined;
  const { line, column } = position(of, span.start);
  return `${of.file}:${line}:${column}`;
}

const WIDTH = 100;

/** Code frame over the line(s) around the span only, so that a 10 MB line does not flood the terminal. */
function frame(source: SourceText, span: Span): string {
  const { text } = source;
  const lineStart = text.lastIndexOf('\n', Math.max(0, span.start - 1)) + 1;
  const newline = text.indexOf('\n', span.start);
  const lineEnd = newline === -1 ? text.length : newline;
  const { line } = position(source, span.start);
  const from = Math.max(lineStart, span.start - WIDTH / 2);
  const shown = text.slice(from, Math.min(lineEnd, from + WIDTH)).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '·');
  const column = span.start - from + 1;
  const length = Math.max(1, Math.min(span.end, lineEnd, from + WIDTH) - span.start);
  return codeFrameColumns(
    shown,
    { start: { line: 1, column }, end: { line: 1, column: column + length } },
    { highlightCode: false, linesAbove: 0, linesBelow: 0 },
  )
    .replace('> 1 |', `> ${line} |`)
    .replace(/^ {4}\|/m, `  ${' '.repeat(String(line).length)} |`);
}
