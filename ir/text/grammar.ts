/** The grammar of .tir (docs/tir.md), in chevrotain. */
import type { ParserMethod } from 'chevrotain';
import type { Diagnostic } from '../diagnostics.ts';
import type { SourceText } from '../program.ts';
import type {
  AstAttr,
  AstAxis,
  AstBlock,
  AstData,
  AstDim,
  AstExtent,
  AstFile,
  AstFunction,
  AstLayout,
  AstMesh,
  AstName,
  AstOp,
  AstParam,
  AstResult,
  AstType,
} from './ast.ts';
import { nameOf, RecoveringParser } from './recovery.ts';
import * as t from './tokens.ts';

export class TirParser extends RecoveringParser {
  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  protected readonly file = this.RULE('file', (): AstFile => {
    const meshes: AstMesh[] = [];
    const functions: AstFunction[] = [];
    const header = this.OPTION(() => this.SUBRULE(this.header)) ?? {};
    this.MANY1(() => meshes.push(this.SUBRULE(this.mesh)));
    this.AT_LEAST_ONE(() => functions.push(this.SUBRULE(this.func)));
    return { ...header, meshes, functions };
  });

  private readonly header = this.RULE('header', (): { name: AstName; level?: AstName } => {
    this.CONSUME(t.ModuleWord);
    const name = nameOf(this.CONSUME(t.GlobalName), 1);
    const level = this.OPTION({
      GATE: () => !this.LA(1).image.startsWith('mesh') && this.LA(1).image !== 'private',
      DEF: () => this.CONSUME(t.Ident),
    });
    return { name, ...(level === undefined ? {} : { level: nameOf(level) }) };
  });

  private readonly mesh = this.RULE('mesh', (): AstMesh => {
    this.CONSUME(t.MeshWord);
    const name = nameOf(this.CONSUME(t.GlobalName), 1);
    const axes: { name: AstName; size: AstName }[] = [];
    this.CONSUME(t.LCurly);
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        const axis = this.CONSUME(t.Ident);
        this.CONSUME1(t.Equals);
        axes.push({ name: nameOf(axis), size: nameOf(this.CONSUME(t.Num)) });
      },
    });
    this.CONSUME(t.RCurly);
    const devices = this.OPTION({
      GATE: () => this.LA(2).tokenType === t.Equals,
      DEF: () => {
        this.CONSUME2(t.Ident);
        this.CONSUME2(t.Equals);
        return this.SUBRULE(this.data);
      },
    });
    return { name, axes, ...(devices === undefined ? {} : { devices }) };
  });

  private readonly func = this.RULE('func', (): AstFunction => {
    const isPublic = this.OPTION1(() => this.CONSUME(t.PrivateWord)) === undefined;
    this.CONSUME(t.FuncWord);
    const name = nameOf(this.CONSUME(t.GlobalName), 1);
    const params = this.SUBRULE(this.params);
    const results = this.OPTION2(() => {
      this.CONSUME(t.Arrow);
      return this.SUBRULE(this.results);
    });
    const body = this.SUBRULE(this.block);
    return { name, isPublic, params, body: { ...body, params: [] }, ...(results === undefined ? {} : { results }) };
  });

  private readonly params = this.RULE('params', (): AstParam[] => {
    const params: AstParam[] = [];
    this.CONSUME(t.LParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => params.push(this.SUBRULE(this.param)) });
    this.CONSUME(t.RParen);
    return params;
  });

  private readonly param = this.RULE('param', (): AstParam => {
    const name = nameOf(this.CONSUME(t.Value), 1);
    const stated = this.OPTION(() => {
      this.CONSUME(t.Colon);
      return this.SUBRULE(this.annotation);
    });
    return {
      name,
      ...(stated?.type === undefined ? {} : { type: stated.type }),
      ...(stated?.layout === undefined ? {} : { layout: stated.layout }),
      ...(stated?.attrs === undefined ? {} : { attrs: stated.attrs }),
    };
  });

  private readonly results = this.RULE('results', (): AstResult[] =>
    this.OR([
      {
        ALT: () => {
          const results: AstResult[] = [];
          this.CONSUME(t.LParen);
          this.MANY_SEP({ SEP: t.Comma, DEF: () => results.push(this.SUBRULE1(this.annotation)) });
          this.CONSUME(t.RParen);
          return results;
        },
      },
      { ALT: () => [this.SUBRULE2(this.annotation)] },
    ]),
  );

  /** `f32[8,128]@{x, _} "attributes"`, the type or the layout alone. */
  private readonly annotation = this.RULE('annotation', (): AstResult => {
    const from = this.LA(1);
    let type: AstType | undefined;
    let layout: AstLayout | undefined;
    this.OR([
      {
        ALT: () => {
          type = this.SUBRULE(this.type);
          layout = this.OPTION1(() => this.SUBRULE1(this.layout));
        },
      },
      {
        ALT: () => {
          layout = this.SUBRULE2(this.layout);
        },
      },
    ]);
    const attrs = this.OPTION2(() => this.CONSUME(t.Text));
    return {
      span: this.since(from),
      ...(type === undefined ? {} : { type }),
      ...(layout === undefined ? {} : { layout }),
      ...(attrs === undefined ? {} : { attrs: nameOf(attrs) }),
    };
  });

  private readonly type = this.RULE('type', (): AstType => {
    const from = this.LA(1);
    const dtype = nameOf(this.CONSUME(t.Ident));
    const shape: AstExtent[] = [];
    this.CONSUME(t.LSquare);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => shape.push(this.SUBRULE(this.extent)) });
    this.CONSUME(t.RSquare);
    return { dtype, shape, span: this.since(from) };
  });

  /** `8`, or `6+2(0.0)`: six elements and two of padding. */
  private readonly extent = this.RULE('extent', (): AstExtent => {
    const size = nameOf(this.CONSUME1(t.Num));
    let more: AstName | undefined;
    let holds: AstData | undefined;
    this.OPTION1(() => {
      this.CONSUME(t.Plus);
      more = nameOf(this.CONSUME2(t.Num));
      this.OPTION2(() => {
        this.CONSUME(t.LParen);
        holds = this.SUBRULE(this.data);
        this.CONSUME(t.RParen);
      });
    });
    return { size, ...(more === undefined ? {} : { more }), ...(holds === undefined ? {} : { holds }) };
  });

  /** `@{x, y+z?, _, ? p1; replicated=w}`, or `@mesh{…}`. */
  private readonly layout = this.RULE('layout', (): AstLayout => {
    const from = this.LA(1);
    const mesh = this.OR([
      {
        ALT: () => {
          this.CONSUME(t.At);
          return undefined;
        },
      },
      { ALT: () => nameOf(this.CONSUME(t.GlobalName), 1) },
    ]);
    const dims: AstDim[] = [];
    const extras: { key: AstName; axes: readonly AstAxis[] }[] = [];
    this.CONSUME(t.LCurly);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => dims.push(this.SUBRULE(this.dim)) });
    this.MANY(() => {
      this.CONSUME(t.Semicolon);
      const key = nameOf(this.CONSUME(t.Ident));
      this.CONSUME(t.Equals);
      extras.push({ key, axes: this.SUBRULE(this.axes) });
    });
    this.CONSUME(t.RCurly);
    return { dims, extras, span: this.since(from), ...(mesh === undefined ? {} : { mesh }) };
  });

  private readonly dim = this.RULE('dim', (): AstDim => {
    let axes: readonly AstAxis[] = [];
    let open = false;
    this.OR([
      {
        ALT: () => {
          axes = this.SUBRULE(this.axes);
          open = this.OPTION2(() => this.CONSUME1(t.Question)) !== undefined;
        },
      },
      {
        ALT: () => {
          this.CONSUME2(t.Question);
          open = true;
        },
      },
    ]);
    const priority = this.OPTION3(() => this.CONSUME(t.Ident));
    const none = axes.length === 1 && axes[0]?.name.text === '_';
    return { axes: none ? [] : axes, open, ...(priority === undefined ? {} : { priority: nameOf(priority) }) };
  });

  private readonly axes = this.RULE('axes', (): AstAxis[] => {
    const axes: AstAxis[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Plus, DEF: () => axes.push(this.SUBRULE(this.axis)) });
    return axes;
  });

  private readonly axis = this.RULE('axis', (): AstAxis => {
    const from = this.LA(1);
    const name = nameOf(this.CONSUME(t.Ident));
    const part = this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.CONSUME(t.LParen);
      const pre = nameOf(this.CONSUME1(t.Num));
      this.CONSUME(t.RParen);
      return { pre, size: nameOf(this.CONSUME2(t.Num)) };
    });
    return { name, span: this.since(from), ...part };
  });

  private readonly block = this.RULE('block', (): AstBlock => {
    const from = this.LA(1);
    const ops: AstOp[] = [];
    this.CONSUME(t.LCurly);
    this.MANY(() => {
      ops.push(this.recovered(() => this.SUBRULE(this.op)));
    });
    this.CONSUME(t.RCurly);
    return { params: [], ops, isExpression: false, span: this.since(from) };
  });

  /** `%a, %b = kind @callee "equation" operands attribute=value label (params) {…} : types` */
  private readonly op: ParserMethod<[], AstOp> = this.RULE('op', (): AstOp => {
    const from = this.LA(1);
    const results: AstName[] = [];
    this.OPTION1(() => {
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => results.push(nameOf(this.CONSUME(t.Value), 1)) });
      this.CONSUME(t.Equals);
    });
    const head = this.SUBRULE(this.expression);
    const regions: { label?: AstName; block: AstBlock }[] = [];
    this.MANY3({ GATE: () => this.startsRegion(), DEF: () => regions.push(this.SUBRULE(this.region)) });
    const annotations: AstResult[] = [];
    this.OPTION5(() => {
      this.CONSUME(t.Colon);
      annotations.push(this.SUBRULE1(this.annotation));
      this.MANY4(() => {
        this.CONSUME2(t.Comma);
        annotations.push(this.SUBRULE2(this.annotation));
      });
    });
    return { ...head, results, regions, annotations, span: this.since(from) };
  });

  /** `kind @callee "equation" operands attribute=value` */
  private readonly expression: ParserMethod<[], AstOp> = this.RULE('expression', (): AstOp => {
    const from = this.LA(1);
    const kind = nameOf(this.CONSUME(t.Ident));
    const callee = this.OPTION2({ GATE: () => this.onLine(), DEF: () => this.CONSUME(t.GlobalName) });
    const equation = this.OPTION3(() => this.CONSUME(t.Text));
    const operands: AstData[] = [];
    const given = this.OPTION6({ GATE: () => callee !== undefined, DEF: () => this.SUBRULE(this.arguments) });
    this.OPTION4({
      GATE: () => this.onLine() && this.startsOperand(),
      DEF: () => {
        operands.push(this.SUBRULE1(this.data));
        this.MANY1(() => {
          this.CONSUME(t.Comma);
          operands.push(this.SUBRULE2(this.data));
        });
      },
    });
    const attrs: AstAttr[] = [];
    this.MANY2({ GATE: () => this.LA(2).tokenType === t.Equals, DEF: () => attrs.push(this.SUBRULE(this.attr)) });
    return {
      kind,
      operands: given ?? operands,
      attrs,
      results: [],
      regions: [],
      annotations: [],
      span: this.since(from),
      ...(callee === undefined ? {} : { callee: nameOf(callee, 1) }),
      ...(equation === undefined ? {} : { equation: nameOf(equation) }),
    };
  });

  /** `(%a, %b)` of a call. */
  private readonly arguments = this.RULE('arguments', (): AstData[] => {
    const items: AstData[] = [];
    this.CONSUME(t.LParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => items.push(this.SUBRULE(this.data)) });
    this.CONSUME(t.RParen);
    return items;
  });

  private readonly attr = this.RULE('attr', (): AstAttr => {
    const name = nameOf(this.CONSUME(t.Ident));
    this.CONSUME(t.Equals);
    return { name, value: this.SUBRULE(this.data) };
  });

  private readonly region = this.RULE('region', (): { label?: AstName; block: AstBlock } => {
    const from = this.LA(1);
    const label = this.OPTION1(() => this.CONSUME(t.Ident));
    const params = this.OPTION2(() => this.SUBRULE(this.params)) ?? [];
    const block = this.OR([
      { ALT: () => this.SUBRULE(this.block) },
      {
        ALT: (): AstBlock => {
          this.CONSUME(t.Arrow);
          const op = this.SUBRULE(this.expression);
          return { params: [], ops: [op], isExpression: true, span: this.since(from) };
        },
      },
    ]);
    return { block: { ...block, params }, ...(label === undefined ? {} : { label: nameOf(label) }) };
  });

  private readonly data: ParserMethod<[], AstData> = this.RULE('data', (): AstData => {
    const from = this.LA(1);
    const found = this.OR<Bare>([
      { ALT: () => ({ is: 'value', text: this.CONSUME(t.Value).image.slice(1) }) },
      { ALT: () => ({ is: 'number', text: this.CONSUME(t.Num).image }) },
      { ALT: () => ({ is: 'text', text: unquote(this.CONSUME(t.Text).image) }) },
      { ALT: () => ({ is: 'base64', text: this.CONSUME(t.Base64).image.slice(7, -1) }) },
      {
        ALT: () => {
          this.CONSUME(t.True);
          return { is: 'bool', on: true };
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.False);
          return { is: 'bool', on: false };
        },
      },
      { ALT: () => ({ is: 'word', text: this.CONSUME(t.Ident).image }) },
      { ALT: () => ({ is: 'list', items: this.SUBRULE(this.list) }) },
      { ALT: () => this.SUBRULE(this.pair) },
      { ALT: () => this.SUBRULE(this.braces) },
      { ALT: () => ({ is: 'layout', layout: this.SUBRULE(this.layout) }) },
    ]);
    return { ...found, span: this.since(from) } as AstData;
  });

  private readonly list: ParserMethod<[], AstData[]> = this.RULE('list', (): AstData[] => {
    const items: AstData[] = [];
    this.CONSUME(t.LSquare);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => items.push(this.SUBRULE(this.data)) });
    this.CONSUME(t.RSquare);
    return items;
  });

  /** A complex number, `(re, im)`. */
  private readonly pair = this.RULE('pair', (): Bare => {
    this.CONSUME(t.LParen);
    const re = nameOf(this.CONSUME1(t.Num));
    this.CONSUME(t.Comma);
    const im = nameOf(this.CONSUME2(t.Num));
    this.CONSUME(t.RParen);
    return { is: 'pair', re, im };
  });

  /** `{x, y:(1)2}` axes, or `{source=0, target=1}` a record. */
  private readonly braces: ParserMethod<[], Bare> = this.RULE('braces', (): Bare => {
    const members: (AstAttr | AstAxis)[] = [];
    this.CONSUME(t.LCurly);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => members.push(this.SUBRULE(this.member)) });
    this.CONSUME(t.RCurly);
    if (!members.some(isField)) return { is: 'axes', axes: members.filter((m): m is AstAxis => !isField(m)) };
    const flag = (m: AstAxis): AstAttr => ({ name: m.name, value: { is: 'axes', axes: [m], span: m.span } });
    return { is: 'record', fields: members.map((m) => (isField(m) ? m : flag(m))) };
  });

  private readonly member: ParserMethod<[], AstAttr | AstAxis> = this.RULE('member', () =>
    this.OR<AstAttr | AstAxis>([
      { GATE: () => this.LA(2).tokenType === t.Equals, ALT: () => this.SUBRULE(this.attr) },
      { ALT: () => this.SUBRULE(this.axis) },
    ]),
  );
}

type WithoutSpan<T> = T extends unknown ? Omit<T, 'span'> : never;
type Bare = WithoutSpan<AstData>;

const isField = (m: AstAttr | AstAxis): m is AstAttr => 'value' in m;

/** The text between the quotes; escapes as in JSON. */
export function unquote(image: string): string {
  try {
    return JSON.parse(image) as string;
  } catch {
    return image.slice(1, -1);
  }
}

let shared: TirParser | undefined;

/** The tree of a .tir text, and every syntax error in it (at most 20). */
export function parseTree(source: SourceText): { file: AstFile; errors: readonly Diagnostic[] } {
  shared ??= new TirParser();
  return shared.read(source, t.tokenize(source));
}
