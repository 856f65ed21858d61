/** Trees → functions: names resolved, sugar written out, types inferred. A broken op leaves its results unknown and is told once. */
import { InferError } from '../op.ts';
import type { Attrs, Block, Func, ValueId } from '../program.ts';
import { tensor, type TensorType, typeText } from '../types.ts';
import { TypedBuilder } from '../typed-build.ts';
import type { AstBlock, AstData, AstFunction, AstOp, AstParam, AstType } from './ast.ts';
import { AttrReader } from './attrs.ts';
import { OpBuilder } from './build-op.ts';
import type { Context } from './context.ts';
import { numberOf } from './literals.ts';
import { Broken, guarded } from './problems.ts';
import { Regions } from './regions.ts';
import { Scopes } from './scopes.ts';
import { literalType } from './sugar.ts';
import { paddingOfAst, typeOfAst } from './types.ts';

export class Elaborator {
  readonly b: TypedBuilder;
  private readonly ctx: Context;
  private readonly attrs: AttrReader;
  private readonly regions: Regions;
  private readonly scopes: Scopes;
  private readonly opBuilder: OpBuilder;
  /** Axes of the manual computations around. */
  readonly manual: string[] = [];

  constructor(ctx: Context) {
    this.ctx = ctx;
    this.b = new TypedBuilder(ctx.registry);
    this.attrs = new AttrReader(ctx.problems, ctx.layouts);
    this.regions = new Regions(this.b, this);
    this.scopes = new Scopes(ctx.problems);
    this.opBuilder = new OpBuilder(ctx, this.b, this.attrs, this);
  }

  function(ast: AstFunction): Func {
    for (const p of ast.params) guarded(() => this.param(p, undefined));
    const returned = this.ops(ast.body);
    const types = returned?.map((v) => this.b.typeOf(v)) ?? [];
    const results =
      ast.results?.map((r, i) => ({
        type: r.type === undefined ? types[i] : guarded(() => typeOfAst(r.type as AstType, this.ctx)),
        layout:
          r.layout === undefined
            ? undefined
            : guarded(() => this.ctx.layouts.layout(r.layout as NonNullable<typeof r.layout>)),
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
    const read = (): void => {
      if (types !== undefined && ast.params.length !== types.length) {
        this.ctx.problems.add(
          'SH0206',
          `this region takes ${ast.params.length} values`,
          ast.span,
          `${types.length}, as (${types.map((t, i) => `%p${i}: ${typeText(t)}`).join(', ')})`,
        );
      }
      ast.params.forEach((p, i) => guarded(() => this.param(p, types?.[i])));
      returned = this.ops(ast, end);
    };
    const block = this.scopes.within(() => this.b.region(read));
    return { block, returned };
  }

  /** The values an operand list stands for. Leaves the op where one is unknown. */
  values(op: AstOp, operands: readonly AstData[]): ValueId[] {
    const found = operands.map((o) => (o.is === 'value' ? this.scopes.use(o.text, o.span) : undefined));
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

  /** Regions of an op that reduces or compares. */
  reducers(op: AstOp, operands: readonly TensorType[]): Block[] {
    return this.regions.reducers(op, operands);
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

  private param(p: AstParam, known: TensorType | undefined): void {
    const { problems } = this.ctx;
    this.scopes.define(p.name, null);
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
    this.scopes.rebind(p.name, id);
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
    this.scopes.defineBroken(op.results);
  }

  private op(op: AstOp): readonly ValueId[] {
    const stated = op.annotations.map((a) => (a.type === undefined ? undefined : typeOfAst(a.type, this.ctx)));
    const handled = this.regions.handles(op.kind.text);
    const made = handled ? this.regions.build(op) : this.opBuilder.build(op, stated);
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
      if (name !== undefined) this.scopes.define(name, id);
    });
    return made;
  }
}
