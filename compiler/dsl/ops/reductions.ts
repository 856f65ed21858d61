/** Reductions, and what is made of them. Without `dims` over all; `keepDims` leaves extent 1 in their place. */
import type { Monoid } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { type DType, isFloat, tensor, type TensorType } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Operand, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { reduceWindow } from './windows.ts';
import { iota } from './creation.ts';
import { add, convert, divide, exp, isfinite, log, multiply, select, subtract } from './elementwise.ts';
import { dimOf, dimsOf, isNumber, numberOf } from './lift.ts';
import { broadcastInDim } from './shaping.ts';
import { stopGradient } from './structural.ts';

export interface ReduceOptions {
  readonly keepDims?: boolean;
}
export type Dims = number | readonly number[];
export interface Reduction {
  <D extends DType>(x: Tensor<D>): Tensor<D, readonly []>;
  <D extends DType>(x: Tensor<D>, dims: Dims | undefined, options?: ReduceOptions): Tensor<D>;
}

const reduction = (monoid: Monoid): Reduction =>
  ((x: Tensor, dims?: Dims, options: ReduceOptions = {}) => {
    const trace = currentTrace();
    const id = trace.id(x);
    const over = dimsOf(x, dims);
    if (monoid === 'and' || monoid === 'or') {
      if (isFloat(x.dtype))
        fail('SH0613', `${monoid === 'and' ? 'all' : 'any'} takes preds or integers, got ${x.dtype}`);
    }
    const made = trace.tensor(trace.build((b) => b.reduce(monoid, id, over)));
    return options.keepDims === true && over.length > 0 ? backInPlace(made, x, over) : made;
  }) as Reduction;

/** A reduced tensor with extent 1 where dims were. */
function backInPlace(reduced: Tensor, x: Tensor, over: readonly number[]): Tensor {
  return broadcastInDim(
    reduced,
    x.shape.map((n, d) => (over.includes(d) ? 1 : n)),
    x.shape.map((_, d) => d).filter((d) => !over.includes(d)),
  );
}

/** A reduced tensor at the full shape again. */
function spread(reduced: Tensor, x: Tensor, over: readonly number[]): Tensor {
  return broadcastInDim(
    reduced,
    x.shape,
    x.shape.map((_, d) => d).filter((d) => !over.includes(d)),
  );
}

/** pred and integers keep their type: convert first to count. */
export const sum = reduction('sum');
export const prod = reduction('prod');
export const max = reduction('max');
export const min = reduction('min');
export const all = reduction('and');
export const any = reduction('or');

/**
 * StableHLO's reduce of several tensors at once by a function of scalars, which must be associative: it takes what has
 * come together of each and an element of each.
 *
 *   reduce([x, i], [-Infinity, 0], ([v, j], [w, k]) => [select(greater(v, w), v, w), select(greater(v, w), j, k)], 1)
 */
export function reduce(
  operands: readonly Tensor[],
  starts: readonly Operand[],
  combine: (sofar: Tensor[], next: Tensor[]) => readonly Tensor[],
  dims?: Dims,
): Tensor[] {
  const trace = currentTrace();
  const [first] = operands;
  if (first === undefined || starts.length !== operands.length)
    fail('SH0206', `reduce takes a start value per tensor, got ${starts.length} for ${operands.length}`);
  const scalars = operands.map((x) => tensor(x.dtype, []));
  const { block } = trace.region('the function of a reduce', [...scalars, ...scalars], (params) => {
    const returned = combine(params.slice(0, operands.length), params.slice(operands.length));
    return { returned, rest: undefined };
  });
  const ids = operands.map((x) => trace.id(x));
  const made = trace.build((b) => {
    const from = starts.map((s, i) => (isNumber(s) ? b.splat(numberOf(s), scalars[i] as TensorType) : trace.id(s)));
    return b.apply('reduce', [...ids, ...from], { dims: dimsOf(first, dims) }, [block]);
  });
  return made.map((id) => trace.tensor(id));
}

export const mean: Reduction = ((x: Tensor, dims?: Dims, options: ReduceOptions = {}) => {
  const over = dimsOf(x, dims);
  const count = over.reduce((n, d) => n * (x.shape[d] as number), 1);
  return divide(sum(isFloat(x.dtype) ? x : convert(x, 'f32'), over, options), count);
}) as Reduction;

export const variance: Reduction = ((x: Tensor, dims?: Dims, options: ReduceOptions = {}) => {
  const over = dimsOf(x, dims);
  const centred = subtract(x, spread(mean(x, over), x, over));
  return mean(multiply(centred, centred), over, options);
}) as Reduction;

/** log Σ exp x, the largest taken out first. */
export function logSumExp(x: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  const over = dimsOf(x, dims);
  const top = stopAtInfinity(max(x, over));
  const total = sum(exp(subtract(x, spread(top, x, over))), over);
  const made = add(log(total), top);
  return options.keepDims === true ? backInPlace(made, x, over) : made;
}

/** -∞ - -∞ is no number. */
function stopAtInfinity(top: Tensor): Tensor {
  const still = stopGradient(top);
  return select(isfinite(still), still, 0);
}

/** exp(x − max) / Σ over a dim, by default the last. */
export function softmax<T extends Tensor>(x: T, dim = -1): T {
  const over = [dimOf(x, dim)];
  const raised = exp(subtract(x, spread(stopGradient(max(x, over)), x, over)));
  return divide(raised, spread(sum(raised, over), x, over)) as Tensor as T;
}

export function logSoftmax<T extends Tensor>(x: T, dim = -1): T {
  const over = [dimOf(x, dim)];
  return subtract(x, spread(logSumExp(x, over), x, over)) as Tensor as T;
}

/** Index of the largest along a dim, the first of equals. */
export const argmax = (x: Tensor, dim = -1): Tensor<'i32'> => extremum(x, dim, 'GT');
export const argmin = (x: Tensor, dim = -1): Tensor<'i32'> => extremum(x, dim, 'LT');

/** JAX's argmax: a reduction of (value, index) pairs that keeps the better, or the earlier of equals; NaN is best. */
function extremum(x: Tensor, dim: number, direction: 'GT' | 'LT'): Tensor<'i32'> {
  const trace = currentTrace();
  const at = dimOf(x, dim);
  const operands = [trace.id(x), trace.id(iota(x.shape, at))];
  const scalars = [tensor(x.dtype, []), tensor('i32', [])] as const;
  const made = trace.build((b) => {
    const starts = [
      b.splat(identityOf(direction === 'GT' ? 'max' : 'min', x.dtype), scalars[0]),
      b.splat(0, scalars[1]),
    ];
    const keepBetter = b.region(() => {
      const [v, i, w, j] = [...scalars, ...scalars].map((t) => b.param(t)) as [ValueId, ValueId, ValueId, ValueId];
      const compared = (d: string, p: ValueId, q: ValueId): ValueId => b.one('compare', [p, q], { direction: d });
      const better = b.one('or', [compared(direction, v, w), compared('NE', v, v)]);
      const first = b.one('or', [better, b.one('and', [compared('EQ', v, w), compared('LT', i, j)])]);
      b.op('return', [b.one('select', [better, v, w]), b.one('select', [first, i, j])], [], b.origin);
    });
    return b.apply('reduce', [...operands, ...starts], { dims: [at] }, [keepBetter])[1] as ValueId;
  });
  return trace.tensor(made) as Tensor<'i32'>;
}

export interface CumulativeOptions {
  /** From the end: all elements from each on. */
  readonly reverse?: boolean;
}
export type Cumulative = <T extends Tensor>(x: T, dim?: number, options?: CumulativeOptions) => T;

/** As JAX lowers it: a window over everything before. */
const cumulative =
  (monoid: Monoid): Cumulative =>
  (x, dim = 0, { reverse = false } = {}) => {
    const at = dimOf(x, dim);
    const size = x.shape[at] as number;
    const along = (n: number, other: number): number[] => x.shape.map((_, d) => (d === at ? n : other));
    const before = along(Math.max(0, size - 1), 0);
    const window = along(Math.max(1, size), 1);
    return reduceWindow(x, monoid, { window, [reverse ? 'padHigh' : 'padLow']: before }) as Tensor as typeof x;
  };

/** Sums of all elements up to each along a dim. */
export const cumsum = cumulative('sum');
export const cumprod = cumulative('prod');
export const cummax = cumulative('max');
export const cummin = cumulative('min');
