/**
 * Examples that laws run on: one op on parameters, with its types written out and numbers to feed it.
 *
 *   example('transpose', 'f32[2,3] -> f32[3,2]', { attrs: { permutation: [1, 0] } })
 */
import { allocate, type TensorArray } from '../../../ir/array.ts';
import { FuncBuilder } from '../../../ir/build.ts';
import type { Monoid } from '../../../ir/layout.ts';
import { identityOf } from '../../../ir/monoid.ts';
import type { OpView } from '../../../ir/op.ts';
import type { Attrs, Block, Func, Op, ValueId } from '../../../ir/program.ts';
import { DTYPES, type DType, elementCount, isDType, tensor, type TensorType, typeText } from '../../../ir/types.ts';
import { makeInputs } from '../../../runtime-sim/inputs.ts';

export interface OpExample {
  readonly kind: string;
  readonly name: string;
  /** One op on the parameters, and a return of its results. */
  readonly func: Func;
  /** One array per parameter, floats held wide. */
  readonly inputs: readonly TensorArray[];
  readonly options: ExampleOptions;
}

export interface ExampleOptions {
  readonly attrs?: Attrs;
  /** Built in the example's own function. */
  readonly regions?: (b: FuncBuilder) => readonly Block[];
  /** Numbers of an operand, by flat index; random otherwise. */
  readonly inputs?: Readonly<Record<number, (i: number) => number | bigint>>;
  /** What else is special, for the name. */
  readonly note?: string;
  /** Why partial results over reduce factors do not combine here (a start value other than the identity). */
  readonly noPartials?: string;
  /** Flops by hand. */
  readonly flops?: number;
  /** Every shard may do all the work (updates of a scatter into a sharded operand). */
  readonly wholeWork?: boolean;
}

/** `signature`: `(f32[4,8], i32[]) -> f32[4]`, parentheses optional. */
export function example(kind: string, signature: string, options: ExampleOptions = {}): OpExample {
  const [operands, results] = signature.split('->').map(readTypes) as [TensorType[], TensorType[]];
  const b = new FuncBuilder();
  const params = operands.map((t) => b.param(t));
  const made = b.op(kind, params, results, {}, options.attrs ?? {}, options.regions?.(b) ?? []);
  b.push({ kind: 'return', operands: made, results: [], attrs: {}, regions: [], origin: {} });
  const none = <T>(list: readonly T[]): undefined[] => list.map(() => undefined);
  const func = b.finish({
    name: 'main',
    isPublic: true,
    resultTypes: results,
    resultLayouts: none(results),
    paramAttrs: none(operands),
    resultAttrs: none(results),
  });
  const random = makeInputs(func, 7, 'wide');
  const inputs = random.map((array, i) => {
    const fill = options.inputs?.[i];
    return fill === undefined ? array : filledWith(array.dtype, array.shape, fill);
  });
  const attrs = Object.keys(options.attrs ?? {}).length > 0 ? ` ${attrsText(options.attrs ?? {})}` : '';
  const note = options.note === undefined ? '' : ` (${options.note})`;
  const name = `(${operands.map(typeText).join(', ')}) -> ${results.map(typeText).join(', ')}${attrs}${note}`;
  return { kind, name, func, inputs, options };
}

/** The op under test. */
export const opOf = (example: OpExample): Op => example.func.body.ops[0] as Op;

export function viewOf({ func }: OpExample): OpView {
  const op = func.body.ops[0] as Op;
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => func.values[v]?.type as TensorType);
  return {
    kind: op.kind,
    attrs: op.attrs,
    regions: op.regions,
    operands: types(op.operands),
    results: types(op.results),
  };
}

/** An array of these numbers, floats held wide. */
export function filledWith(dtype: DType, shape: readonly number[], at: (i: number) => number | bigint): TensorArray {
  const data = allocate(dtype, elementCount(tensor(dtype, shape)), 'wide');
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) data[i] = wide ? BigInt(at(i)) : Number(at(i));
  return { dtype, shape, data };
}

/** A region of two scalars and one op on them. */
export const reducer =
  (kind: string, dtype: DType) =>
  (b: FuncBuilder): readonly Block[] => {
    const scalar = tensor(dtype, []);
    return [
      b.region(() => {
        const [x, y] = [b.param(scalar), b.param(scalar)];
        returns(b, b.op(kind, [x, y], [scalar], {}));
      }),
    ];
  };

/** Ends a region. */
export function returns(b: FuncBuilder, values: readonly ValueId[]): void {
  b.push({ kind: 'return', operands: values, results: [], attrs: {}, regions: [], origin: {} });
}

/** The identity of a monoid, as an operand's numbers. */
export const identity = (monoid: Monoid, dtype: DType) => (): number | bigint => identityOf(monoid, dtype);

/** Op and identity of each monoid. */
export const MONOID_OPS: Readonly<Record<Monoid, string>> = {
  sum: 'add',
  prod: 'multiply',
  max: 'maximum',
  min: 'minimum',
  and: 'and',
  or: 'or',
};

/** Element types that a monoid is defined on, of those that the examples use. */
export const monoidTypes = (monoid: Monoid): readonly DType[] => {
  const bitwise = monoid === 'and' || monoid === 'or';
  const wanted: readonly DType[] = ['f32', 'bf16', 'i32', 'u8', 'i64', 'pred'];
  return wanted.filter((t) => !bitwise || DTYPES[t].class !== 'float');
};

const TYPE = /([a-z]+[0-9]*[a-z0-9]*)\[([0-9,]*)\]/g;

function readTypes(text: string): TensorType[] {
  return [...text.matchAll(TYPE)].map(([whole, dtype, dims]) => {
    if (dtype === undefined || !isDType(dtype)) throw new Error(`${whole} is not a tensor type`);
    return tensor(dtype, dims === undefined || dims === '' ? [] : dims.split(',').map(Number));
  });
}

function attrsText(attrs: Attrs): string {
  const text = JSON.stringify(attrs, (key, v) => (key === 'value' ? '…' : v));
  return text.replaceAll('"', '');
}
