/** What a diagnostic code means. */
import { CODES } from '../ir/codes.ts';
import { userError } from '../ir/diagnostics.ts';

/** `text` looks like SH0211. */
export function explainCode(text: string): string {
  const found = Object.hasOwn(CODES, text) ? CODES[text] : undefined;
  if (found !== undefined) return `${text}: ${found.meaning}\n  ${found.todo}`;
  const codes = Object.keys(CODES);
  const alike = codes.filter((c) => c.slice(0, 4) === text.slice(0, 4));
  throw userError('SH0715', `there is no code ${text}`, { expected: (alike.length > 0 ? alike : codes).join(', ') });
}
