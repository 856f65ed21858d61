/** Refuses texts that hold more than a program can before a lexer makes an object of every token. */
import { userError } from './diagnostics.ts';
import type { SourceText } from './program.ts';

/** About 200,000 ops; they take about 2 GB to read. */
const MAX_TOKENS = 6_000_000;

const isWord = (c: number): boolean =>
  (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || c === 46 || c > 127;
const QUOTE = 34;

/** Linear in the text, which is read once. Throws SH0006. */
export function checkProgramSize({ text, file }: SourceText): void {
  if (text.length <= MAX_TOKENS) return;
  const tokens = tokensAtLeast(text);
  if (tokens > MAX_TOKENS)
    throw userError('SH0006', `${file} holds more than ${MAX_TOKENS.toLocaleString('en')} tokens`, {
      expected: `at most ${MAX_TOKENS.toLocaleString('en')}: a program of about 200,000 ops`,
      help: 'keep equal layers in a loop, or in a function that is called',
    });
}

/** Words, texts and signs; stops once they are too many. */
function tokensAtLeast(text: string): number {
  let tokens = 0;
  let inWord = false;
  for (let at = 0; at < text.length && tokens <= MAX_TOKENS; at++) {
    const c = text.charCodeAt(at);
    if (isWord(c)) {
      if (!inWord) tokens++;
      inWord = true;
      continue;
    }
    inWord = false;
    if (c <= 32) continue;
    tokens++;
    if (c !== QUOTE) continue;
    const close = text.indexOf('"', at + 1);
    if (close === -1) break;
    at = close;
  }
  return tokens;
}
