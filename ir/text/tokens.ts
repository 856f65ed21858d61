/** The words of .tir. Lexing is linear in the text, also for hostile text: long tokens are scanned by hand. */
import { createToken, type IToken, Lexer, type TokenType } from 'chevrotain';
import { type Diagnostic, DiagnosticError } from '../diagnostics.ts';
import type { SourceText, Span } from '../program.ts';

/** Longest text shown of a token in a message. */
const SHOWN = 40;
/** Brackets may nest this deep; the parser recurses once or twice per level. */
export const MAX_NESTING = 200;
const MAX_ERRORS = 20;

type Scan = (text: string, offset: number) => [string] | null;

/** Characters from `offset` on as long as `accept` holds. */
function scanWhile(text: string, offset: number, accept: (code: number) => boolean): number {
  let end = offset;
  while (end < text.length && accept(text.charCodeAt(end))) end++;
  return end;
}

const isWord = (c: number): boolean =>
  (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 36 || c === 46;
const isWordStart = (c: number): boolean => isWord(c) && !(c >= 48 && c <= 57) && c !== 46;

const scanIdent: Scan = (text, offset) =>
  isWordStart(text.charCodeAt(offset)) ? [text.slice(offset, scanWhile(text, offset, isWord))] : null;

const scanSigil =
  (sigil: string, first: (code: number) => boolean): Scan =>
  (text, offset) => {
    if (text[offset] !== sigil || !first(text.charCodeAt(offset + 1))) return null;
    return [text.slice(offset, scanWhile(text, offset + 1, isWord))];
  };

/** A quoted text on one line; `closed` asks for the closing quote. */
const scanString =
  (prefix: string, closed: boolean): Scan =>
  (text, offset) => {
    if (!text.startsWith(`${prefix}"`, offset)) return null;
    let end = offset + prefix.length + 1;
    for (; end < text.length; end++) {
      const c = text[end];
      if (c === '"') return closed ? [text.slice(offset, end + 1)] : null;
      if (c === '\n') break;
      if (c === '\\') end++;
    }
    return closed ? null : [text.slice(offset, Math.min(end, text.length))];
  };

const scanComment: Scan = (text, offset) => {
  if (!text.startsWith('//', offset)) return null;
  const newline = text.indexOf('\n', offset);
  return [text.slice(offset, newline === -1 ? text.length : newline)];
};

const NUMBER = /-?(?:[0-9][0-9]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|inf|nan)/y;
const scanNumber: Scan = (text, offset) => {
  NUMBER.lastIndex = offset;
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const next = text.charCodeAt(offset + match[0].length);
  return isWord(next) && !/[0-9.]$/.test(match[0]) ? null : [match[0]];
};

const WORDS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$'.split('');
const scanned = (name: string, label: string, pattern: Scan, start: string[], rest: object = {}): TokenType =>
  createToken({ name, label, pattern, start_chars_hint: start, line_breaks: false, ...rest });
const symbol = (name: string, text: string): TokenType => createToken({ name, label: `"${text}"`, pattern: text });

const whitespace = createToken({ name: 'WhiteSpace', pattern: /\s+/, group: Lexer.SKIPPED, line_breaks: true });
const comment = scanned('Comment', 'a comment', scanComment, ['/'], { group: Lexer.SKIPPED });

export const Ident = scanned('Ident', 'a name', scanIdent, WORDS);
const word = (text: string, reserved: boolean): TokenType =>
  createToken({
    name: `Word_${text}`,
    label: `"${text}"`,
    pattern: text,
    longer_alt: Ident,
    ...(reserved ? {} : { categories: [Ident] }),
  });
export const ModuleWord = word('module', false);
export const MeshWord = word('mesh', false);
export const PrivateWord = word('private', false);
export const FuncWord = word('func', true);
export const True = word('true', true);
export const False = word('false', true);
export const Value = scanned('Value', 'a value such as %x', scanSigil('%', isWord), ['%']);
export const GlobalName = scanned('GlobalName', 'a name such as @main', scanSigil('@', isWordStart), ['@']);
export const Num = scanned('Number', 'a number', scanNumber, [...'-0123456789in']);
export const Text = scanned('Text', 'a quoted text', scanString('', true), ['"']);
export const Base64 = scanned('Base64', 'base64 data', scanString('base64', true), ['b']);
const openText = scanned('OpenText', 'an unterminated text', scanString('', false), ['"']);
export const At = symbol('At', '@');
export const Arrow = symbol('Arrow', '->');
export const LCurly = symbol('LCurly', '{');
export const RCurly = symbol('RCurly', '}');
export const LParen = symbol('LParen', '(');
export const RParen = symbol('RParen', ')');
export const LSquare = symbol('LSquare', '[');
export const RSquare = symbol('RSquare', ']');
export const Comma = symbol('Comma', ',');
export const Colon = symbol('Colon', ':');
export const Semicolon = symbol('Semicolon', ';');
export const Equals = symbol('Equals', '=');
export const Plus = symbol('Plus', '+');
export const Question = symbol('Question', '?');

export const vocabulary: TokenType[] = [
  whitespace,
  comment,
  Base64,
  Arrow,
  Num,
  ModuleWord,
  MeshWord,
  PrivateWord,
  FuncWord,
  True,
  False,
  Ident,
  Value,
  GlobalName,
  Text,
  openText,
  At,
  LCurly,
  RCurly,
  LParen,
  RParen,
  LSquare,
  RSquare,
  Comma,
  Colon,
  Semicolon,
  Equals,
  Plus,
  Question,
];

const lexer = new Lexer(vocabulary, {
  positionTracking: 'onlyOffset',
  ensureOptimizations: true,
  recoveryEnabled: true,
});

export const spanOf = (token: IToken): Span => ({
  start: token.startOffset,
  end: token.startOffset + ((token.image as string | undefined)?.length ?? 0),
});
export const shorten = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);

/** The tokens of the text. Throws SH0101 (characters, unterminated text), SH0104 (nesting). */
export function tokenize({ text }: SourceText): IToken[] {
  const binary = text.search(/[\u0000-\u0008\u000e-\u001f\ufffd]/);
  if (binary !== -1) {
    throw new DiagnosticError([
      lexical('SH0101', 'this is not a text file', { start: binary, end: binary + 1 }, 'a .tir file in UTF-8'),
    ]);
  }
  const { tokens, errors } = lexer.tokenize(text);
  const found = errors.map((e) =>
    lexical('SH0101', `unexpected character ${JSON.stringify(shorten(text.slice(e.offset, e.offset + e.length)))}`, {
      start: e.offset,
      end: e.offset + e.length,
    }),
  );
  for (const token of tokens) {
    if (token.tokenType !== openText) continue;
    found.push(lexical('SH0101', 'this text is not closed on its line', spanOf(token), 'a closing "'));
    if (found.length >= MAX_ERRORS) break;
  }
  if (found.length > 0)
    throw new DiagnosticError(found.sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0)).slice(0, MAX_ERRORS));
  checkNesting(tokens);
  return tokens;
}

function checkNesting(tokens: readonly IToken[]): void {
  let depth = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    if (type === RCurly || type === RParen || type === RSquare) depth--;
    if (type !== LCurly && type !== LParen && type !== LSquare) continue;
    if (++depth <= MAX_NESTING) continue;
    throw new DiagnosticError([lexical('SH0104', `brackets nest more than ${MAX_NESTING} deep`, spanOf(token))]);
  }
}

const lexical = (code: string, message: string, span: Span, expected?: string): Diagnostic => ({
  code,
  severity: 'error',
  cause: 'user',
  message,
  span,
  expected,
});
