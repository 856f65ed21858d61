/** Symbolic tensors: what a model is written over. They have a type and a place in a trace, and no numbers. */
import type { ValueId } from '../../ir/program.ts';
import type { DType } from '../../ir/types.ts';
import { fail } from './errors.ts';
import type { Scope } from './trace.ts';

export type Shape = readonly number[];

/** Where the tensor lives: for this folder only. */
export const handle: unique symbol = Symbol('handle');
export interface Handle {
  readonly scope: Scope;
  readonly id: ValueId;
}

/** Made by tracing only. `D` and `S` are known as far as TypeScript can follow: `Tensor<'f32', [number, number]>`. */
export class Tensor<D extends DType = DType, S extends Shape = Shape> {
  readonly dtype: D;
  readonly shape: S;
  readonly [handle]: Handle;

  constructor(dtype: D, shape: S, place: Handle) {
    this.dtype = dtype;
    this.shape = shape;
    this[handle] = place;
    Object.freeze(this);
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `Tensor ${this.dtype}[${this.shape.join(',')}]`;
  }

  /** `x + y`, `x > 0`, Math.sqrt(x): JavaScript asks for a number, which there is none of before the program runs. */
  [Symbol.toPrimitive](wanted: 'string' | 'number' | 'default'): string {
    if (wanted === 'string') return this.toString();
    return fail('SH0616', `a number is asked of a ${this.toString()}, which has none while it is traced`, {
      expected: 'functions of tensors: add(x, y) for x + y, sqrt(x), greater(x, 0) for x > 0',
      help: 'a choice by value is select(greater(x, 0), a, b), or cond(pred, f, g)',
    });
  }
}

/** A number takes the element type of the tensor beside it. */
export type Operand = Tensor | number | bigint | boolean;

/** Tensors of a rank, for signatures that read well: `function mlp(x: Matrix, w: Matrix)`. */
export type Scalar = Tensor<DType, readonly []>;
export type Vector = Tensor<DType, readonly [number]>;
export type Matrix = Tensor<DType, readonly [number, number]>;
export type Tensor3 = Tensor<DType, readonly [number, number, number]>;
export type Tensor4 = Tensor<DType, readonly [number, number, number, number]>;
