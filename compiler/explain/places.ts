/** Where things stand in the user's own text, for every line that explain prints. */
import { position } from '../../ir/diagnostics.ts';
import type { Origin, SourceText } from '../../ir/program.ts';

/** `  (model.py:42)`, the user's own file before the program's text; empty where nothing is known. */
export function place(origin: Origin | undefined, source: SourceText | undefined): string {
  if (origin?.user !== undefined) return `  (${origin.user.file}:${origin.user.line})`;
  if (origin?.span === undefined || source === undefined) return '';
  return `  (${source.file}:${position(source, origin.span.start).line})`;
}

/** The origin in the source that something compiler-made goes back to. */
export function written(origin: Origin | undefined): Origin | undefined {
  let at = origin;
  while (at !== undefined && at.span === undefined && at.user === undefined) at = at.from?.[0];
  return at;
}

/** Equal for what stands at one place of the text. */
export const placeKey = (origin: Origin | undefined): string => {
  const at = written(origin);
  return at?.span !== undefined ? `${at.span.start}` : at?.user === undefined ? '' : `${at.user.file}:${at.user.line}`;
};
