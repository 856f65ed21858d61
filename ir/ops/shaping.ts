/** Ops that make or move elements without computing: constant, iota, broadcast_in_dim, transpose, reverse, slice, concatenate; pad and reshape beside it. */
import { allocate, stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { isSplat } from '../elements.ts';
import { type FactorKind, type FactorRule, RuleBuilder } from '../factors.ts';
import { type DilatedWindow, dilatedWindow, NO_WINDOW } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { type AnyOpDef, defineOp, InferError, type OpView, firstOf, passes } from '../op.ts';
import { anyOf, COPIES, meet, type PadRule, zeroOf } from '../padding.ts';
import {
  DTYPES,
  elementCount,
  isComplex,
  partOf,
  tensor,
  type TensorType,
  typeText,
  widthOf,
  withDType,
} from '../types.ts';
import { movesParts, paired } from './complex.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { allocateReal, roundAll } from './rounding.ts';
import { copyStrided, gatherStrided } from './strided.ts';

const LINEAR = (): readonly (readonly number[])[] => [[0]];
/** As moved elements; another dim, if padded, gets zeros beside them (pad-dims/moved-elements.ts). */
const besideZeros = (operands: readonly TensorType[]): PadRule => ({
  gives: (held) => [held.reduce(meet, { value: zeroOf(firstOf(operands).dtype) })],
});
/** Where a factor passes, elements are moved along and their padding with them; a scalar, which has none, is copied. */
const MOVES = (_: OpView, f: number, rule: FactorRule): PadRule | null =>
  rule.factors.length === 0 || passes(rule, f) ? COPIES : null;

const constant = defineOp<OpAttrs['constant']>({
  kind: 'constant',
  infer: ({ attrs }) => [tensor(attrs.dtype, attrs.shape)],
  factors: (view) => resultOnly(view),
  kernel({ attrs, results }, _, ctx) {
    const type = firstOf(results);
    const data = allocate(type.dtype, elementCount(type), ctx.precision);
    const source = attrs.value.data as Float64Array;
    const splat = source.length === widthOf(type.dtype);
    for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = source[splat ? i % source.length : i] as number;
    return [{ dtype: type.dtype, shape: type.shape, data: roundAll(type.dtype, ctx.precision, data) }];
  },
  padRule: ({ attrs }) => {
    const value = splatValue(attrs);
    if (!isSplat(attrs.value.data, attrs.dtype)) return null;
    return { gives: () => [value === undefined ? 'unknown' : { value }] };
  },
  flops: () => 0,
});

/** The one number that all elements are; undefined for several, and for complex ones off the real line. */
export function splatValue({ value: { data }, dtype }: OpAttrs['constant']): number | bigint | undefined {
  return isSplat(data, dtype) && (data.length === 1 || data[1] === 0) ? data[0] : undefined;
}

const iota = defineOp<OpAttrs['iota']>({
  kind: 'iota',
  infer: ({ attrs }) => [tensor(attrs.dtype, attrs.shape)],
  factors: (view) => resultOnly(view),
  kernel({ attrs, results }, _, ctx) {
    const whole = firstOf(results);
    const type = withDType(whole, partOf(whole.dtype));
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    const stride = stridesOf(type.shape)[attrs.dim] as number;
    const extent = type.shape[attrs.dim] as number;
    const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
    for (let i = 0; i < data.length; i++) {
      const v = Math.floor(i / stride) % extent;
      if (wide) (data as BigInt64Array)[i] = BigInt(v);
      else (data as Float64Array)[i] = v;
    }
    const real = { dtype: type.dtype, shape: type.shape, data: roundAll(type.dtype, ctx.precision, data) };
    if (!isComplex(whole.dtype)) return [real];
    return [paired(whole, real, { ...real, data: allocateReal(type.dtype, data.length, ctx.precision) })];
  },
  padRule: ({ attrs }) => ({ gives: () => [DTYPES[attrs.dtype].bits < 32 ? anyOf(attrs.dtype) : 'finite'] }),
  flops: () => 0,
});

function resultOnly(view: OpView): FactorRule {
  const { shape } = firstOf(view.results);
  const rule = new RuleBuilder([], [shape.length]);
  shape.forEach((size, d) => rule.add([], [d], size));
  return rule.build();
}

const broadcastInDim = defineOp<OpAttrs['broadcast_in_dim']>({
  kind: 'broadcast_in_dim',
  infer({ operands, attrs }) {
    const from = firstOf(operands);
    if (attrs.dims.length !== from.shape.length)
      throw new InferError(
        `broadcast_in_dim needs one result dim per operand dim: ${typeText(from)} with dims [${attrs.dims.join(', ')}]`,
      );
    attrs.dims.forEach((d, i) => {
      const size = from.shape[i];
      if (attrs.shape[d] === undefined)
        throw new InferError(`broadcast_in_dim: dims[${i}] = ${d} is not a dim of the result`);
      if (size !== 1 && size !== attrs.shape[d])
        throw new InferError(
          `broadcast_in_dim: operand dim ${i} has ${size} elements, result dim ${d} has ${attrs.shape[d]}`,
        );
    });
    return [tensor(from.dtype, attrs.shape)];
  },
  factors({ operands, results, attrs }) {
    const [from, to] = [firstOf(operands), firstOf(results)];
    const rule = new RuleBuilder([from.shape.length], [to.shape.length]);
    to.shape.forEach((size, d) => {
      const source = attrs.dims.indexOf(d);
      const expands = source >= 0 && from.shape[source] === 1 && size !== 1;
      if (source >= 0 && !expands) rule.add([source], [d], size);
      else {
        if (expands) rule.add([source], [null], 1);
        rule.add([null], [d], size);
      }
    });
    return rule.build();
  },
  kernel({ attrs, results }, [a], ctx) {
    const x = a as TensorArray;
    const strides = stridesOf(x.shape);
    const steps = firstOf(results).shape.map((_, d) => {
      const source = attrs.dims.indexOf(d);
      return source < 0 || x.shape[source] === 1 ? 0 : (strides[source] as number);
    });
    return [gatherStrided(firstOf(results), x, 0, steps, ctx.precision)];
  },
  linearity: LINEAR,
  padRule: MOVES,
  flops: () => 0,
});

const transpose = defineOp<OpAttrs['transpose']>({
  kind: 'transpose',
  infer({ operands, attrs }) {
    const { dtype, shape } = firstOf(operands);
    if (attrs.permutation.length !== shape.length || new Set(attrs.permutation).size !== shape.length)
      throw new InferError(
        `transpose needs a permutation of ${shape.length} dims, got [${attrs.permutation.join(', ')}]`,
      );
    return [
      tensor(
        dtype,
        attrs.permutation.map((d) => {
          const size = shape[d];
          if (size === undefined)
            throw new InferError(`transpose: ${d} is not a dim of ${typeText(firstOf(operands))}`);
          return size;
        }),
      ),
    ];
  },
  factors({ operands, results, attrs }) {
    const rule = new RuleBuilder([firstOf(operands).shape.length], [firstOf(results).shape.length]);
    attrs.permutation.forEach((from, to) => rule.add([from], [to], firstOf(operands).shape[from] as number));
    return rule.build();
  },
  kernel({ attrs, results }, [a], ctx) {
    const strides = stridesOf((a as TensorArray).shape);
    return [
      gatherStrided(
        firstOf(results),
        a as TensorArray,
        0,
        attrs.permutation.map((d) => strides[d] as number),
        ctx.precision,
      ),
    ];
  },
  linearity: LINEAR,
  padRule: MOVES,
  flops: () => 0,
});

const reverse = defineOp<OpAttrs['reverse']>({
  kind: 'reverse',
  infer: ({ operands }) => [firstOf(operands)],
  factors({ operands, attrs }) {
    const { shape } = firstOf(operands);
    const rule = new RuleBuilder([shape.length], [shape.length]);
    shape.forEach((size, d) => rule.add([d], [d], size, attrs.dims.includes(d) ? 'permute' : 'pass'));
    return rule.build();
  },
  /** Shards in reverse order: each goes elsewhere whole. */
  halo: ({ operands, attrs }, d, shards) =>
    attrs.dims.includes(d) ? [(firstOf(operands).shape[d] as number) / shards] : [],
  kernel({ attrs, results }, [a], ctx) {
    const x = a as TensorArray;
    const strides = stridesOf(x.shape);
    const base = attrs.dims.reduce((b, d) => b + (strides[d] as number) * ((x.shape[d] as number) - 1), 0);
    return [
      gatherStrided(
        firstOf(results),
        x,
        base,
        strides.map((s, d) => (attrs.dims.includes(d) ? -s : s)),
        ctx.precision,
      ),
    ];
  },
  linearity: LINEAR,
  padRule: ({ operands }, f, rule) => (passes(rule, f) ? besideZeros(operands) : {}),
  flops: () => 0,
});

const slice = defineOp<OpAttrs['slice']>({
  kind: 'slice',
  infer({ operands, attrs }) {
    const { dtype, shape } = firstOf(operands);
    return [
      tensor(
        dtype,
        shape.map((size, d) => {
          const [start, limit, stride] = [attrs.start[d] ?? 0, attrs.limit[d] ?? size, attrs.strides[d] ?? 1];
          if (start < 0 || limit > size || start > limit || stride < 1)
            throw new InferError(
              `slice: [${start}:${limit}:${stride}] does not lie in dim ${d} of ${typeText(firstOf(operands))}`,
            );
          return Math.ceil((limit - start) / stride);
        }),
      ),
    ];
  },
  factors({ operands, results }) {
    const [from, to] = [firstOf(operands).shape, firstOf(results).shape];
    const rule = new RuleBuilder([from.length], [to.length]);
    from.forEach((size, d) => rule.add([d], [d], size, size === to[d] ? 'pass' : 'permute'));
    return rule.build();
  },
  halo({ operands, results, attrs }, d, shards) {
    const size = firstOf(operands).shape[d] as number;
    if (size === firstOf(results).shape[d]) return [];
    const elements = receivedBy(sliceWindow(attrs, firstOf(results), d, shards), shards, size);
    return elements === null ? null : [elements];
  },
  kernel({ attrs, results }, [a], ctx) {
    const x = a as TensorArray;
    const strides = stridesOf(x.shape);
    const base = strides.reduce((b, s, d) => b + s * (attrs.start[d] ?? 0), 0);
    return [
      gatherStrided(
        firstOf(results),
        x,
        base,
        strides.map((s, d) => s * (attrs.strides[d] ?? 1)),
        ctx.precision,
      ),
    ];
  },
  linearity: LINEAR,
  padRule: ({ operands }, d, rule) => (passes(rule, d) ? besideZeros(operands) : { apart: 'all' }),
  /** Of dims that are taken whole. */
  padAttrs: ({ attrs, operands }, padded) => ({
    ...attrs,
    limit: firstOf(padded.operands).shape.map((n, d) => (n === firstOf(operands).shape[d] ? (attrs.limit[d] ?? n) : n)),
  }),
  flops: () => 0,
});

/** What a shard of a sliced dim reads of the operand; null = the result does not divide. */
export function sliceWindow(
  attrs: OpAttrs['slice'],
  result: TensorType,
  d: number,
  shards: number,
): DilatedWindow | null {
  const [count, stride] = [(result.shape[d] as number) / shards, attrs.strides[d] ?? 1];
  if (!Number.isInteger(count)) return null;
  if (count === 0) return NO_WINDOW;
  return dilatedWindow(count * stride, -(attrs.start[d] ?? 0), (count - 1) * stride + 1, 1);
}

/** Per operand: the places of it that a shard of the joined dim covers; most lie outside it. */
export function joinWindows(
  { dim }: OpAttrs['concatenate'],
  operands: readonly TensorType[],
  result: TensorType,
  shards: number,
): (DilatedWindow | null)[] {
  const width = (result.shape[dim] as number) / shards;
  let before = 0;
  return operands.map((t) => {
    const low = before;
    before += t.shape[dim] as number;
    if (t.shape[dim] === 0) return NO_WINDOW;
    return Number.isInteger(width) && width > 0 ? dilatedWindow(width, low, width, 1) : null;
  });
}

const concatenate = defineOp<OpAttrs['concatenate']>({
  kind: 'concatenate',
  infer({ operands, attrs }) {
    const first = firstOf(operands);
    for (const t of operands) {
      if (
        t.dtype !== first.dtype ||
        t.shape.length !== first.shape.length ||
        t.shape.some((s, d) => d !== attrs.dim && s !== first.shape[d])
      ) {
        throw new InferError(
          `concatenate: operands may differ in dim ${attrs.dim} only, got ${operands.map(typeText).join(' and ')}`,
        );
      }
    }
    const total = operands.reduce((n, t) => n + (t.shape[attrs.dim] as number), 0);
    return [
      tensor(
        first.dtype,
        first.shape.map((s, d) => (d === attrs.dim ? total : s)),
      ),
    ];
  },
  factors({ operands, results, attrs, makers, values }) {
    const { shape } = firstOf(results);
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      [shape.length],
    );
    const joined: FactorKind = ofSlices(makers ?? [], values ?? []) ? 'permute' : 'replicate';
    shape.forEach((size, d) =>
      rule.add(
        operands.map(() => d),
        [d],
        size,
        d === attrs.dim ? joined : 'pass',
      ),
    );
    return rule.build();
  },
  halo({ operands, results, attrs }, d, shards) {
    if (d !== attrs.dim) return [];
    const elements = joinWindows(attrs, operands, firstOf(results), shards).map((w, i) =>
      receivedBy(w, shards, operands[i]?.shape[d] as number),
    );
    return elements.every((n) => n !== null) ? elements : null;
  },
  kernel({ attrs, results }, inputs, ctx) {
    const type = firstOf(results);
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    const to = stridesOf(type.shape);
    let put = 0;
    for (const x of inputs) {
      copyStrided(x.data, 0, stridesOf(x.shape), x.shape, data, put * (to[attrs.dim] as number), to);
      put += x.shape[attrs.dim] as number;
    }
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  linearity: ({ operands }) => [operands.map((_, i) => i)],
  padRule: ({ operands }, f, rule) => (passes(rule, f) ? besideZeros(operands) : { apart: 'all' }),
  flops: () => 0,
});

/** Is it slices that are joined, or one value and slices of it (a roll, a halo)? Then the dim needs another order, not the whole. */
function ofSlices(makers: NonNullable<OpView['makers']>, values: readonly unknown[]): boolean {
  if (makers.length === 0) return false;
  const isSlice = makers.map((op) => op?.kind === 'slice');
  const sources = values.map((v, i) => (isSlice[i] === true ? makers[i]?.operands[0] : v));
  return isSlice.every((s) => s) || (isSlice.includes(true) && sources.every((v) => v === sources[0]));
}

const defs: readonly AnyOpDef[] = [
  constant,
  iota,
  movesParts(broadcastInDim),
  movesParts(transpose),
  movesParts(reverse),
  movesParts(slice),
  movesParts(pad),
  movesParts(concatenate),
  reshape,
];
export const shapingOps: Readonly<Record<string, AnyOpDef>> = Object.fromEntries(defs.map((d) => [d.kind, d]));
