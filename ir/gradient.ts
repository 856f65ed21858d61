/** Reverse mode: what an op's gradient is given and what it is written with. */
import { InferError } from './op.ts';
import type { Attrs, Block, ValueId } from './program.ts';
import type { TypedBuilder } from './typed-build.ts';

export interface GradientOp<A extends Attrs = Attrs> {
  readonly kind: string;
  readonly attrs: A;
  readonly regions: readonly Block[];
  readonly operands: readonly ValueId[];
  readonly results: readonly ValueId[];
  /** Per operand: is its cotangent asked for? */
  readonly wanted: readonly boolean[];
}

/**
 * Writes the cotangents of the operands from those of the results. Undefined is zero: on the way in for a result that
 * nobody differentiates, on the way out for an operand that the op does not depend on smoothly. Throws NoGradient.
 */
export type Gradient<A extends Attrs = Attrs> = (
  b: TypedBuilder,
  op: GradientOp<A>,
  cotangents: readonly (ValueId | undefined)[],
) => readonly (ValueId | undefined)[];

/** The op has no gradient in this form; the message says what to do instead. */
export class NoGradient extends InferError {}

/** A constant of a formula, of the type of what stands beside it. */
export interface Constant {
  readonly value: number;
}
export const k = (value: number): Constant => ({ value });
type Term = ValueId | Constant;

/** Elementwise formulas on values of one type. */
export class Formula {
  readonly b: TypedBuilder;

  constructor(b: TypedBuilder) {
    this.b = b;
  }

  add = (x: Term, y: Term): ValueId => this.two('add', x, y);
  sub = (x: Term, y: Term): ValueId => this.two('subtract', x, y);
  mul = (x: Term, y: Term): ValueId => this.two('multiply', x, y);
  div = (x: Term, y: Term): ValueId => this.two('divide', x, y);
  neg = (x: ValueId): ValueId => this.b.one('negate', [x]);
  square = (x: ValueId): ValueId => this.mul(x, x);
  apply = (kind: string, x: ValueId): ValueId => this.b.one(kind, [x]);

  is(direction: 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE', x: ValueId, y: Term): ValueId {
    return this.b.one('compare', [x, this.beside(y, x)], { direction, compare_type: 'FLOAT' });
  }

  select(pred: ValueId, x: Term, y: Term): ValueId {
    return this.b.one('select', [pred, this.beside(x, y), this.beside(y, x)]);
  }

  two(kind: string, x: Term, y: Term): ValueId {
    return this.b.one(kind, [this.beside(x, y), this.beside(y, x)]);
  }

  private beside(x: Term, other: Term): ValueId {
    if (typeof x === 'number') return x;
    if (typeof other !== 'number') throw new Error('a formula of constants alone');
    return this.b.splat(x.value, this.b.typeOf(other));
  }
}
