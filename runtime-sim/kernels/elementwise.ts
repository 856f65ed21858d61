/**
 * Elementwise ops on stacks. What a float program spends its time on has a loop of its own; every other elementwise op is
 * its reference kernel, called once on the whole stack laid flat: elements do not know which copy they belong to.
 */
import type { Storage, TensorArray } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { ELEMENTWISE } from '../../ir/ops/elementwise.ts';
import { registry } from '../../ir/ops/index.ts';
import { allocateReal, roundAll } from '../../ir/ops/rounding.ts';
import type { OpView } from '../../ir/op.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { DTYPES, elementCount, isFloat, tensor, type TensorType } from '../../ir/types.ts';
import { aligned, type Rows, rowLength } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';

type F = Float64Array;
/** `n` elements of x from a and of y from b, to out from o. */
type Loop = (x: F, a: number, y: F, b: number, out: F, o: number, n: number) => void;

const BINARY: Readonly<Record<string, Loop>> = {
  add(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) + (y[b + i] as number);
  },
  subtract(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) - (y[b + i] as number);
  },
  multiply(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) * (y[b + i] as number);
  },
  divide(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) / (y[b + i] as number);
  },
  maximum(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = Math.max(x[a + i] as number, y[b + i] as number);
  },
  minimum(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = Math.min(x[a + i] as number, y[b + i] as number);
  },
};

const COMPARISONS: Readonly<Record<OpAttrs['compare']['direction'], Loop>> = {
  EQ(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = x[a + i] === y[b + i] ? 1 : 0;
  },
  NE(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = x[a + i] !== y[b + i] ? 1 : 0;
  },
  GE(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) >= (y[b + i] as number) ? 1 : 0;
  },
  GT(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) > (y[b + i] as number) ? 1 : 0;
  },
  LE(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) <= (y[b + i] as number) ? 1 : 0;
  },
  LT(x, a, y, b, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = (x[a + i] as number) < (y[b + i] as number) ? 1 : 0;
  },
};

export const elementwiseKernels: Readonly<Record<string, StackedKernel>> = {
  ...Object.fromEntries(Object.keys(ELEMENTWISE).map((kind) => [kind, BINARY[kind] === undefined ? flat : binary])),
  compare,
  select,
  convert,
  clamp: (call) =>
    call.view.operands.every((t) => t.shape.length === call.view.results[0]?.shape.length) ? flat(call) : undefined,
  reduce_precision: flat,
};

function binary(call: StackedCall): Storage | undefined {
  const { view, operands, precision } = call;
  const type = view.results[0] as TensorType;
  const loop = BINARY[view.kind];
  if (loop === undefined || !isFloat(type.dtype)) return flat(call);
  const out = allocateReal(type.dtype, call.copies * elementCount(type), precision);
  perRun(loop, call, operands as readonly [Rows, Rows], out);
  return roundAll(type.dtype, precision, out);
}

function compare(call: StackedCall): Storage | undefined {
  const { view, operands } = call;
  const { direction, compare_type } = view.attrs as OpAttrs['compare'];
  const { dtype } = view.operands[0] as TensorType;
  if (compare_type === 'TOTALORDER' || DTYPES[dtype].class === 'complex') return flat(call);
  const out = allocateReal('pred', call.copies * elementCount(view.results[0] as TensorType), call.precision);
  perRun(COMPARISONS[direction], call, operands as readonly [Rows, Rows], out);
  return out;
}

/** Once for the whole stack where both operands are aligned, else once per copy. */
function perRun(loop: Loop, { view, copies }: StackedCall, [x, y]: readonly [Rows, Rows], out: Storage): void {
  const n = elementCount(view.results[0] as TensorType);
  const [xs, ys, to] = [x.stack.data as F, y.stack.data as F, out as F];
  if (x.of === undefined && y.of === undefined) return loop(xs, 0, ys, 0, to, 0, copies * n);
  for (let c = 0; c < copies; c++) loop(xs, (x.of?.[c] ?? c) * n, ys, (y.of?.[c] ?? c) * n, to, c * n, n);
}

/** A scalar pred decides per copy. */
function select({ view, operands, copies, precision }: StackedCall): Storage | undefined {
  const [pred, x, y] = operands as readonly [Rows, Rows, Rows];
  const type = view.results[0] as TensorType;
  const n = elementCount(type);
  const whole = rowLength(pred.stack) === 1 && n !== 1;
  const out = allocateReal(type.dtype, copies * n, precision) as F;
  const [p, xs, ys] = [pred.stack.data as Uint8Array, x.stack.data as F, y.stack.data as F];
  for (let c = 0; c < copies; c++) {
    const [q, a, b, o] = [pred.of?.[c] ?? c, (x.of?.[c] ?? c) * n, (y.of?.[c] ?? c) * n, c * n];
    if (whole) out.set((p[q] as number) !== 0 ? xs.subarray(a, a + n) : ys.subarray(b, b + n), o);
    else for (let i = 0; i < n; i++) out[o + i] = ((p[q * n + i] as number) !== 0 ? xs[a + i] : ys[b + i]) as number;
  }
  return out;
}

/** Between floats held wide nothing changes. */
function convert(call: StackedCall): Storage | undefined {
  const [from] = call.view.operands as readonly [TensorType];
  const same = call.precision === 'wide' && isFloat(from.dtype) && isFloat((call.view.results[0] as TensorType).dtype);
  return same ? aligned(call.operands[0] as Rows).data : flat(call);
}

/** The reference kernel on the stack as one row of elements. */
function flat({ view, operands, copies, precision }: StackedCall): Storage | undefined {
  const n = copies * elementCount(view.results[0] as TensorType);
  const flatten = (t: TensorType): TensorType => tensor(t.dtype, [n]);
  const flatView: OpView = { ...view, operands: view.operands.map(flatten), results: view.results.map(flatten) };
  const inputs = operands.map((rows): TensorArray => ({ ...aligned(rows), shape: [n] }));
  const context = {
    precision,
    call: () => {
      throw internalError(`${view.kind} called a region`);
    },
  };
  return registry[view.kind]?.kernel(flatView, inputs, context)[0]?.data;
}
