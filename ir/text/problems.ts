/** The mistakes of one text, gathered so that all are told at once. */
import { distance } from 'fastest-levenshtein';
import { type Diagnostic, DiagnosticError } from '../diagnostics.ts';
import type { Span } from '../program.ts';

const MAX_TOLD = 40;
/** A text with more mistakes than this is not read to its end. */
const MAX_FOUND = 10 * MAX_TOLD;
/** Known words that are compared with an unknown one. */
const MAX_COMPARED = 5000;

/** Thrown after a mistake was noted, to leave the op that holds it. */
export class Broken extends Error {}

/** What `run` gives; undefined where it left a broken op. */
export function guarded<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof Broken) return undefined;
    throw thrown;
  }
}

export class Problems {
  private readonly found: Diagnostic[] = [];

  add(code: string, message: string, span: Span, expected?: string, help?: string): void {
    this.found.push({
      code,
      severity: 'error',
      cause: 'user',
      message,
      span,
      expected,
      help,
    });
    if (this.found.length >= MAX_FOUND) this.check();
  }

  /** Notes the mistake and leaves the op at hand. */
  fail(code: string, message: string, span: Span, expected?: string, help?: string): never {
    this.add(code, message, span, expected, help);
    throw new Broken(message);
  }

  addAll(diagnostics: readonly Diagnostic[]): void {
    this.found.push(...diagnostics);
  }

  /** Throws what was found, in the order of the text. */
  check(): void {
    if (this.found.length === 0) return;
    const sorted = [...this.found].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
    throw new DiagnosticError(sorted.slice(0, MAX_TOLD));
  }
}

/** `did you mean "dims"?` where a known word is near. */
export function suggestion(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Of a short word most letters are to be right.
  let least = Math.min(Math.max(2, Math.floor(word.length / 3)), word.length - 1) + 1;
  if (word.length > 64) return undefined;
  let compared = 0;
  for (const k of known) {
    if (++compared > MAX_COMPARED) break;
    const d = distance(word, k);
    if (d < least) [best, least] = [k, d];
  }
  return best === undefined ? undefined : `did you mean "${best}"?`;
}
