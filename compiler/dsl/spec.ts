/** What an argument is: element type, shape, and how it is laid out. `f32([64, 256], null, 'model')`. */
import type { DType } from '../../ir/types.ts';
import type { DimSpec } from './mesh.ts';
import type { Lengths } from './ops/creation.ts';
import { checkDType, checkShape } from './ops/types.ts';
import type { Shape, Tensor } from './tensor.ts';
import { type MapTree, rebuild } from './tree.ts';

declare const typed: unique symbol;

export class Spec<D extends DType = DType, S extends Shape = Shape> {
  readonly dtype: D;
  readonly shape: S;
  /** Absent: left to propagation. */
  readonly sharding: readonly DimSpec[] | undefined;
  declare readonly [typed]: Tensor<D, S>;

  constructor(dtype: D, shape: S, sharding: readonly DimSpec[] | undefined) {
    checkDType(dtype);
    checkShape(shape);
    this.dtype = dtype;
    this.shape = shape;
    this.sharding = sharding;
  }
}

export function spec<const D extends DType, const S extends Shape>(
  dtype: D,
  shape: S,
  ...sharding: readonly DimSpec[]
): Spec<D, Lengths<S>> {
  return new Spec(dtype, shape, sharding.length > 0 ? sharding : undefined) as unknown as Spec<D, Lengths<S>>;
}

const of =
  <const D extends DType>(dtype: D) =>
  <const S extends Shape>(shape: S, ...sharding: readonly DimSpec[]): Spec<D, Lengths<S>> =>
    spec(dtype, shape, ...sharding);

export const f64 = of('f64');
export const f32 = of('f32');
export const f16 = of('f16');
export const bf16 = of('bf16');
export const i32 = of('i32');
export const i64 = of('i64');
export const u8 = of('u8');
export const u32 = of('u32');
export const pred = of('pred');

/** Specs of `count` alike things stacked along a new first dim: layers that a scan goes over, experts of a vmap. */
export const stacked = <S>(specs: S, count: number, dim: DimSpec = null): S =>
  rebuild(specs, isSpec, (s) =>
    spec(s.dtype, [count, ...s.shape], ...(s.sharding === undefined ? openDims(dim, s) : [dim, ...s.sharding])),
  ) as S;

/** Of a spec that says nothing, all dims stay open unless the new one is asked for. */
const openDims = (dim: DimSpec, { shape }: Spec): readonly DimSpec[] =>
  dim === null ? [] : [dim, ...shape.map(() => '?')];

export const isSpec = (node: unknown): node is Spec => node instanceof Spec;

/** Specs in the place of a function's tensors. */
export type SpecsOf<A extends readonly unknown[]> = { readonly [K in keyof A]: MapTree<A[K], Spec> };
