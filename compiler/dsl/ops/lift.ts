/** Operands as ops want them: numbers become constants, element types meet, shapes broadcast as in NumPy. */
import type { ValueId } from '../../../ir/program.ts';
import { type DType, tensor } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import { numberAlone, numberBeside, promote } from '../promote.ts';
import type { Operand, Shape, Tensor } from '../tensor.ts';
import { currentTrace, mustBeTensor, type Trace } from '../trace.ts';

/** Brought to one element type and one shape, within `trace.build`. */
export function lift(trace: Trace, operands: readonly Operand[]): ValueId[] {
  const { b } = trace;
  for (const x of operands) if (!isNumber(x)) mustBeTensor(x);
  const ids = operands.map((x) => (isNumber(x) ? undefined : trace.id(x)));
  if (ids.every((id, i) => id !== undefined && (i === 0 || b.typeOf(id) === b.typeOf(ids[0] as ValueId))))
    return ids as ValueId[];
  const types = ids.map((id) => (id === undefined ? undefined : trace.b.typeOf(id)));
  const dtype = commonType(trace, operands);
  const shape = types.reduce<Shape>((s, t) => (t === undefined ? s : b.broadcastShape(s, t.shape)), []);
  return operands.map((x, i) => {
    const id = ids[i];
    if (id === undefined) return b.splat(stored(x as number, dtype), tensor(dtype, shape));
    return b.broadcastTo(b.typeOf(id).dtype === dtype ? id : b.one('convert', [id], { dtype }), shape);
  });
}

/** A number as a scalar tensor, a tensor as itself. */
export function asTensor(x: Operand): Tensor {
  const trace = currentTrace();
  if (!isNumber(x)) {
    mustBeTensor(x);
    return x;
  }
  const dtype = numberAlone(x);
  return trace.tensor(trace.build((b) => b.splat(stored(x, dtype), tensor(dtype, []))));
}

export const isNumber = (x: unknown): x is number | bigint | boolean =>
  typeof x === 'number' || typeof x === 'bigint' || typeof x === 'boolean';

export const numberOf = (x: number | bigint | boolean): number | bigint => (typeof x === 'boolean' ? Number(x) : x);

const stored = (x: number | bigint | boolean, dtype: DType): number | bigint =>
  dtype === 'pred' ? Number(Boolean(x)) : numberOf(x);

/** The element type that operands meet in; a number alone decides nothing that a tensor can. */
export function commonType(trace: Trace, operands: readonly Operand[]): DType {
  const tensors = operands.flatMap((x) => (isNumber(x) ? [] : [trace.b.typeOf(trace.id(x)).dtype]));
  const start = tensors[0] ?? numberAlone(operands[0] as number);
  const held = tensors.reduce((a, b) => {
    const both = promote(a, b);
    if (both === undefined)
      fail('SH0613', `${a} and ${b} have no element type in common`, {
        help: "convert one of them: convert(x, 'f32')",
      });
    return both;
  }, start);
  return operands.reduce<DType>((d, x) => (isNumber(x) ? numberBeside(x, d) : d), held);
}

/** Dims counted from the end where negative; fails for one that the tensor lacks. */
export function dimsOf(x: Tensor, dims: number | readonly number[] | undefined): number[] {
  mustBeTensor(x);
  const rank = x.shape.length;
  if (dims === undefined) return x.shape.map((_, d) => d);
  const list = (typeof dims === 'number' ? [dims] : dims).map((d) => dimOf(x, d));
  if (new Set(list).size !== list.length)
    fail('SH0204', `a dim is named twice: [${String(dims)}] of a tensor of rank ${rank}`);
  return list;
}

export function dimOf(x: Tensor, dim: number): number {
  mustBeTensor(x);
  const rank = x.shape.length;
  if (!Number.isInteger(dim) || dim < -rank || dim >= rank)
    fail('SH0204', `dim ${dim} is not of a tensor of rank ${rank}`, {
      expected: rank === 0 ? 'a tensor of rank 1 and more' : `${-rank} to ${rank - 1}`,
    });
  return dim < 0 ? dim + rank : dim;
}
