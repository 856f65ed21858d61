/** A cursor over the tokens: what every part of the importer reads with. */
import type { IToken } from 'chevrotain';
import { type DiagnosticError, unsupported, userError } from '../diagnostics.ts';
import type { Span } from '../program.ts';
import { hasUnknownDims, tensor, type TensorType, UNKNOWN } from '../types.ts';
import { elementNamed } from './element-names.ts';
import { T } from './tokens.ts';

/** Nesting of lists, dicts and regions beyond this is refused, before it can exhaust the stack. */
const MAX_DEPTH = 256;

const OPENING: ReadonlySet<string> = new Set(['(', '[', '{', '<']);
const CLOSING: ReadonlySet<string> = new Set([')', ']', '}', '>']);

/** Types that StableHLO has and shardc does not, by what their names hold. */
const UNREAD_TYPES = [
  {
    mark: '!quant',
    what: 'uniform quantised types',
    help: 'lower with plain types: integers, their scales as arguments, and the convert and multiply written out',
  },
] as const;

export class Reader {
  readonly tokens: readonly IToken[];
  at = 0;
  private readonly text: string;
  private depth = 0;
  /** Types stay as written: tuples and sizes that are open are then not supported. */
  asWritten = false;
  private readonly types = new Map<string, TensorType>();
  /** `#name = …` at top level: the token after `=`. */
  readonly aliases = new Map<string, number>();

  constructor(tokens: readonly IToken[], text: string) {
    this.tokens = tokens;
    this.text = text;
  }

  get image(): string {
    return this.tokens[this.at]?.image ?? '';
  }

  peek(ahead: number): string {
    return this.tokens[this.at + ahead]?.image ?? '';
  }

  is(image: string): boolean {
    return this.tokens[this.at]?.image === image;
  }

  isKind(kind: keyof typeof T): boolean {
    return this.tokens[this.at]?.tokenType === T[kind];
  }

  take(): string {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.error('the text ends too early', 'more text', 'is the file truncated?');
    this.at++;
    return token.image;
  }

  accept(image: string): boolean {
    if (!this.is(image)) return false;
    this.at++;
    return true;
  }

  expect(image: string): void {
    if (!this.accept(image)) throw this.unexpected(`\`${image}\``);
  }

  takeKind(kind: keyof typeof T, what: string): string {
    if (!this.isKind(kind)) throw this.unexpected(what);
    return this.take();
  }

  integer(): number {
    const image = this.takeKind('number', 'an integer');
    const value = Number(image);
    if (!Number.isInteger(value)) throw this.error(`${image} is not an integer`, 'an integer', undefined, this.at - 1);
    return value;
  }

  string(): string {
    const image = this.takeKind('string', 'a quoted string');
    return image.slice(1, -1);
  }

  /** `@name` or `@"name"`, without the @. */
  symbol(): string {
    if (this.isKind('quotedSymbol')) return this.take().slice(2, -1);
    return this.takeKind('symbol', 'a symbol (@name)').slice(1);
  }

  /** Items separated by commas up to the closing token, which is taken. */
  list<X>(open: string, close: string, item: () => X): X[] {
    this.expect(open);
    return this.nested(() => {
      const items: X[] = [];
      while (!this.accept(close)) {
        if (items.length > 0) this.expect(',');
        items.push(item());
      }
      return items;
    });
  }

  integers(): number[] {
    return this.list('[', ']', () => this.integer());
  }

  nested<X>(read: () => X): X {
    if (++this.depth > MAX_DEPTH)
      throw this.error(`nesting deeper than ${MAX_DEPTH}`, 'a program that a person or JAX wrote');
    const result = read();
    this.depth--;
    return result;
  }

  /** Reads something that stands elsewhere; the cursor comes back. */
  readAt<X>(at: number, read: () => X): X {
    const before = this.at;
    this.at = at;
    const result = this.nested(read);
    this.at = before;
    return result;
  }

  /** From an opening bracket past the one that closes it. */
  skipBrackets(): void {
    let depth = 0;
    do {
      const image = this.take();
      if (OPENING.has(image)) depth++;
      else if (CLOSING.has(image)) depth--;
    } while (depth > 0);
  }

  tensorType(): TensorType {
    if (this.accept('!stablehlo.token')) return tensor('token', []);
    const image = this.takeKind('tensor', 'a type (tensor<…>)');
    let type = this.types.get(image);
    if (type === undefined) {
      type = this.parseType(image);
      this.types.set(image, type);
    }
    return type;
  }

  /** Of what stays a type of the program: a function's, a loop's, a region's. */
  staticType(): TensorType {
    const at = this.at;
    const type = this.tensorType();
    const image = this.tokens[at]?.image ?? '';
    if (!hasUnknownDims(type) && !image.includes('#stablehlo.bounds')) return type;
    throw unknownDims(image, this.span(at, at));
  }

  /** One type as the list of its tensors: `tuple<tuple<t, u>, v>` is t, u, v, as the value is that of its values. */
  leafTypes(one: () => TensorType = () => this.tensorType()): TensorType[] {
    if (!this.accept('tuple')) return [one()];
    return this.nested(() => this.list('<', '>', () => this.leafTypes(one)).flat());
  }

  /** Of what goes by one name: a function's argument, a call's result. */
  namedLeaves(): TensorType[] {
    if (this.asWritten && this.is('tuple'))
      throw unsupported('tuples as arguments or results of a function', { span: this.span(this.at, this.at) });
    return this.leafTypes();
  }

  staticLeaves(): TensorType[] {
    if (this.asWritten && this.is('tuple')) return this.namedLeaves();
    return this.leafTypes(() => this.staticType());
  }

  /** Of an attribute's `tensor<…>`, whatever its element type (`index` is none of a tensor's). */
  attributeShape(): readonly number[] {
    const image = this.takeKind('tensor', 'a type (tensor<…>)');
    return [...image.matchAll(/(\d+)x/g)].map(([, n]) => Number(n));
  }

  private parseType(image: string): TensorType {
    const body = image.slice('tensor<'.length, -1).split(',')[0] as string;
    const match = /^((?:(?:\d+|\?)x)*)(.+)$/.exec(body.trim());
    // A dim with a bound on its size is read at its bound (import/bounded.ts).
    const bounds = /#stablehlo\.bounds<([^>]*)>/.exec(image)?.[1]?.split(',') ?? [];
    const size = (text: string, d: number): number => {
      const bound = text === '?' ? (bounds[d]?.trim() ?? '?') : text;
      return bound === '?' ? UNKNOWN : Number(bound);
    };
    const shape = match?.[1] === undefined || match[1] === '' ? [] : match[1].slice(0, -1).split('x').map(size);
    const name = match?.[2] ?? '';
    const dtype = elementNamed(name);
    if (this.asWritten && image.includes('?')) throw unknownDims(image, this.span(this.at - 1, this.at - 1));
    const unread = UNREAD_TYPES.find(({ mark }) => image.includes(mark));
    if (unread !== undefined)
      throw unsupported(`${unread.what}, as in ${image}`, {
        span: this.span(this.at - 1, this.at - 1),
        help: unread.help,
      });
    if (dtype === undefined)
      throw this.error(
        `shardc does not know the type ${image}`,
        'a static shape and a StableHLO element type',
        undefined,
        this.at - 1,
      );
    if (shape.reduce((n, d) => n * d, 1) > 2 ** 53)
      throw this.error(
        `${image} has more elements than can be counted`,
        'fewer than 2^53 elements',
        undefined,
        this.at - 1,
      );
    return tensor(dtype, shape);
  }

  span(from: number, to = this.at - 1): Span {
    const first = this.tokens[Math.min(from, this.tokens.length - 1)];
    const last = this.tokens[Math.max(from, Math.min(to, this.tokens.length - 1))];
    const start = first?.startOffset ?? this.text.length;
    return { start, end: (last?.startOffset ?? start) + (last?.image.length ?? 1) };
  }

  slice(from: number, to: number): string {
    const { start, end } = this.span(from, to - 1);
    return this.text.slice(start, end);
  }

  /** A stretch of tokens on one line, spaced as MLIR prints it. */
  line(from: number, to: number): string {
    return this.slice(from, to)
      .replace(/\s+/g, ' ')
      .replace(/"[^"]*"|([[{(<]) | ([\]})>])|,(?=[^ ])/g, (all, open?: string, close?: string) =>
        all === ',' ? ', ' : (open ?? close ?? all),
      );
  }

  unexpected(expected: string): DiagnosticError {
    const found = this.image;
    if (found === '') return this.error('the text ends too early', expected, 'is the file truncated?');
    return this.error(`unexpected \`${found.length > 40 ? `${found.slice(0, 40)}…` : found}\``, expected);
  }

  error(message: string, expected?: string, help?: string, at = this.at): DiagnosticError {
    const end = { start: this.text.length, end: this.text.length };
    return userError('SH0102', message, {
      span: at < this.tokens.length ? this.span(at, at) : end,
      expected,
      help,
    });
  }
}

/** XLA takes sizes that are open in the text only where it can work them out. */
export const unknownDims = (type: string, span: Span): DiagnosticError =>
  unsupported(`dims of unknown size, as in ${type}`, {
    span,
    help: 'lower at fixed sizes: jax.export without symbolic_shape, torch.export without dynamic_shapes',
  });
