/** Trees → functions: names resolved, sugar written out, types inferred. A broken op leaves its results unknown and is told once. */
import { elementsOf, fromBase64, isWide } from '../elements.ts';
import type { Layout } from '../layout.ts';
import { type PadContent, paddingOf } from '../padding.ts';
import { collectives, joinedAxes } from '../ops/collectives.ts';
import { elementwiseOps } from '../ops/elementwise.ts';
import { InferError, type Registry } from '../op.ts';
import {
  type Attrs,
  type Block,
  COLLECTIVES,
  STARTS,
  type ElementArray,
  type Func,
  type Level,
  type Span,
  STRUCTURAL,
  type ValueId,
  type ValueInfo,
} from '../program.ts';
import { DTYPES, elementCount, isDType, partOf, tensor, type TensorType, typeText } from '../types.ts';
import { TypedBuilder } from '../typed-build.ts';
import type { AstBlock, AstData, AstFunction, AstName, AstOp, AstParam, AstType } from './ast.ts';
import { AttrReader } from './attrs.ts';
import type { LayoutReader } from './layouts.ts';
import { Broken, type Problems, suggestion } from './problems.ts';
import { Regions } from './regions.ts';
import { literalType, SUGAR } from './sugar.ts';

/** What a call needs to know of a function. */
export interface Signature {
  readonly params: readonly TensorType[];
  readonly results: readonly TensorType[] | undefined;
}

interface Context {
  readonly registry: Registry;
  readonly problems: Problems;
  readonly layouts: LayoutReader;
  readonly level: Level;
  readonly signatures: Map<string, Signature>;
}

const MAX_EXTENT = 2 ** 48;
const STRUCTURAL_KINDS: ReadonlySet<string> = new Set([...STRUCTURAL, ...COLLECTIVES, ...STARTS, 'axis_index']);
const KEEPS_TYPE: ReadonlySet<string> = new Set([
  'collective_done',
  'all_reduce_start',
  'collective_permute_start',
  'collective_shift_start',
  'sharding_constraint',
  'reshard',
  'propagation_barrier',
  'optimization_barrier',
]);

export function typeOfAst(ast: AstType, { problems, layouts }: Pick<Context, 'problems' | 'layouts'>): TensorType {
  const dtype = ast.dtype.text;
  if (!isDType(dtype))
    return problems.fail(
      'SH0105',
      `${dtype} is not an element type`,
      ast.dtype.span,
      Object.keys(DTYPES).join(', '),
      suggestion(dtype, Object.keys(DTYPES)),
    );
  const shape = ast.shape.map(
    ({ size, more }) => layouts.whole(size, 'an extent') + (more === undefined ? 0 : layouts.whole(more, 'padding', 1)),
  );
  if (shape.reduce((n, d) => n * Math.max(1, d), 1) > MAX_EXTENT)
    problems.fail('SH0105', `this tensor has more than 2^48 elements`, ast.span, 'a smaller tensor');
  return tensor(dtype, shape);
}

/** What the type says of padding, dim by dim. */
function paddingOfAst(ast: AstType, type: TensorType, { problems }: Pick<Context, 'problems'>): ValueInfo['padding'] {
  const part = tensor(partOf(type.dtype), []);
  const holds = (data: AstData | undefined): PadContent => {
    if (data === undefined) return 'unknown';
    if (data.is === 'number') return { value: checkedNumber(data.text, part, data.span, problems) };
    if (data.is === 'bool') return { value: data.on ? 1 : 0 };
    if (data.is === 'word' && data.text === 'finite') return 'finite';
    return problems.fail('SH0105', 'padding holds one number or finite ones', data.span, '(0.0) or (finite)');
  };
  const whole = type.shape.map((n, d) => n - Number(ast.shape[d]?.more?.text ?? 0));
  return paddingOf(whole, type.shape, (d) => holds(ast.shape[d]?.holds));
}

export class Elaborator {
  readonly b: TypedBuilder;
  private readonly ctx: Context;
  private readonly attrs: AttrReader;
  private readonly regions: Regions;
  /** Names in scope, innermost last; null = defined by a broken op. */
  private readonly scopes: Map<string, ValueId | null>[] = [new Map()];
  /** Axes of the manual computations around. */
  private readonly manual: string[] = [];

  constructor(ctx: Context) {
    this.ctx = ctx;
    this.b = new TypedBuilder(ctx.registry);
    this.attrs = new AttrReader(ctx.problems, ctx.layouts);
    this.regions = new Regions(this.b, this);
  }

  function(ast: AstFunction): Func {
    for (const p of ast.params) this.guarded(() => this.param(p, undefined));
    const returned = this.ops(ast.body);
    const types = returned?.map((v) => this.b.typeOf(v)) ?? [];
    const results =
      ast.results?.map((r, i) => ({
        type: r.type === undefined ? types[i] : this.guarded(() => typeOfAst(r.type as AstType, this.ctx)),
        layout:
          r.layout === undefined
            ? undefined
            : this.guarded(() => this.ctx.layouts.layout(r.layout as NonNullable<typeof r.layout>)),
        attrs: r.attrs === undefined ? undefined : (JSON.parse(r.attrs.text) as string),
      })) ?? types.map((type) => ({ type, layout: undefined, attrs: undefined }));
    return this.b.finish({
      name: ast.name.text,
      isPublic: ast.isPublic,
      resultTypes: results.map((r) => r.type ?? tensor('f32', [])),
      resultLayouts: results.map((r) => r.layout),
      paramAttrs: ast.params.map((p) => (p.attrs === undefined ? undefined : (JSON.parse(p.attrs.text) as string))),
      resultAttrs: results.map((r) => r.attrs),
    });
  }

  /** A region. `types` = its parameters' types where the op knows them; `end` may replace what is returned. */
  block(
    ast: AstBlock,
    types: readonly TensorType[] | undefined,
    end: (returned: readonly ValueId[]) => readonly ValueId[] = (v) => v,
  ): { block: Block; returned: readonly ValueId[] | undefined } {
    let returned: readonly ValueId[] | undefined;
    this.scopes.push(new Map());
    const block = this.b.region(() => {
      if (types !== undefined && ast.params.length !== types.length) {
        this.ctx.problems.add(
          'SH0206',
          `this region takes ${ast.params.length} values`,
          ast.span,
          `${types.length}, as (${types.map((t, i) => `%p${i}: ${typeText(t)}`).join(', ')})`,
        );
      }
      ast.params.forEach((p, i) => this.guarded(() => this.param(p, types?.[i])));
      returned = this.ops(ast, end);
    });
    this.scopes.pop();
    return { block, returned };
  }

  /** The values an operand list stands for. Leaves the op where one is unknown. */
  values(op: AstOp, operands: readonly AstData[]): ValueId[] {
    const found = operands.map((o) => (o.is === 'value' ? this.use(o.text, o.span) : undefined));
    const types = found.map((v) => (v === undefined || v === null ? undefined : this.b.typeOf(v)));
    const all = operands.map((o, i): ValueId | null => {
      if (found[i] !== undefined) return found[i];
      if (o.is !== 'number')
        return this.ctx.problems.fail(
          'SH0106',
          `this is not an operand of ${op.kind.text}`,
          o.span,
          'a value as %x, or a number',
        );
      const type = literalType(op.kind.text, i, o.text, types);
      return type === undefined
        ? this.ctx.problems.fail(
            'SH0107',
            `the type of ${o.text} is not known here`,
            o.span,
            'a constant with its type',
          )
        : this.b.splat(numberOf(o.text, type), type);
    });
    if (all.includes(null)) throw new Broken('an operand is broken');
    return all as ValueId[];
  }

  /** Those written on an op with regions of its own. */
  attributes(op: AstOp): Attrs {
    return this.attrs.attrs(op, op.attrs, undefined, undefined);
  }

  /** The body of a manual computation. */
  inManual<T>(axes: readonly string[], run: () => T): T {
    this.manual.push(...axes);
    const made = run();
    this.manual.length -= axes.length;
    return made;
  }

  private guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof Broken) return undefined;
      throw thrown;
    }
  }

  private param(p: AstParam, known: TensorType | undefined): void {
    const { problems } = this.ctx;
    this.define(p.name, null);
    const type = p.type === undefined ? known : typeOfAst(p.type, this.ctx);
    if (type === undefined)
      return problems.fail(
        'SH0107',
        `%${p.name.text} needs a type`,
        p.name.span,
        `a type, as %${p.name.text}: f32[8,16]`,
      );
    if (known !== undefined && known !== type)
      problems.add(
        'SH0204',
        `%${p.name.text} is given a ${typeText(known)}`,
        p.type?.span ?? p.name.span,
        typeText(known),
      );
    const layout = p.layout === undefined ? undefined : this.ctx.layouts.layout(p.layout);
    const id = this.b.param(type, {
      name: p.name.text,
      origin: { span: p.name.span },
      ...(layout === undefined ? {} : { layout }),
    });
    if (p.type !== undefined) this.b.setPadding(id, paddingOfAst(p.type, type, this.ctx));
    this.rebind(p.name, id);
  }

  private define(name: AstName, id: ValueId | null): void {
    if (this.scopes.some((s) => s.has(name.text)))
      this.ctx.problems.add(
        'SH0203',
        `%${name.text} is defined twice`,
        name.span,
        'a new name',
        'a value is defined once and does not change',
      );
    this.scopes.at(-1)?.set(name.text, id);
  }

  private rebind(name: AstName, id: ValueId): void {
    this.scopes.at(-1)?.set(name.text, id);
  }

  /** Null = broken before, and told. */
  private use(name: string, span: Span): ValueId | null {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const id = this.scopes[i]?.get(name);
      if (id !== undefined) return id;
    }
    const known = this.scopes.flatMap((s) => [...s.keys()]);
    return this.ctx.problems.fail(
      'SH0201',
      `%${name} is not defined here`,
      span,
      'a value defined above, in this function or an enclosing region',
      suggestion(name, known.slice(-2000)),
    );
  }

  /** The ops of a block; what its return gives, unless that is broken. */
  private ops(
    ast: AstBlock,
    end: (returned: readonly ValueId[]) => readonly ValueId[] = (v) => v,
  ): readonly ValueId[] | undefined {
    let returned: readonly ValueId[] | undefined;
    ast.ops.forEach((op, i) => {
      const isLast = i === ast.ops.length - 1;
      this.b.origin = { span: op.span };
      this.attempt(op, () => {
        if (op.kind.text !== 'return') {
          const made = this.op(op);
          if (ast.isExpression) returned = end(made);
          return;
        }
        if (!isLast)
          this.ctx.problems.fail('SH0222', 'ops follow this return', op.span, 'return as the last op of its block');
        returned = end(this.values(op, op.operands));
      });
    });
    const last = ast.ops.at(-1);
    if (!ast.isExpression && last?.kind.text !== 'return')
      this.ctx.problems.add(
        'SH0222',
        'this block does not end in return',
        { start: Math.max(ast.span.start, ast.span.end - 1), end: ast.span.end },
        '`return %value`',
      );
    this.b.origin = { span: last?.span ?? ast.span };
    this.b.op('return', returned ?? [], [], this.b.origin);
    return returned;
  }

  /** Notes what goes wrong in an op; its results are then unknown. */
  private attempt(op: AstOp, run: () => void): void {
    try {
      if (op.isBroken !== true) return run();
    } catch (thrown) {
      if (thrown instanceof InferError) this.ctx.problems.add('SH0204', `${op.kind.text}: ${thrown.message}`, op.span);
      else if (!(thrown instanceof Broken)) throw thrown;
    }
    for (const r of op.results) if (this.scopes.at(-1)?.has(r.text) !== true) this.define(r, null);
  }

  private op(op: AstOp): readonly ValueId[] {
    const stated = op.annotations.map((a) => (a.type === undefined ? undefined : typeOfAst(a.type, this.ctx)));
    const made = this.make(op, stated);
    if (op.results.length !== made.length && (op.results.length > 0 || made.length > 1)) {
      this.ctx.problems.fail(
        'SH0206',
        `${op.kind.text} gives ${made.length} values, ${op.results.length} are named`,
        op.span,
        `${made.length} names`,
      );
    }
    made.forEach((id, i) => {
      const [name, type, layout] = [op.results[i], stated[i], op.annotations[i]?.layout];
      const actual = this.b.typeOf(id);
      if (type !== undefined && type !== actual)
        this.ctx.problems.add(
          'SH0204',
          `${op.kind.text} gives ${typeText(actual)}, but is written to give ${typeText(type)}`,
          op.annotations[i]?.span ?? op.span,
          typeText(actual),
        );
      const info = this.b.values[id] as (typeof this.b.values)[number];
      this.b.values[id] = {
        ...info,
        ...(name === undefined ? {} : { name: name.text }),
        ...(layout === undefined ? {} : { layout: this.ctx.layouts.layout(layout) }),
      };
      const written = op.annotations[i]?.type;
      if (written !== undefined && type === actual) this.b.setPadding(id, paddingOfAst(written, actual, this.ctx));
      if (name !== undefined) this.define(name, id);
    });
    return made;
  }

  private make(op: AstOp, stated: readonly (TensorType | undefined)[]): readonly ValueId[] {
    const kind = op.kind.text;
    if (this.regions.handles(kind)) return this.regions.build(op);
    if (kind === 'constant') return [this.constant(op, stated[0])];
    if (kind === 'call') return this.call(op);
    const isSugar = Object.hasOwn(SUGAR, kind) && !Object.hasOwn(this.ctx.registry, kind);
    if (isSugar) return this.sugar(op, stated[0]);
    if (!Object.hasOwn(this.ctx.registry, kind) && !STRUCTURAL_KINDS.has(kind)) {
      const known = [...Object.keys(this.ctx.registry), ...Object.keys(SUGAR), ...STRUCTURAL_KINDS, 'for', 'if'];
      this.ctx.problems.fail(
        'SH0202',
        `there is no op "${kind}"`,
        op.kind.span,
        'an op of docs/tir.md',
        suggestion(kind, known),
      );
    }
    return this.plain(op, stated);
  }

  private plain(op: AstOp, stated: readonly (TensorType | undefined)[]): readonly ValueId[] {
    const kind = op.kind.text;
    const laid = op.operands.at(-1);
    const isLayoutOp = (kind === 'sharding_constraint' || kind === 'reshard') && laid?.is === 'layout';
    const operands = this.broadcast(kind, this.values(op, isLayoutOp ? op.operands.slice(0, -1) : op.operands));
    const operandTypes = operands.map((v) => this.b.typeOf(v));
    const given = isLayoutOp ? [...op.attrs, { name: { text: 'layout', span: laid.span }, value: laid }] : op.attrs;
    const attrs = this.attrs.attrs(op, given, stated[0], operandTypes[0]);
    const regions = this.regions.reducers(op, operandTypes);
    if (Object.hasOwn(this.ctx.registry, kind)) return this.b.apply(kind, operands, attrs, regions);
    this.checkRank(op, attrs, operandTypes[0]);
    return this.b.op(kind, operands, this.resultTypes(op, operandTypes, attrs, stated), this.b.origin, attrs, regions);
  }

  private checkRank(op: AstOp, attrs: Attrs, type: TensorType | undefined): void {
    const layout = attrs.layout as Layout | undefined;
    if (layout === undefined || type === undefined || layout.dims.length === type.shape.length) return;
    this.ctx.problems.fail(
      'SH0212',
      `the layout has ${layout.dims.length} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
      op.span,
      `${type.shape.length} dims`,
    );
  }

  /** Of structural ops and collectives. */
  private resultTypes(
    op: AstOp,
    operands: readonly TensorType[],
    attrs: Attrs,
    stated: readonly (TensorType | undefined)[],
  ): readonly TensorType[] {
    const kind = op.kind.text;
    if (KEEPS_TYPE.has(kind) || kind === 'collective_permute') return operands;
    if (kind === 'axis_index') return [tensor('i32', [])];
    if (kind === 'sharding_group') return [];
    const known = stated.filter((t) => t !== undefined);
    if (known.length > 0 && known.length === stated.length) return known;
    const def = collectives[kind];
    if (def !== undefined && this.actsPerDevice(kind, attrs)) return def.infer({ kind, attrs, regions: [], operands });
    if ((COLLECTIVES as readonly string[]).includes(kind)) return operands;
    return this.ctx.problems.fail(
      'SH0107',
      `${kind} needs its result type here`,
      op.span,
      'a type after the op, as `: f32[8,16]`',
    );
  }

  /** A pass's collectives are on global shapes until the local level; a user's, over manual axes, never. */
  private actsPerDevice(kind: string, attrs: Attrs): boolean {
    return this.ctx.level !== 'collective' || joinedAxes({ kind, attrs }).some((a) => this.manual.includes(a.name));
  }

  /** NumPy's broadcasting between the operands of elementwise ops. */
  private broadcast(kind: string, operands: readonly ValueId[]): readonly ValueId[] {
    if (!Object.hasOwn(elementwiseOps, kind) || kind === 'clamp' || operands.length < 2) return operands;
    const shapes = operands.map((v) => this.b.typeOf(v).shape);
    const scalarPred = kind === 'select' && shapes[0]?.length === 0;
    const taking = shapes.map((_, i) => i > 0 || !scalarPred);
    const shape = shapes.reduce<readonly number[]>(
      (s, t, i) => (taking[i] === true ? this.b.broadcastShape(s, t) : s),
      [],
    );
    return operands.map((v, i) => (taking[i] === true ? this.b.broadcastTo(v, shape) : v));
  }

  private sugar(op: AstOp, stated: TensorType | undefined): readonly ValueId[] {
    const kind = op.kind.text;
    const row = SUGAR[kind] as (typeof SUGAR)[string];
    if (this.ctx.level !== 'parsed')
      this.ctx.problems.fail(
        'SH0207',
        `${kind} stands for several ops, and has no meaning at level ${this.ctx.level}`,
        op.span,
        'ops as the passes write them',
      );
    const operands = this.values(op, op.operands);
    if (row.operands >= 0 && operands.length !== row.operands)
      this.ctx.problems.fail(
        'SH0206',
        `${kind} takes ${row.operands} operands, not ${operands.length}`,
        op.span,
        `${row.operands} operands`,
      );
    if (row.hasEquation === true && op.equation === undefined)
      this.ctx.problems.fail('SH0205', `${kind} lacks its equation`, op.kind.span, `as ${kind} "bm,mf->bf" %x, %w`);
    const attrs: Record<string, unknown> = {};
    const names = row.attrs.map((a) => a.replace('?', ''));
    for (const { name, value } of op.attrs) {
      if (!names.includes(name.text))
        this.ctx.problems.fail(
          'SH0205',
          `${kind} has no attribute "${name.text}"`,
          name.span,
          names.length === 0 ? 'no attributes' : names.join(', '),
          suggestion(name.text, names),
        );
      attrs[name.text] =
        name.text === 'dims' ? this.whole(value) : this.whole({ is: 'list', items: [value], span: value.span })[0];
    }
    const equation = op.equation === undefined ? undefined : op.equation.text.slice(1, -1);
    return [row.build(this.b, { operands, attrs, equation, stated })];
  }

  private whole(data: AstData): number[] {
    const items = data.is === 'list' ? data.items : [];
    const numbers = items.map((i) => (i.is === 'number' ? Number(i.text) : Number.NaN));
    if (data.is !== 'list' || numbers.some((n) => !Number.isSafeInteger(n)))
      this.ctx.problems.fail('SH0106', 'this is not a list of dims', data.span, 'whole numbers, as [0, 1]');
    return numbers;
  }

  private call(op: AstOp): readonly ValueId[] {
    const name = op.callee?.text ?? '';
    const callee = this.ctx.signatures.get(name);
    if (callee === undefined) {
      const known = [...this.ctx.signatures.keys()];
      return this.ctx.problems.fail(
        'SH0220',
        `there is no function @${name}`,
        op.callee?.span ?? op.span,
        `one of ${known
          .map((k) => `@${k}`)
          .slice(0, 8)
          .join(', ')}`,
        suggestion(name, known),
      );
    }
    const operands = this.values(op, op.operands);
    const [given, wanted] = [
      operands.map((v) => typeText(this.b.typeOf(v))).join(', '),
      callee.params.map(typeText).join(', '),
    ];
    if (given !== wanted)
      this.ctx.problems.fail('SH0204', `@${name} is called with (${given})`, op.span, `(${wanted})`);
    if (callee.results === undefined)
      this.ctx.problems.fail(
        'SH0107',
        `the results of @${name} are not known here`,
        op.span,
        `result types in its definition, as \`func @${name}(...) -> (f32[8])\``,
      );
    return this.b.op('call', operands, callee.results, this.b.origin, { callee: name });
  }

  private constant(op: AstOp, type: TensorType | undefined): ValueId {
    const { problems } = this.ctx;
    const [data] = op.operands;
    if (type === undefined)
      return problems.fail(
        'SH0107',
        'a constant needs its type',
        op.span,
        'a type after it, as `constant 1.0 : f32[8]`',
      );
    if (data === undefined || op.operands.length > 1)
      return problems.fail('SH0106', 'a constant has one value', op.span, 'a number, a list, or base64"…"');
    const elements = this.elements(data, type);
    const count = elementCount(type) * (DTYPES[type.dtype].class === 'complex' ? 2 : 1);
    const splat = DTYPES[type.dtype].class === 'complex' ? 2 : 1;
    if (elements.length !== count && elements.length !== splat)
      problems.fail(
        'SH0106',
        `a constant of ${elementCount(type)} elements is given ${elements.length}`,
        data.span,
        `${elementCount(type)} elements or one for all`,
      );
    return this.b.one('constant', [], { value: { data: elements }, dtype: type.dtype, shape: type.shape });
  }

  private elements(data: AstData, type: TensorType): ElementArray {
    const bytes = data.is === 'base64' ? fromBase64(type.dtype, data.text) : undefined;
    if (bytes === null)
      this.ctx.problems.fail('SH0106', `these bytes are not whole elements of ${type.dtype}`, data.span);
    return bytes ?? elementsOf(type.dtype, flatten(data, type, this.ctx.problems));
  }
}

function flatten(data: AstData, type: TensorType, problems: Problems): (number | bigint)[] {
  const complex = DTYPES[type.dtype].class === 'complex';
  switch (data.is) {
    case 'list':
      return data.items.flatMap((i) => flatten(i, type, problems));
    case 'bool':
      if (type.dtype === 'pred') return [data.on ? 1 : 0];
      break;
    case 'number':
      if (!complex && type.dtype !== 'pred') return [checkedNumber(data.text, type, data.span, problems)];
      break;
    case 'pair':
      if (complex) return [Number(data.re.text), Number(data.im.text)];
      break;
    default:
      break;
  }
  return problems.fail(
    'SH0106',
    `this is not an element of ${type.dtype}`,
    data.span,
    type.dtype === 'pred' ? 'true or false' : complex ? 'a pair, as (1.0, 0.0)' : 'a number',
  );
}

function checkedNumber(text: string, type: TensorType, span: Span, problems: Problems): number | bigint {
  const { class: cls } = DTYPES[type.dtype];
  if (cls !== 'float' && !/^-?\d+$/.test(text))
    return problems.fail('SH0106', `${text} is not a ${type.dtype}`, span, 'a whole number');
  const value = numberOf(text, type);
  const { bits } = DTYPES[type.dtype];
  const least = cls === 'signed' ? -(2 ** (bits - 1)) : 0;
  const [wide] = elementsOf(type.dtype, [value]);
  if (cls !== 'float' && (wide !== value || value < least || value >= least + 2 ** bits))
    return problems.fail('SH0106', `${text} does not fit in ${type.dtype}`, span);
  return value;
}

function numberOf(text: string, type: TensorType): number | bigint {
  if (isWide(type.dtype)) return BigInt(text);
  if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
