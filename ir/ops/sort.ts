/** sort (StableHLO spec, "sort") and CHLO's top_k. Both work on lines: runs of elements along one dim. */
import { allocate, stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorKind, type FactorRule, RuleBuilder } from '../factors.ts';
import { defineOp, InferError, type KernelContext, type OpView, passes } from '../op.ts';
import type { Block } from '../program.ts';
import { elementCount, isComplex, tensor, type TensorType, typeText } from '../types.ts';
import { lanes } from './lanes.ts';
import { isOrder, receivedBySort, sortSplit } from './sort-split.ts';
import { totalOrder } from './total-order.ts';

export const sort = defineOp<OpAttrs['sort']>({
  kind: 'sort',
  infer({ operands, attrs }) {
    const [first] = operands;
    if (first === undefined) throw new InferError('sort takes at least one operand');
    const rank = first.shape.length;
    if (attrs.dim < 0 || attrs.dim >= rank)
      throw new InferError(`sort: ${attrs.dim} is not a dim of ${typeText(first)}`);
    for (const t of operands)
      if (tensor(first.dtype, t.shape) !== first)
        throw new InferError(`sort takes operands of one shape, got ${operands.map(typeText).join(' and ')}`);
    if (attrs.size !== undefined && (attrs.size < 0 || attrs.size > (first.shape[attrs.dim] as number)))
      throw new InferError(`sort: dim ${attrs.dim} of ${typeText(first)} has no ${attrs.size} elements`);
    return operands;
  },
  factors: (view) => sortRule(view, 'replicate'),
  /** Shards exchange what they hold (sort-split.ts). */
  split: (view) => sortRule(view, 'permute'),
  halo(view, d, shards) {
    if (d !== view.attrs.dim) return [];
    if (shards === 1) return isOrder(view) ? view.operands.map(() => 0) : null;
    const split = sortSplit(view, shards);
    return split === undefined ? null : receivedBySort(view, split);
  },
  exchanges: (view, d, shards) => (d === view.attrs.dim ? (sortSplit(view, shards)?.exchanges ?? 1) : 1),
  kernel(view, inputs, ctx) {
    const shape = (inputs[0] as TensorArray).shape;
    const { starts, step, length } = linesOf(shape, view.attrs.dim);
    const size = view.attrs.size ?? length;
    const order = mergeSort(starts, step, size, inputs, (a) => ctx.call(view.regions[0] as Block, a)[0] as TensorArray);
    return inputs.map((x) => permuted(x, starts, step, length, order));
  },
  padRule: (_, f, rule) => (passes(rule, f) ? { gives: (held) => held } : {}),
  padAttrs: ({ attrs, operands }, padded) => {
    const { size = operands[0]?.shape[attrs.dim] as number, ...rest } = attrs;
    return padded.operands[0]?.shape[attrs.dim] === size ? rest : { ...rest, size };
  },
  flops: ({ operands, attrs }) =>
    elementCount(operands[0] as TensorType) * Math.ceil(Math.log2(Math.max(2, operands[0]?.shape[attrs.dim] ?? 2))),
});

function sortRule(
  { operands, attrs }: Pick<OpView<OpAttrs['sort']>, 'operands' | 'attrs'>,
  along: FactorKind,
): FactorRule {
  const { shape } = operands[0] as TensorType;
  const rule = new RuleBuilder(
    operands.map((t) => t.shape.length),
    operands.map((t) => t.shape.length),
  );
  const alone = shape.every((size, d) => d === attrs.dim || size === 1);
  shape.forEach((size, d) => {
    const all = operands.map(() => d);
    if (d === attrs.dim) rule.add(all, all, size, along, alone);
    else rule.add(all, all, size);
  });
  return rule.build();
}

/** Offsets of the first elements of all lines along `dim`, the stride within a line and its length. */
function linesOf(shape: readonly number[], dim: number): { starts: Int32Array; step: number; length: number } {
  const strides = stridesOf(shape);
  const [step, length] = [strides[dim] as number, shape[dim] as number];
  const count = length === 0 ? 0 : shape.reduce((n, s) => n * s, 1) / length;
  return {
    starts: Int32Array.from({ length: count }, (_, i) => Math.floor(i / step) * step * length + (i % step)),
    step,
    length,
  };
}

/**
 * Stable merge sort of all lines in lockstep, runs of doubling width: one comparator call on vectors decides one step of
 * every merge, so 2·length calls in all. Gives, per line, the source position of each of its first `length` elements, sorted.
 */
function mergeSort(
  starts: Int32Array,
  step: number,
  length: number,
  inputs: readonly TensorArray[],
  less: (args: TensorArray[]) => TensorArray,
): Int32Array {
  let order = Int32Array.from({ length: starts.length * length }, (_, i) => i % length);
  for (let width = 1; width < length; width *= 2) {
    const next = new Int32Array(order.length);
    const merges = startMerges(starts.length, length, width);
    for (let open = merges; open.length > 0; open = open.filter((m) => m.put < m.end)) {
      const contested = open.filter((m) => m.left < m.middle && m.right < m.end);
      const at = (m: Merge, i: number): number =>
        (starts[m.line] as number) + (order[m.line * length + i] as number) * step;
      const [l, r] = [contested.map((m) => at(m, m.left)), contested.map((m) => at(m, m.right))];
      const taken = contested.length === 0 ? [] : less(inputs.flatMap((x) => [lanes(x, r), lanes(x, l)])).data;
      contested.forEach((m, i) => {
        m.takeRight = taken[i] !== 0;
      });
      for (const m of open) {
        const right = m.left >= m.middle || (m.right < m.end && m.takeRight);
        next[m.line * length + m.put++] = order[m.line * length + (right ? m.right++ : m.left++)] as number;
      }
    }
    order = next;
  }
  return order;
}

interface Merge {
  readonly line: number;
  readonly middle: number;
  readonly end: number;
  left: number;
  right: number;
  put: number;
  takeRight: boolean;
}

function startMerges(lineCount: number, length: number, width: number): Merge[] {
  const merges: Merge[] = [];
  for (let line = 0; line < lineCount; line++) {
    for (let low = 0; low < length; low += 2 * width) {
      const middle = Math.min(low + width, length);
      merges.push({
        line,
        left: low,
        middle,
        right: middle,
        end: Math.min(low + 2 * width, length),
        put: low,
        takeRight: false,
      });
    }
  }
  return merges;
}

function permuted(x: TensorArray, starts: Int32Array, step: number, length: number, order: Int32Array): TensorArray {
  const from = new Int32Array(starts.length * length);
  const size = order.length / Math.max(1, starts.length);
  starts.forEach((start, line) => {
    for (let i = 0; i < length; i++)
      from[start + i * step] = start + (i < size ? (order[line * size + i] as number) : i) * step;
  });
  return { ...lanes(x, from), shape: x.shape };
}

/** Values and i32 indices of the k largest elements of the last dim; among equals the first; NaN is largest. */
export const topK = defineOp<OpAttrs['top_k']>({
  kind: 'top_k',
  infer({ operands, attrs }) {
    const type = operands[0] as TensorType;
    const size = type.shape.at(-1);
    if (isComplex(type.dtype))
      throw new InferError(`top_k: complex numbers have no order, so ${typeText(type)} has no largest`);
    if (size === undefined || attrs.k > size)
      throw new InferError(`top_k: ${typeText(type)} has no ${attrs.k} elements in its last dim`);
    const shape = [...type.shape.slice(0, -1), attrs.k];
    return [tensor(type.dtype, shape), tensor('i32', shape)];
  },
  factors({ operands, results }) {
    const [from, to] = [(operands[0] as TensorType).shape, (results[0] as TensorType).shape];
    const rule = new RuleBuilder([from.length], [to.length, to.length]);
    from.forEach((size, d) => {
      const cut = d === from.length - 1;
      rule.add([d], [d, d], size, cut ? 'replicate' : 'pass', cut && size !== to[d]);
    });
    return rule.build();
  },
  /** Of a dim that is cut pad-dims makes a sort. */
  padRule: (_, f, rule) => (passes(rule, f) ? {} : { apart: 'operands' }),
  kernel: (view, [x], ctx) => topKernel(view, x as TensorArray, ctx),
  flops: ({ operands }) => elementCount(operands[0] as TensorType),
});

function topKernel(view: OpView<OpAttrs['top_k']>, x: TensorArray, ctx: KernelContext): TensorArray[] {
  const { k } = view.attrs;
  const [type] = view.results as readonly [TensorType];
  const length = x.shape.at(-1) as number;
  const rows = elementCount(type) / Math.max(1, k);
  const values = allocate(type.dtype, elementCount(type), ctx.precision) as Float64Array;
  const indices = new Int32Array(elementCount(type));
  for (let row = 0; row < rows; row++) {
    const at = (i: number): number => x.data[row * length + i] as number;
    const order = Array.from({ length }, (_, i) => i).sort((a, b) => totalOrder(at(b), at(a)) || a - b);
    for (let i = 0; i < k; i++) {
      const source = order[i] as number;
      values[row * k + i] = at(source);
      indices[row * k + i] = source;
    }
  }
  return [
    { dtype: type.dtype, shape: type.shape, data: values },
    { dtype: 'i32', shape: type.shape, data: indices },
  ];
}
