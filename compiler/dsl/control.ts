/** Loops and branches: scan, fori, whileLoop, cond, switchCase (jax.lax has the same). */
import type { Block } from '../../ir/program.ts';
import { isInteger, tensor, type TensorType, typeText } from '../../ir/types.ts';
import { fail } from './errors.ts';
import { constant } from './ops/creation.ts';
import { add, convert, less } from './ops/elementwise.ts';
import type { ScanAttrs } from './primitives.ts';
import type { Operand, Tensor } from './tensor.ts';
import { currentTrace, describe, mustBeTensor, type Trace } from './trace.ts';
import { isTensor, leavesOf, structure, tensorsOf, withTensors } from './tree.ts';

export interface ScanOptions {
  /** Turns, where there are no xs to tell. */
  readonly length?: number;
  /** From the last slice to the first; ys stand as if forward. */
  readonly reverse?: boolean;
}

/** Without its first dim: what a body sees of xs. */
export type SliceOf<X> =
  X extends Tensor<infer D, infer S>
    ? Tensor<D, S extends readonly [unknown, ...infer Rest extends readonly number[]] ? Rest : readonly number[]>
    : { readonly [K in keyof X]: SliceOf<X[K]> };
/** With a first dim more: what a body's ys become. */
export type Stacked<Y> =
  Y extends Tensor<infer D, infer S> ? Tensor<D, readonly [number, ...S]> : { readonly [K in keyof Y]: Stacked<Y[K]> };

/**
 * `carry, y = body(carry, x, i)` for every slice x of xs along dim 0: the last carry, and the ys stacked. Trees all three;
 * null stands for no xs or no ys.
 */
export function scan<C, X, Y>(
  body: (carry: C, x: SliceOf<X>, i: Tensor<'i32', readonly []>) => readonly [C, Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [C, Stacked<Y>] {
  const trace = currentTrace();
  const carries = tensorsOf(init);
  const slices = xs === null ? [] : tensorsOf(xs);
  const length = lengthOf(xs, options);
  const types = [
    tensor('i32', []),
    ...typesOf(trace, carries),
    ...slices.map((x) => tensor(x.dtype, x.shape.slice(1))),
  ];
  const {
    block,
    types: ends,
    rest,
  } = trace.region('the body of a scan', types, ([i, ...params]) => {
    const carry = withTensors(init, params.slice(0, carries.length));
    const x = xs === null ? null : withTensors(xs, params.slice(carries.length));
    const returned = body(carry, x as SliceOf<X>, i as Tensor<'i32', readonly []>);
    const expected = '[carry, y], y null for no ys';
    if (!Array.isArray(returned) || returned.length !== 2)
      fail('SH0607', `the body of a scan returns ${describe(returned)}`, { expected });
    const [next, y] = returned;
    if (y === undefined) fail('SH0607', 'the body of a scan returns [carry, undefined]', { expected });
    mustBeLike(trace, init, next, 'the carry that the body of a scan returns');
    return { returned: [...tensorsOf(next), ...(y === null ? [] : tensorsOf(y))], rest: y };
  });
  const attrs: ScanAttrs = { carries: carries.length, length, reverse: options.reverse ?? false };
  const results = [
    ...ends.slice(0, carries.length),
    ...ends.slice(carries.length).map((t) => tensor(t.dtype, [length, ...t.shape])),
  ];
  const operands = [...carries, ...slices].map((t) => trace.id(t));
  const made = trace
    .build((b) => b.op('scan', operands, results, b.origin, attrs, [block]))
    .map((id) => trace.tensor(id));
  const ys = rest === null ? null : withTensors(rest, made.slice(carries.length));
  return [withTensors(init, made.slice(0, carries.length)), ys as Stacked<Y>];
}

function lengthOf(xs: unknown, { length }: ScanOptions): number {
  const leaves = xs === null ? [] : leavesOf(xs, isTensor);
  const lengths = new Set(leaves.map((l) => l.leaf.shape[0]));
  if (length !== undefined) lengths.add(length);
  const [one] = lengths;
  if (lengths.size === 0)
    fail('SH0611', 'a scan without xs does not know how often to run', {
      expected: 'scan(body, init, null, { length })',
    });
  if (lengths.size !== 1 || one === undefined || !Number.isSafeInteger(one) || one < 0)
    fail(
      'SH0611',
      `a scan over xs of lengths ${leaves.map((l) => `${l.path || 'xs'}: ${l.leaf.shape[0] ?? 'a scalar'}`).join(', ')}`,
      {
        expected: 'one length, of dim 0 of every tensor in xs, or as { length }',
      },
    );
  return one;
}

/** `carry = body(i, carry)` for i from lower to below upper. Numbers as bounds make it a scan, which has a gradient. */
export function fori<C>(
  lower: Operand,
  upper: Operand,
  body: (i: Tensor<'i32', readonly []>, carry: C) => C,
  init: C,
): C {
  if (typeof lower === 'number' && typeof upper === 'number') {
    const step = (carry: C, _: unknown, i: Tensor<'i32', readonly []>): readonly [C, null] => [
      body(lower === 0 ? i : add(i, lower), carry),
      null,
    ];
    return scan(step, init, null, { length: Math.max(0, upper - lower) })[0];
  }
  const [start, end] = [lower, upper].map((x) => (isTensor(x) ? convert(x, 'i32') : constant(Number(x), 'i32')));
  const [, carried] = whileLoop<readonly [Tensor, C]>(
    ([i]) => less(i, end as Tensor),
    ([i, carry]) => [add(i, 1), body(i as Tensor<'i32', readonly []>, carry)],
    [start as Tensor, init],
  );
  return carried;
}

/** `state = body(state)` while the condition holds. It has no gradient: how often it runs is not known. */
export function whileLoop<C>(condition: (state: C) => Tensor, body: (state: C) => C, init: C): C {
  const trace = currentTrace();
  const carried = tensorsOf(init);
  const types = typesOf(trace, carried);
  const cond = trace.region('the condition of a loop', types, (params) => {
    const holds = condition(withTensors(init, params));
    mustBePred(holds, 'the condition of a loop');
    return { returned: [holds], rest: undefined };
  });
  const { block } = trace.region('the body of a loop', types, (params) => {
    const next = body(withTensors(init, params));
    mustBeLike(trace, init, next, 'what the body of a loop returns');
    return { returned: tensorsOf(next), rest: undefined };
  });
  const operands = carried.map((t) => trace.id(t));
  const made = trace.build((b) => b.op('while', operands, types, b.origin, {}, [cond.block, block]));
  return withTensors(
    init,
    made.map((id) => trace.tensor(id)),
  );
}

/** One of two functions on the operands. */
export function cond<A extends readonly unknown[], R>(
  pred: Tensor,
  whenTrue: (...args: A) => R,
  whenFalse: (...args: A) => R,
  ...args: A
): R {
  mustBePred(pred, 'the predicate of cond');
  return branch(pred, [whenTrue, whenFalse], args);
}

/** The function at this index on the operands; out of range is the nearest. */
export function switchCase<A extends readonly unknown[], R>(
  index: Tensor,
  branches: readonly ((...args: A) => R)[],
  ...args: A
): R {
  mustBeTensor(index);
  if (index.rank !== 0 || !isInteger(index.dtype))
    fail('SH0613', `switchCase takes an integer scalar, got ${String(index)}`);
  if (branches.length === 0) fail('SH0206', 'switchCase takes at least one branch');
  const trace = currentTrace();
  const [at] = trace.emit('clamp', [constant(0, 'i32'), convert(index, 'i32'), constant(branches.length - 1, 'i32')]);
  return branch(at as Tensor, branches, args);
}

function branch<A extends readonly unknown[], R>(
  selector: Tensor,
  branches: readonly ((...args: A) => R)[],
  args: A,
): R {
  const trace = currentTrace();
  const blocks: Block[] = [];
  let [first, types]: [{ out: R } | undefined, readonly TensorType[]] = [undefined, []];
  branches.forEach((fn, k) => {
    const made = trace.region('a branch', [], () => {
      const out = fn(...args);
      if (first !== undefined) mustBeLike(trace, first.out, out, `what branch ${k} returns`, false);
      return { returned: tensorsOf(out), rest: out };
    });
    if (first === undefined) [first, types] = [{ out: made.rest }, made.types];
    blocks.push(made.block);
  });
  const results = trace.build((b) => b.op('case', [trace.id(selector)], types, b.origin, {}, blocks));
  return withTensors(
    (first as { out: R } | undefined)?.out as R,
    results.map((id) => trace.tensor(id)),
  );
}

const typesOf = (trace: Trace, tensors: readonly Tensor[]): TensorType[] =>
  tensors.map((t) => trace.b.typeOf(trace.id(t)));

function mustBePred(x: Tensor, what: string): void {
  if (!isTensor(x) || x.dtype !== 'pred' || x.rank !== 0)
    fail('SH0613', `${what} is ${isTensor(x) ? String(x) : typeof x}`, { expected: 'a pred scalar: less(i, n)' });
}

/** Fails where the trees differ in structure or in a type. */
function mustBeLike(trace: Trace, want: unknown, got: unknown, what: string, usable = true): void {
  const [a, b] = [leavesOf(want, isTensor), leavesOf(got, isTensor)];
  if (usable) for (const { leaf } of b) trace.id(leaf);
  const text = (t: Tensor): string => typeText(tensor(t.dtype, t.shape));
  if (a.length !== b.length || a.some((l, i) => l.path !== b[i]?.path))
    fail('SH0607', `${what} has another structure`, { expected: structure(a), help: `got ${structure(b)}` });
  a.forEach((l, i) => {
    const other = b[i]?.leaf as Tensor;
    if (text(l.leaf) !== text(other))
      fail('SH0607', `${what} is ${text(other)}${l.path === '' ? '' : ` at ${l.path}`}`, {
        expected: text(l.leaf),
        help: usable
          ? "convert or reshape it to what it was before: convert(x, 'f32')"
          : 'every branch gives what the first gives',
      });
  });
}
