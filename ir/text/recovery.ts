/** What the grammar of .tir leans on: where lines end, how it goes on after a mistake, and what a mistake says. */
import { EmbeddedActionsParser, EOF, type IToken, type ParserMethod } from 'chevrotain';
import type { Diagnostic } from '../diagnostics.ts';
import type { SourceText, Span } from '../program.ts';
import type { AstFile, AstName, AstOp } from './ast.ts';
import * as t from './tokens.ts';

const MAX_ERRORS = 20;

const labels = (paths: readonly (readonly { LABEL?: string; name: string }[])[]): string => {
  const all = [...new Set(paths.map((p) => p[0]?.LABEL ?? p[0]?.name ?? ''))].filter((l) => l !== '');
  return all.length > 1 ? `${all.slice(0, -1).join(', ')} or ${all.at(-1) ?? ''}` : (all[0] ?? 'something else');
};

const MESSAGES = {
  buildMismatchTokenMessage: ({ expected }: { expected: { LABEL?: string; name: string } }): string =>
    expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: (): string => 'a function, or the end of the file',
  buildNoViableAltMessage: ({
    expectedPathsPerAlt,
  }: {
    expectedPathsPerAlt: { LABEL?: string; name: string }[][][];
  }): string => labels(expectedPathsPerAlt.flat()),
  buildEarlyExitMessage: ({
    expectedIterationPaths,
  }: {
    expectedIterationPaths: { LABEL?: string; name: string }[][];
  }): string => labels(expectedIterationPaths),
};

/** A parser that skips a broken op to its next line, so that all mistakes are told at once. */
export abstract class RecoveringParser extends EmbeddedActionsParser {
  private text = '';

  /** `validate` looks for ambiguities of the grammar, which only a change of it can bring: a test does. */
  constructor(validate = false) {
    super(t.vocabulary, {
      recoveryEnabled: false,
      maxLookahead: 2,
      errorMessageProvider: MESSAGES,
      skipValidations: !validate,
    });
  }

  protected abstract readonly file: ParserMethod<[], AstFile>;

  read(source: SourceText, tokens: IToken[]): { file: AstFile; errors: readonly Diagnostic[] } {
    this.text = source.text;
    this.input = tokens;
    const file = this.file();
    const errors = this.errors.slice(0, MAX_ERRORS).map((e): Diagnostic => {
      const end = source.text.length;
      const span = e.token.tokenType === EOF ? { start: end, end } : t.spanOf(e.token);
      const what = e.token.tokenType === EOF ? 'the end of the file' : JSON.stringify(t.shorten(e.token.image));
      return {
        code: 'SH0102',
        severity: 'error',
        cause: 'user',
        message: `unexpected ${what}`,
        span,
        expected: e.message,
      };
    });
    return { file, errors };
  }

  /** No new line before the next token. */
  protected onLine(): boolean {
    return !this.breaksBefore(this.LA(1));
  }

  private breaksBefore(token: IToken): boolean {
    for (let at = token.startOffset - 1; at >= 0; at--) {
      const c = this.text[at];
      if (c === '\n') return true;
      if (c !== ' ' && c !== '\t' && c !== '\r') return false;
    }
    return true;
  }

  protected startsOperand(): boolean {
    const type = this.LA(1).tokenType;
    return type !== t.Ident && !type.CATEGORIES?.includes(t.Ident) && !this.startsRegion();
  }

  protected startsRegion(): boolean {
    const [a, b, c] = [this.LA(1), this.LA(2), this.LA(3)];
    const opens = (token: IToken, next: IToken): boolean =>
      token.tokenType === t.LCurly ||
      (token.tokenType === t.LParen && (next.tokenType === t.Value || next.tokenType === t.RParen));
    if (a.tokenType === t.Ident || a.tokenType.CATEGORIES?.includes(t.Ident) === true) return opens(b, c);
    return opens(a, b);
  }

  /** After a mistake: on to the next line that starts an op at this depth of braces, or to the end of the block. */
  protected recovered(parse: () => AstOp): AstOp {
    if (this.RECORDING_PHASE) return parse();
    const started = this.LA(1);
    try {
      return parse();
    } catch (thrown) {
      if (this.errors.length >= MAX_ERRORS) throw thrown;
      let depth = 0;
      for (let next = this.LA(1); next.tokenType !== EOF; next = this.LA(1)) {
        const { tokenType } = next;
        const starts = tokenType === t.Value || tokenType === t.Ident || tokenType === t.RCurly;
        if (depth <= 0 && next !== started && starts && this.breaksBefore(next)) return this.broken(started);
        if (tokenType === t.LCurly) depth++;
        if (tokenType === t.RCurly) depth--;
        this.SKIP_TOKEN();
      }
      throw thrown;
    }
  }

  /** What can still be told of an op with a mistake: the names it defines, so that their uses are no mistakes too. */
  private broken(from: IToken): AstOp {
    const start = from.startOffset;
    const names = /^%[\w$.]+(?:\s*,\s*%[\w$.]+)*(?=\s*=)/.exec(this.text.slice(start, start + 10_000))?.[0] ?? '';
    const span = this.since(from);
    const results = [...names.matchAll(/%([\w$.]+)/g)].map((m) => ({
      text: m[1] as string,
      span: { start: start + m.index, end: start + m.index + m[0].length },
    }));
    return {
      results,
      kind: { text: from.image, span },
      isBroken: true,
      operands: [],
      attrs: [],
      regions: [],
      annotations: [],
      span,
    };
  }

  protected since(from: IToken): Span {
    const last = this.LA(0);
    return { start: from.startOffset, end: Math.max(from.startOffset, last.startOffset + last.image.length) };
  }
}

/** While chevrotain records the grammar, an option gives a stand-in without an image. */
export const nameOf = (token: IToken, skip = 0): AstName => ({
  text: (token.image as string | undefined)?.slice(skip) ?? '',
  span: t.spanOf(token),
});
