/** `loc(...)`: skipped where it stands, resolved to the user's own place through the aliases at the end of the file. */
import type { Origin, UserLoc } from '../program.ts';
import type { Reader } from './reader.ts';

export class Locations {
  private readonly r: Reader;
  /** Alias → index of the token after `=`. */
  private aliases: Map<string, number> | undefined;
  private readonly resolved = new Map<string, UserLoc | undefined>();

  constructor(reader: Reader) {
    this.r = reader;
  }

  /** Takes a `loc(...)` if one stands here. */
  maybe(): Pick<Origin, 'user'> {
    if (!this.r.is('loc') || this.r.peek(1) !== '(') return {};
    this.r.take();
    const user = this.read(this.r.at, 0);
    this.skipParens();
    return user === undefined ? {} : { user };
  }

  /** Of an argument: a bare `loc("params['w']")` is what JAX calls it by. */
  maybeArgument(): Pick<Origin, 'user' | 'label'> {
    const image = this.r.is('loc') ? (this.r.peek(2) ?? '') : '';
    const isName = image.startsWith('"') && this.r.peek(3) === ')';
    return { ...(isName ? { label: unescaped(image) } : {}), ...this.maybe() };
  }

  /** `#loc1 = loc(...)` at top level. */
  skipAlias(): void {
    this.r.take();
    this.r.expect('=');
    if (this.r.is('loc')) {
      this.r.take();
      this.skipParens();
    } else throw this.r.unexpected('loc(...)');
  }

  private skipParens(): void {
    let depth = 0;
    do {
      if (this.r.is('(')) depth++;
      if (this.r.is(')')) depth--;
      this.r.take();
    } while (depth > 0);
  }

  /** Reads the parenthesised location starting at a token, without moving. Prefers the innermost file:line. */
  private read(at: number, depth: number): UserLoc | undefined {
    if (depth > 32) return undefined;
    let level = 0;
    let scope: string | undefined;
    for (let i = at; i < this.r.tokens.length; i++) {
      const image = this.r.tokens[i]?.image ?? '';
      if (image === '(') level++;
      else if (image === ')' && --level === 0) return undefined;
      else if (image.startsWith('"') && this.r.tokens[i + 1]?.image === ':') {
        const line = Number(this.r.tokens[i + 2]?.image);
        const column = Number(this.r.tokens[i + 4]?.image);
        return {
          file: image.slice(1, -1),
          line,
          ...(Number.isNaN(column) ? {} : { column }),
          ...(scope === undefined ? {} : { scope }),
        };
      } else if (image.startsWith('"')) scope = image.slice(1, -1);
      else if (image.startsWith('#loc')) {
        const found = this.alias(image, depth);
        if (found !== undefined) return scope === undefined ? found : { ...found, scope };
      }
    }
    return undefined;
  }

  private alias(name: string, depth: number): UserLoc | undefined {
    if (this.resolved.has(name)) return this.resolved.get(name);
    this.aliases ??= this.findAliases();
    const at = this.aliases.get(name);
    const found = at === undefined ? undefined : this.read(at + 1, depth + 1);
    this.resolved.set(name, found);
    return found;
  }

  private findAliases(): Map<string, number> {
    const found = new Map<string, number>();
    this.r.tokens.forEach((token, i) => {
      if (token.image.startsWith('#loc') && this.r.tokens[i + 1]?.image === '=') found.set(token.image, i + 2);
    });
    return found;
  }
}

/** `"params[\'w\']"` without its quotes and backslashes. */
const unescaped = (image: string): string => image.slice(1, -1).replace(/\\(.)/g, '$1');
