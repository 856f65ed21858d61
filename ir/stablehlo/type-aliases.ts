/**
 * `!name = tuple<…>` at top level: MLIR names types that are long. Every use becomes the type itself, where it stands.
 *
 *   !pair = tuple<tensor<4xf32>, tensor<i32>>
 *   func.func @f() -> !pair              →  func.func @f() -> tuple<tensor<4xf32>, tensor<i32>>
 */
import type { IToken } from 'chevrotain';
import { userError } from '../diagnostics.ts';
import { T } from './tokens.ts';

/** Names of names grow fast: beyond this it is no program. */
const MOST_TOKENS = 5_000_000;

export function withoutTypeAliases(tokens: readonly IToken[]): readonly IToken[] {
  const isAlias = (i: number): boolean =>
    tokens[i]?.tokenType === T.dialectType && tokens[i + 1]?.image === '=' && tokens[i + 2] !== undefined;
  if (!tokens.some((_, i) => isAlias(i))) return tokens;
  const named = new Map<string, readonly IToken[]>();
  const found: IToken[] = [];
  const push = (to: IToken[], token: IToken): void => {
    const type = token.tokenType === T.dialectType ? named.get(token.image) : undefined;
    if (type === undefined) to.push(token);
    // An error in it is shown where it is used.
    else for (const t of type) to.push({ ...token, image: t.image, tokenType: t.tokenType });
    if (to.length > tokens.length + MOST_TOKENS)
      throw userError('SH0101', 'the names of types stand for too much', {
        span: { start: token.startOffset, end: token.startOffset + token.image.length },
        expected: `no more than ${MOST_TOKENS} tokens when they are written out`,
      });
  };
  for (let i = 0; i < tokens.length; i++) {
    if (!isAlias(i)) {
      push(found, tokens[i] as IToken);
      continue;
    }
    const end = endOfType(tokens, i + 2);
    const type: IToken[] = [];
    for (const token of tokens.slice(i + 2, end)) push(type, token);
    named.set((tokens[i] as IToken).image, type);
    i = end - 1;
  }
  return found;
}

/** A tuple ends with its brackets, other types are one token. */
function endOfType(tokens: readonly IToken[], start: number): number {
  let at = start + 1;
  if (tokens[at]?.image !== '<') return at;
  let depth = 0;
  do {
    const image = tokens[at++]?.image;
    if (image === '<') depth++;
    else if (image === '>') depth--;
  } while (depth > 0 && at < tokens.length);
  return at;
}
