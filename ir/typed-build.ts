/** A builder that infers result types from the registry: what a front end (text, DSL) writes ops with. */
import { FuncBuilder } from './build.ts';
import { splatElements } from './elements.ts';
import type { Monoid } from './layout.ts';
import { identityOf } from './monoid.ts';
import { InferError, type Registry } from './op.ts';
import type { Attrs, Block, Origin, ValueId, ValueInfo } from './program.ts';
import { type DType, tensor, type TensorType, typeText } from './types.ts';

export const REDUCERS: Readonly<Record<Monoid, string>> = {
  sum: 'add',
  prod: 'multiply',
  max: 'maximum',
  min: 'minimum',
  and: 'and',
  or: 'or',
};

export class TypedBuilder extends FuncBuilder {
  readonly registry: Registry;
  /** Of every op made from here on. */
  origin: Origin = {};

  constructor(registry: Registry, values: readonly ValueInfo[] = []) {
    super(values);
    this.registry = registry;
  }

  /** Result types of a tensor op. Throws InferError. */
  inferred(kind: string, operands: readonly ValueId[], attrs: Attrs, regions: readonly Block[]): readonly TensorType[] {
    const def = Object.hasOwn(this.registry, kind) ? this.registry[kind] : undefined;
    if (def === undefined) throw new InferError(`there is no op "${kind}"`);
    const types = def.infer({ kind, attrs, regions, operands: operands.map((v) => this.typeOf(v)) });
    for (const type of types)
      if (type.shape.some((n) => !Number.isSafeInteger(n) || n < 0))
        throw new InferError(`${kind} would give ${typeText(type)}`);
    return types;
  }

  apply(kind: string, operands: readonly ValueId[], attrs: Attrs = {}, regions: readonly Block[] = []): ValueId[] {
    return this.op(kind, operands, this.inferred(kind, operands, attrs, regions), this.origin, attrs, regions);
  }

  /** The one result of an op. */
  one(kind: string, operands: readonly ValueId[], attrs: Attrs = {}, regions: readonly Block[] = []): ValueId {
    return this.apply(kind, operands, attrs, regions)[0] as ValueId;
  }

  /** All elements the same. */
  splat(value: number | bigint, { dtype, shape }: TensorType): ValueId {
    return this.one('constant', [], { value: { data: splatElements(dtype, value) }, dtype, shape });
  }

  /** NumPy's rule: dims align at the end; extents are equal or 1. The shape both fit, or InferError. */
  broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
    const rank = Math.max(a.length, b.length);
    return Array.from({ length: rank }, (_, i) => {
      const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
      if (x !== y && x !== 1 && y !== 1)
        throw new InferError(`shapes [${a.join(',')}] and [${b.join(',')}] do not broadcast together`);
      return x === 1 ? y : x;
    });
  }

  /** To a shape that the value fits by NumPy's rule; dims of extent 1 are dropped first. */
  broadcastTo(value: ValueId, shape: readonly number[]): ValueId {
    const from = this.typeOf(value);
    if (from.shape.length === shape.length && from.shape.every((n, d) => n === shape[d])) return value;
    const offset = shape.length - from.shape.length;
    const kept = from.shape.flatMap((n, d) => (n === shape[d + offset] ? [d] : []));
    const squeezed =
      kept.length === from.shape.length
        ? value
        : this.one('reshape', [value], { shape: kept.map((d) => from.shape[d] as number) });
    return this.one('broadcast_in_dim', [squeezed], { dims: kept.map((d) => d + offset), shape });
  }

  reduce(monoid: Monoid, value: ValueId, dims: readonly number[]): ValueId {
    const { dtype } = this.typeOf(value);
    const init = this.splat(identityOf(monoid, dtype), tensor(dtype, []));
    return this.one('reduce', [value, init], { dims }, [this.reducer(REDUCERS[monoid], dtype)]);
  }

  /** A region of one binary op on two scalars. */
  reducer(kind: string, dtype: DType): Block {
    const scalar = tensor(dtype, []);
    return this.region(() => {
      const params = [this.param(scalar), this.param(scalar)];
      this.op('return', this.apply(kind, params), [], this.origin);
    });
  }
}
