/**
 * Elementwise ops on stacks. What a float program spends its time on has a loop of its own; every other elementwise op is
 * its reference kernel, called once on the whole stack laid flat: elements do not know which copy they belong to.
 */
import { allocate, type Storage, type TensorArray } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { ELEMENTWISE } from '../../ir/ops/elementwise.ts';
import { registry } from '../../ir/ops/index.ts';
import { roundAll } from '../../ir/ops/rounding.ts';
import type { OpView } from '../../ir/op.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { DTYPES, elementCount, isFloat, tensor, type TensorType } from '../../ir/types.ts';
import { heapNow, room } from '../memory/room.ts';
import { aligned, type Rows, rowLength } from '../stacked.ts';
import { type Lane, laneBytes } from './assembler.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { machineNow } from './machine.ts';
import { BLOCK, loopName } from './vector-loops.ts';

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

/** All `n` elements of x to out, which may be x. A loop each: one that is given its function calls it, element by element. */
type Map1 = (x: F, out: F, n: number) => void;

const UNARY: Readonly<Record<string, Map1>> = {
  exponential(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = Math.exp(x[i] as number);
  },
  log(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = Math.log(x[i] as number);
  },
  logistic(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = 1 / (1 + Math.exp(-(x[i] as number)));
  },
  negate(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = -(x[i] as number);
  },
  rsqrt(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = 1 / Math.sqrt(x[i] as number);
  },
  tanh(x, out, n) {
    for (let i = 0; i < n; i++) out[i] = Math.tanh(x[i] as number);
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
  ...Object.fromEntries(
    Object.keys(ELEMENTWISE).map((kind) => [kind, kind in BINARY ? binary : kind in UNARY ? unary : flat]),
  ),
  compare,
  select,
  convert,
  clamp: (call) =>
    call.view.operands.every((t) => t.shape.length === call.view.results[0]?.shape.length) ? flat(call) : undefined,
  reduce_precision: flat,
};

function binary(call: StackedCall): Storage | undefined {
  const { view, precision, copies } = call;
  const [x, y] = call.operands as readonly [Rows, Rows];
  const type = view.results[0] as TensorType;
  if (BINARY[view.kind] === undefined || !isFloat(type.dtype)) return flat(call);
  const out = placeFor([x, y], call) ?? room(type.dtype, copies * elementCount(type), precision);
  perRun(inLanes(view.kind, x.stack.data, y.stack.data, out), call, [x, y], out);
  return roundAll(type.dtype, precision, out);
}

function unary(call: StackedCall): Storage | undefined {
  const { view, precision, copies } = call;
  const type = view.results[0] as TensorType;
  const loop = UNARY[view.kind];
  if (loop === undefined || !isFloat(type.dtype)) return flat(call);
  const x = { stack: aligned(call.operands[0] as Rows) };
  const n = copies * elementCount(type);
  const out = placeFor([x], call) ?? room(type.dtype, n, precision);
  loop(x.stack.data as F, out as F, n);
  return roundAll(type.dtype, precision, out);
}

/** The memory of an operand that nobody reads after this op, and that lies row for row as the result will. */
function placeFor(operands: readonly Rows[], call: StackedCall): Storage | undefined {
  const { view, copies, precision } = call;
  if (call.mayOverwrite !== true) return undefined;
  const heap = heapNow();
  const type = view.results[0] as TensorType;
  const like = allocate(type.dtype, 0, precision);
  const dead = operands.find(
    ({ stack: { data }, of }) =>
      of === undefined && data.constructor === like.constructor && heap?.isLoose(data) === true,
  );
  if (dead === undefined || dead.stack.data.length !== copies * elementCount(type)) return undefined;
  const { buffer, byteOffset } = dead.stack.data;
  const alone = operands.every(
    ({ stack: { data }, of }) => of === undefined || data.buffer !== buffer || data.byteOffset !== byteOffset,
  );
  return alone ? dead.stack.data : undefined;
}

/** The loop of a binary op, in lanes where all three lie on the heap: what is left over, and short runs, the plain loop does. */
export function inLanes(kind: string, x: Storage, y: Storage, out: Storage): Loop {
  const loop = BINARY[kind];
  if (loop === undefined) throw internalError(`no loop for ${kind}`);
  const machine = machineNow();
  const lane: Lane = out instanceof Float32Array ? 'f32' : 'f64';
  const vectors = machine?.kernel(loopName(kind, lane));
  const places = [x, y, out].map((d) => (d.constructor === out.constructor ? machine?.heap.addressOf(d) : undefined));
  const [px, py, po] = places;
  if (vectors === undefined || px === undefined || py === undefined || po === undefined) return loop;
  const bytes = laneBytes(lane);
  const perBlock = BLOCK / bytes;
  return (xs, a, ys, b, to, o, n) => {
    const blocks = n < SHORT ? 0 : Math.floor(n / perBlock);
    if (blocks > 0) vectors(px + a * bytes, py + b * bytes, po + o * bytes, blocks);
    const done = blocks * perBlock;
    if (done < n) loop(xs, a + done, ys, b + done, to, o + done, n - done);
  };
}

const SHORT = 128;

function compare(call: StackedCall): Storage | undefined {
  const { view, operands } = call;
  const { direction, compare_type } = view.attrs as OpAttrs['compare'];
  const { dtype } = view.operands[0] as TensorType;
  if (compare_type === 'TOTALORDER' || DTYPES[dtype].class === 'complex') return flat(call);
  const out = room('pred', call.copies * elementCount(view.results[0] as TensorType), call.precision);
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
  const out = room(type.dtype, copies * n, precision) as F;
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
