/** An op at its padded shapes, for what has to do more than carry on: what a rewriter works with. */
import type { Layout } from '../../../ir/layout.ts';
import type { OpView } from '../../../ir/op.ts';
import type { Attrs, Block, Op, Origin, ValueId } from '../../../ir/program.ts';
import { type TensorType, withShape } from '../../../ir/types.ts';
import type { PaddedValues } from './padded-values.ts';

export class PadSite {
  readonly op: Op;
  /** At true sizes. */
  readonly view: OpView;
  readonly operands: readonly ValueId[];
  readonly resultShapes: readonly (readonly number[])[];
  readonly regions: readonly Block[];
  readonly values: PaddedValues;
  readonly origin: Origin;

  constructor(
    op: Op,
    view: OpView,
    at: { readonly operands: readonly ValueId[]; readonly resultShapes: readonly (readonly number[])[] },
    regions: readonly Block[],
    values: PaddedValues,
  ) {
    this.op = op;
    this.view = view;
    this.operands = at.operands;
    this.resultShapes = at.resultShapes;
    this.regions = regions;
    this.values = values;
    this.origin = values.reason(op, `${op.kind} on padded dims`);
  }

  typeOf(id: ValueId): TensorType {
    return this.values.builder.typeOf(id);
  }

  layoutOf(id: ValueId): Layout | undefined {
    return this.values.builder.layoutOf(id);
  }

  /** True extent of an operand's dim. */
  size(operand: number, d: number): number {
    return this.view.operands[operand]?.shape[d] as number;
  }

  /** Is the operand's dim longer than it truly is? */
  grows(operand: number, d: number): boolean {
    return this.typeOf(this.operands[operand] as ValueId).shape[d] !== this.size(operand, d);
  }

  /** An op of the type and layout of `like`, or of another type. */
  made(
    kind: string,
    operands: readonly ValueId[],
    like: ValueId,
    attrs: Attrs = {},
    type = this.typeOf(like),
  ): ValueId {
    const made = this.values.op(kind, operands, type, attrs, this.layoutOf(like), this.origin);
    return this.padLike(made, like);
  }

  /** An op of several results, laid out as `like`. */
  all(
    kind: string,
    operands: readonly ValueId[],
    like: ValueId,
    attrs: Attrs,
    types: readonly TensorType[],
    regions: readonly Block[],
  ): ValueId[] {
    const { builder } = this.values;
    const results = builder.op(kind, operands, types, this.origin, attrs, regions);
    const layout = this.layoutOf(like);
    if (layout !== undefined) for (const r of results) builder.setLayout(r, layout);
    return results;
  }

  splat(like: ValueId, value: number | bigint): ValueId {
    return this.padLike(this.values.splat(this.typeOf(like), value, this.layoutOf(like), this.origin), like);
  }

  /** A value of the same shape is as long in truth; what its padding holds is not known. */
  private padLike(made: ValueId, like: ValueId): ValueId {
    const { shape } = this.typeOf(like);
    if (this.typeOf(made).shape.every((n, d) => n === shape[d])) {
      const padding = this.values.builder.values[like]?.padding;
      this.values.builder.setPadding(
        made,
        padding?.map((p) => p && { ...p, holds: 'unknown' as const }),
      );
    }
    return made;
  }

  /** The op's results: one op that makes them all. */
  finish(kind: string, operands: readonly ValueId[], attrs: Attrs, regions: readonly Block[] = []): ValueId[] {
    const { op, values } = this;
    const results = op.results.map((r, i) => values.like(r, this.resultShapes[i] ?? []));
    values.builder.push({ ...op, kind, operands, results, attrs, regions });
    return results;
  }

  /** `value`, moved along the dims: elements that leave fall off, those that come are `fill`. */
  shifted(value: ValueId, low: readonly number[], shape: readonly number[], fill: number | bigint): ValueId {
    const type = this.typeOf(value);
    const high = shape.map((n, d) => n - (type.shape[d] as number) - (low[d] as number));
    const [like] = this.op.results.slice(0, 1).map((r) => this.values.like(r, shape));
    const result = like as ValueId;
    // Spread for strides: its true elements are not those of the result.
    if (shape.some((n, d) => n !== this.resultShapes[0]?.[d])) this.values.builder.forgetPadding(result);
    const attrs = { low, high, interior: low.map(() => 0) };
    const { origin } = this;
    const operands = [value, this.values.scalar(type, fill, origin)];
    this.values.builder.push({ kind: 'pad', operands, results: [result], attrs, regions: [], origin });
    return result;
  }

  /** Results at their true types but for these shapes. */
  resultType(i: number): TensorType {
    return withShape(this.view.results[i] as TensorType, this.resultShapes[i] ?? []);
  }
}

/** Gives the results in their padded shapes; undefined where the op carries on as it is. */
export type Rewriter = (site: PadSite) => readonly ValueId[] | undefined;
