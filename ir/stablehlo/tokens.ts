/** MLIR text → tokens, by a chevrotain lexer. `tensor<…>` is one token; offsets only, lines are found when needed. */
import { createToken, type IToken, Lexer } from 'chevrotain';
import { userError } from '../diagnostics.ts';
import type { SourceText } from '../program.ts';

/** A quoted string, found by scanning: a regular expression would recurse on a 10 MB one. */
function matchString(text: string, offset: number): [string] | null {
  if (text.charCodeAt(offset) !== 34) return null;
  for (let i = offset + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 92) i++;
    else if (c === 34) return [text.slice(offset, i + 1)];
  }
  return null;
}

const token = (name: string, pattern: RegExp, rest: object = {}): ReturnType<typeof createToken> =>
  createToken({ name, pattern, ...rest });

export const T = {
  space: token('space', /\s+/, { group: Lexer.SKIPPED, line_breaks: true }),
  comment: token('comment', /\/\/[^\n]*/, { group: Lexer.SKIPPED }),
  tensor: token('tensor', /tensor<[^<>"]*(?:<[^<>"]*>)?[^<>"]*>/, { start_chars_hint: ['t'] }),
  value: token('value', /%[A-Za-z0-9_$.-]+(?:#\d+)?/, { start_chars_hint: ['%'] }),
  symbol: token('symbol', /@[A-Za-z0-9_$.-]+/, { start_chars_hint: ['@'] }),
  quotedSymbol: createToken({
    name: 'quotedSymbol',
    pattern: { exec: (s: string, o: number) => (s[o] === '@' ? prefixed('@', matchString(s, o + 1)) : null) } as never,
    line_breaks: true,
    start_chars_hint: ['@'],
  }),
  block: token('block', /\^[A-Za-z0-9_$.-]+/, { start_chars_hint: ['^'] }),
  hash: token('hash', /#[A-Za-z_][A-Za-z0-9_$.]*/, { start_chars_hint: ['#'] }),
  dialectType: token('dialectType', /![A-Za-z_][A-Za-z0-9_$.]*/, { start_chars_hint: ['!'] }),
  string: createToken({
    name: 'string',
    pattern: { exec: matchString } as never,
    line_breaks: true,
    start_chars_hint: ['"'],
  }),
  hex: token('hex', /0x[0-9A-Fa-f]+/),
  number: token('number', /-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/),
  arrow: token('arrow', /->/),
  id: token('id', /[A-Za-z_][A-Za-z0-9_$.]*/),
  punct: token('punct', /[(){}[\]<>=,:?*+\-|/]/),
} as const;

const prefixed = (prefix: string, match: [string] | null): [string] | null =>
  match === null ? null : [prefix + match[0]];

const lexer = new Lexer(Object.values(T), { positionTracking: 'onlyOffset', ensureOptimizations: false });

export function tokenize(source: SourceText): IToken[] {
  const { tokens, errors } = lexer.tokenize(source.text);
  const [error] = errors;
  if (error !== undefined) {
    const unterminated = source.text[error.offset] === '"';
    throw userError('SH0101', unterminated ? 'this string never ends' : 'this is not MLIR text', {
      span: { start: error.offset, end: error.offset + 1 },
      expected: 'StableHLO as `jax.jit(f).lower(...).as_text()` prints it',
      help: unterminated
        ? 'close the string with "'
        : 'is the file binary or truncated? shardc reads text, not MLIR bytecode',
    });
  }
  return tokens;
}
