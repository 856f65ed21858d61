/** What a diagnostic code means. */
import { CODES } from '../ir/codes.ts';

/** `text` looks like SH0211; an unknown one says so. */
export function explainCode(text: string): string {
  const found = Object.hasOwn(CODES, text) ? CODES[text] : undefined;
  if (found === undefined) return `There is no code ${text}. The codes: ${Object.keys(CODES).join(', ')}.`;
  return `${text}: ${found.meaning}\n  ${found.todo}`;
}
