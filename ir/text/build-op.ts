/** Ops without regions of their own to read: operands broadcast, sugar written out, types inferred. */
import type { Layout } from '../layout.ts';
import { collectives, joinedAxes } from '../ops/collectives.ts';
import { elementwiseOps } from '../ops/elementwise.ts';
import { type Attrs, type Block, COLLECTIVES, STARTS, STRUCTURAL, type ValueId } from '../program.ts';
import { tensor, type TensorType, typeText } from '../types.ts';
import type { TypedBuilder } from '../typed-build.ts';
import type { AstData, AstOp } from './ast.ts';
import type { AttrReader } from './attrs.ts';
import type { Context } from './context.ts';
import { constantElements } from './literals.ts';
import { suggestion } from './problems.ts';
import { SUGAR } from './sugar.ts';

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

/** What an op needs of the function that is being read. */
interface Surroundings {
  /** The values an operand list stands for. Leaves the op where one is unknown. */
  values(op: AstOp, operands: readonly AstData[]): ValueId[];
  /** Regions of an op that reduces or compares. */
  reducers(op: AstOp, operands: readonly TensorType[]): Block[];
  /** Axes of the manual computations around. */
  readonly manual: readonly string[];
}

export class OpBuilder {
  private readonly ctx: Context;
  private readonly b: TypedBuilder;
  private readonly attrs: AttrReader;
  private readonly around: Surroundings;

  constructor(ctx: Context, b: TypedBuilder, attrs: AttrReader, around: Surroundings) {
    this.ctx = ctx;
    this.b = b;
    this.attrs = attrs;
    this.around = around;
  }

  /** `stated` = the types written after the op. */
  build(op: AstOp, stated: readonly (TensorType | undefined)[]): readonly ValueId[] {
    const kind = op.kind.text;
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
    const operands = this.broadcast(kind, this.around.values(op, isLayoutOp ? op.operands.slice(0, -1) : op.operands));
    const operandTypes = operands.map((v) => this.b.typeOf(v));
    const given = isLayoutOp ? [...op.attrs, { name: { text: 'layout', span: laid.span }, value: laid }] : op.attrs;
    const attrs = this.attrs.attrs(op, given, stated[0], operandTypes[0]);
    const regions = this.around.reducers(op, operandTypes);
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
    return (
      this.ctx.level !== 'collective' || joinedAxes({ kind, attrs }).some((a) => this.around.manual.includes(a.name))
    );
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
    const operands = this.around.values(op, op.operands);
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
    const operands = this.around.values(op, op.operands);
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
    if (type === undefined)
      return this.ctx.problems.fail(
        'SH0107',
        'a constant needs its type',
        op.span,
        'a type after it, as `constant 1.0 : f32[8]`',
      );
    const data = constantElements(op, type, this.ctx.problems);
    return this.b.one('constant', [], { value: { data }, dtype: type.dtype, shape: type.shape });
  }
}
