/**
 * convolution (StableHLO spec), all forms. Place `p` of the padded, dilated input meets kernel element `w` at output
 * position `o` where p = o · stride + w · rhs_dilation - pad_low.
 */
import { stridesOf, type Storage, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { type DilatedWindow, dilatedWindow, reach, type Sliding } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { defineOp, InferError, type LocalShapes, type OpView } from '../op.ts';
import { elementCount, isFloat, tensor, type TensorType, typeText } from '../types.ts';
import { onProducts } from './complex.ts';
import { filled } from './rounding.ts';
import { forEachIndex } from './strided.ts';
import { type PadRule, zeroOf } from '../padding.ts';
import { contractionPadding } from './dot-general.ts';
import { windowCount } from './windows.ts';

type Attrs = OpAttrs['convolution'];
const at = (list: readonly number[], i: number): number => list[i] as number;

export const convolution = defineOp<Attrs>({
  kind: 'convolution',
  infer({ operands, attrs }) {
    const [lhs, rhs] = operands;
    if (lhs === undefined || rhs === undefined || operands.length !== 2)
      throw new InferError('convolution takes an input and a kernel');
    checkShapes(lhs, rhs, attrs);
    const shape = new Array<number>(lhs.shape.length);
    shape[at(attrs.output_dims, 0)] = at(lhs.shape, at(attrs.input_dims, 0)) / attrs.batch_group_count;
    shape[at(attrs.output_dims, 1)] = at(rhs.shape, at(attrs.kernel_dims, 1));
    attrs.strides.forEach((stride, s) => {
      shape[at(attrs.output_dims, s + 2)] = windowCount(
        at(lhs.shape, at(attrs.input_dims, s + 2)),
        at(attrs.lhs_dilation, s),
        at(attrs.pad_low, s),
        at(attrs.pad_high, s),
        at(rhs.shape, at(attrs.kernel_dims, s + 2)),
        at(attrs.rhs_dilation, s),
        stride,
      );
    });
    return [tensor(attrs.dtype, shape)];
  },
  factors: convolutionRule,
  halo({ operands, results, attrs }, factor, shards) {
    const place = spatialFactor(attrs, operands, results, factor);
    if (place === undefined) return [];
    if (place === null) return null;
    const lhs = at((operands[0] as TensorType).shape, at(attrs.input_dims, place.dim + 2));
    const elements = receivedBy(shardWindow(attrs, place, operands, results, shards), shards, lhs);
    return elements === null ? null : [elements, 0];
  },
  kernel: onProducts((view, [lhs, rhs], ctx) => {
    const type = view.results[0] as TensorType;
    const data = filled(type.dtype, elementCount(type), ctx.precision, (out) =>
      convolve(view as OpView<Attrs>, lhs as TensorArray, rhs as TensorArray, out),
    );
    return [{ dtype: type.dtype, shape: type.shape, data }];
  }),
  /** Groups are counted anew from the shards' features and batches. */
  localAttrs: ({ attrs }, { operands, results }) => ({ ...attrs, ...localGroups(attrs, operands, results) }),
  padRule: convolutionPadding,
  padAttrs: ({ attrs, ...whole }, { operands, results }) => ({
    ...attrs,
    ...localGroups(attrs, operands, results),
    ...paddedEdges(attrs, whole, { operands, results }),
  }),
  linearity: () => [[0], [1]],
  combiner: () => 'sum',
  flops: ({ operands, results, attrs }) => {
    const [, rhs] = operands as readonly [TensorType, TensorType];
    return (
      2 *
      elementCount(results[0] as TensorType) *
      (elementCount(rhs) / Math.max(1, at(rhs.shape, at(attrs.kernel_dims, 1))))
    );
  },
});

function localGroups(
  attrs: Attrs,
  operands: Types,
  results: Types,
): Pick<Attrs, 'feature_group_count' | 'batch_group_count'> {
  const [lhs, rhs] = operands as readonly [TensorType, TensorType];
  const [out] = results as readonly [TensorType];
  const features = at(lhs.shape, at(attrs.input_dims, 1)) / at(rhs.shape, at(attrs.kernel_dims, 0));
  const batches = at(lhs.shape, at(attrs.input_dims, 0)) / at(out.shape, at(attrs.output_dims, 0));
  return {
    feature_group_count: attrs.feature_group_count === 1 ? 1 : features,
    batch_group_count: attrs.batch_group_count === 1 ? 1 : batches,
  };
}

/** So that windows read what they did: those read backwards have their padding in front. */
function paddedEdges(attrs: Attrs, whole: LocalShapes, padded: LocalShapes): Pick<Attrs, 'pad_low' | 'pad_high'> {
  const edges = attrs.strides.map((stride, s): readonly [low: number, high: number] => {
    const [before, after] = [whole, padded].map((t) => spatialSizes(attrs, t.operands, t.results, s)) as [Sizes, Sizes];
    const dilation = at(attrs.rhs_dilation, s);
    const [low, high] = [at(attrs.pad_low, s), at(attrs.pad_high, s)];
    const { input, places, positions } = after;
    if (input === before.input && places === before.places && positions === before.positions) return [low, high];
    const front = attrs.reversal[s] === true ? low + (places - before.places) * dilation : low;
    const filled = input === 0 ? 0 : (input - 1) * at(attrs.lhs_dilation, s) + 1;
    return [front, reach({ count: positions, stride, size: places, dilation }) - front - filled];
  });
  return { pad_low: edges.map(([low]) => low), pad_high: edges.map(([, high]) => high) };
}

/**
 * Positions of the window may be more, and the input longer: windows that reach beyond the input read zeros there. So may
 * places of the window (a gradient by the kernel), which then meet with zeros. Input features add up as in a matrix
 * product; groups of batches stay.
 */
function convolutionPadding({ attrs, operands, results }: OpView<Attrs>, f: number, rule: FactorRule): PadRule | null {
  const place = spatialFactor(attrs, operands, results, f);
  const [input, output] = [rule.operands[0] ?? [], rule.results[0] ?? []];
  const holds = (dims: readonly (readonly number[])[], d: number): boolean => dims[d]?.includes(f) === true;
  if (place === null) return null;
  if (place !== undefined) {
    const zero = { value: zeroOf((operands[0] as TensorType).dtype) };
    const beyond = at(attrs.pad_high, place.dim) > 0;
    if (place.role === 'place') return { apart: 'all', needs: () => [beyond ? zero : 'finite', zero] };
    if (holds(rule.operands[1] ?? [], at(attrs.kernel_dims, place.dim + 2))) return null;
    return { apart: 'all', needs: () => (beyond ? [zero] : []) };
  }
  if (holds(input, at(attrs.input_dims, 0)) && holds(output, at(attrs.output_dims, 1))) return null;
  return contractionPadding({ operands } as OpView, rule.factors[f]?.kind);
}

function checkShapes(lhs: TensorType, rhs: TensorType, attrs: Attrs): void {
  const rank = lhs.shape.length;
  const lists = [attrs.input_dims, attrs.kernel_dims, attrs.output_dims];
  if (
    rhs.shape.length !== rank ||
    lists.some((l) => l.length !== rank || new Set(l).size !== rank || l.some((d) => d < 0 || d >= rank))
  ) {
    throw new InferError(`convolution needs every dim of ${typeText(lhs)} and ${typeText(rhs)} named once`);
  }
  const windows = [
    attrs.strides,
    attrs.pad_low,
    attrs.pad_high,
    attrs.lhs_dilation,
    attrs.rhs_dilation,
    attrs.reversal,
  ];
  if (windows.some((l) => l.length !== rank - 2))
    throw new InferError(
      `convolution needs one stride, padding, dilation and reversal for each of ${rank - 2} spatial dims`,
    );
  const [batch, features] = [at(lhs.shape, at(attrs.input_dims, 0)), at(lhs.shape, at(attrs.input_dims, 1))];
  const [taken, made] = [at(rhs.shape, at(attrs.kernel_dims, 0)), at(rhs.shape, at(attrs.kernel_dims, 1))];
  if (features !== taken * attrs.feature_group_count)
    throw new InferError(
      `convolution: ${features} input features are not ${attrs.feature_group_count} groups of the kernel's ${taken}`,
    );
  if (made % attrs.feature_group_count !== 0 || made % attrs.batch_group_count !== 0)
    throw new InferError(`convolution: ${made} output features do not divide into the groups`);
  if (batch % attrs.batch_group_count !== 0)
    throw new InferError(`convolution: a batch of ${batch} does not divide into ${attrs.batch_group_count} groups`);
}

/**
 * Shardy's rule (op_sharding_rule_registry.cc, convolution). An input's spatial dim follows both the positions of the
 * window (output) and the places in it (kernel), the larger one major; positions are where windows do not overlap, as a
 * patch embedding's, whose input is its positions times the places.
 */
function convolutionRule(view: OpView<Attrs>): FactorRule {
  const { operands, results, attrs } = view;
  const [lhs, rhs] = operands as readonly [TensorType, TensorType];
  const [out] = results as readonly [TensorType];
  const rank = lhs.shape.length;
  const rule = new RuleBuilder([rank, rank], [rank]);
  const [batch, feature] = attrs.input_dims as readonly [number, number];
  const [taken, made] = attrs.kernel_dims as readonly [number, number];
  const [outBatch, outFeature] = attrs.output_dims as readonly [number, number];
  if (attrs.batch_group_count > 1) rule.add([batch, made], [outFeature], attrs.batch_group_count);
  rule.add([batch, null], [outBatch], at(out.shape, outBatch));
  attrs.strides.forEach((_, s) => {
    const [input, kernel, output] = [
      at(attrs.input_dims, s + 2),
      at(attrs.kernel_dims, s + 2),
      at(attrs.output_dims, s + 2),
    ];
    for (const { role, size } of spatialFactors(attrs, operands, results, s)) {
      if (role === 'position') rule.add([input, null], [output], size, 'permute');
      else rule.add([input, kernel], [null], size, 'reduce');
    }
  });
  if (attrs.feature_group_count > 1) rule.add([feature, made], [outFeature], attrs.feature_group_count);
  rule.add([feature, taken], [null], at(rhs.shape, taken), 'reduce');
  const groups = attrs.batch_group_count * attrs.feature_group_count;
  if (groups === 1 || at(rhs.shape, made) > groups) rule.add([null, made], [outFeature], at(rhs.shape, made) / groups);
  return rule.build();
}

/** position: which window (output); place: which element of a window (kernel). */
type Role = 'position' | 'place';
type Types = readonly TensorType[];

function spatialFactors(attrs: Attrs, operands: Types, results: Types, s: number): { role: Role; size: number }[] {
  const { input, positions, places } = spatialSizes(attrs, operands, results, s);
  const all: readonly { role: Role; size: number }[] = [
    { role: 'position', size: positions },
    { role: 'place', size: places },
  ];
  const found: { role: Role; size: number }[] = [];
  let rest = input;
  const apart = at(attrs.strides, s) >= (places - 1) * at(attrs.rhs_dilation, s) + 1;
  for (const { role, size } of apart || positions >= places ? all : all.toReversed()) {
    const taken = Math.min(rest, size);
    if (taken <= 1) continue;
    found.push({ role, size: taken });
    rest = Math.floor(rest / taken);
  }
  return found;
}

function spatialSizes(attrs: Attrs, operands: Types, results: Types, s: number): Sizes {
  const [lhs, rhs] = operands as readonly [TensorType, TensorType];
  const [out] = results as readonly [TensorType];
  return {
    input: at(lhs.shape, at(attrs.input_dims, s + 2)),
    places: at(rhs.shape, at(attrs.kernel_dims, s + 2)),
    positions: at(out.shape, at(attrs.output_dims, s + 2)),
  };
}

interface Sizes {
  readonly input: number;
  readonly positions: number;
  readonly places: number;
}

export interface SpatialFactor {
  /** Index of the spatial dim. */
  readonly dim: number;
  readonly role: Role;
}

/** The spatial dim that a factor of the rule splits; undefined for other factors, null for the minor of two in one dim. */
function spatialFactor(
  attrs: Attrs,
  operands: Types,
  results: Types,
  factor: number,
): SpatialFactor | null | undefined {
  let index = attrs.batch_group_count > 1 ? 2 : 1;
  for (let dim = 0; dim < attrs.strides.length; dim++) {
    const held = spatialFactors(attrs, operands, results, dim);
    if (factor === index && held[0] !== undefined) return { dim, role: held[0].role };
    if (factor > index && factor < index + held.length) return null;
    index += held.length;
  }
  return undefined;
}

/** Of a spatial factor in `shards`: what each shard reads of the input; null = it cannot be split so. */
export function shardWindow(
  attrs: Attrs,
  { dim, role }: SpatialFactor,
  operands: Types,
  results: Types,
  shards: number,
): DilatedWindow | null {
  const { positions, places } = spatialSizes(attrs, operands, results, dim);
  const [stride, dilation, base, low] = [
    at(attrs.strides, dim),
    at(attrs.rhs_dilation, dim),
    at(attrs.lhs_dilation, dim),
    at(attrs.pad_low, dim),
  ];
  const whole: Sliding = { count: positions, stride, size: places, dilation };
  if (role === 'position') {
    const count = positions / shards;
    return Number.isInteger(count) ? dilatedWindow(count * stride, low, reach({ ...whole, count }), base) : null;
  }
  const size = places / shards;
  if (!Number.isInteger(size)) return null;
  const width = reach({ ...whole, size });
  const step = size * dilation;
  return attrs.reversal[dim] === true
    ? dilatedWindow(-step, low - (places - size) * dilation, width, base)
    : dilatedWindow(step, low, width, base);
}

type Numbers = Float64Array;
/** acc + a · b in the element type's own arithmetic. */
type MultiplyAdd = (acc: number, a: number, b: number) => number;

const MULTIPLY_ADD: {
  readonly float: MultiplyAdd;
  readonly int: MultiplyAdd;
  readonly wide: (acc: bigint, a: bigint, b: bigint) => bigint;
} = {
  float: (acc, a, b) => acc + a * b,
  int: (acc, a, b) => (acc + Math.imul(a, b)) | 0,
  wide: (acc, a, b) => acc + a * b,
};

function convolve(view: OpView<Attrs>, lhs: TensorArray, rhs: TensorArray, out: Storage): void {
  const { attrs } = view;
  const wide = out instanceof BigInt64Array || out instanceof BigUint64Array;
  const add = (wide ? MULTIPLY_ADD.wide : isFloat(lhs.dtype) ? MULTIPLY_ADD.float : MULTIPLY_ADD.int) as MultiplyAdd;
  const shape = (view.results[0] as TensorType).shape;
  const [l, k, o] = [stridesOf(lhs.shape), stridesOf(rhs.shape), stridesOf(shape)];
  const [batch, feature] = attrs.input_dims as readonly [number, number];
  const [taken, made] = attrs.kernel_dims as readonly [number, number];
  const [outBatch, outFeature] = attrs.output_dims as readonly [number, number];
  const batches = at(shape, outBatch);
  const features = at(shape, outFeature);
  const depth = at(rhs.shape, taken);
  const places = placesOf(attrs, lhs.shape, rhs.shape, l, k);
  forEachIndex(
    attrs.strides.map((_, s) => at(shape, at(attrs.output_dims, s + 2))),
    (position) => {
      const base = position.reduce((n, p, s) => n + p * at(o, at(attrs.output_dims, s + 2)), 0);
      const met = places(position);
      for (let n = 0; n < batches; n++) {
        for (let f = 0; f < features; f++) {
          const group = Math.floor((f * attrs.feature_group_count) / features) * depth;
          const item = Math.floor((f * attrs.batch_group_count) / features) * batches + n;
          const [fromL, fromK] = [item * at(l, batch) + group * at(l, feature), f * at(k, made)];
          let sum = (wide ? 0n : 0) as number;
          for (let m = 0; m < met.length; m += 2) {
            let [i, j] = [fromL + at(met, m), fromK + at(met, m + 1)];
            for (let c = 0; c < depth; c++, i += at(l, feature), j += at(k, taken))
              sum = add(sum, (lhs.data as Numbers)[i] as number, (rhs.data as Numbers)[j] as number);
          }
          (out as Numbers)[base + n * at(o, outBatch) + f * at(o, outFeature)] = sum;
        }
      }
    },
  );
}

/** Pairs of offsets (input, kernel) that meet in the window at an output position. */
function placesOf(
  attrs: Attrs,
  input: readonly number[],
  kernel: readonly number[],
  l: readonly number[],
  k: readonly number[],
): (position: readonly number[]) => number[] {
  const spatial = attrs.strides.map((_, s) => ({ l: at(attrs.input_dims, s + 2), k: at(attrs.kernel_dims, s + 2) }));
  const window = spatial.map((d) => at(kernel, d.k));
  return (position) => {
    const met: number[] = [];
    forEachIndex(window, (index) => {
      let [i, j] = [0, 0];
      for (let s = 0; s < spatial.length; s++) {
        const d = spatial[s] as { l: number; k: number };
        const place = attrs.reversal[s] === true ? at(window, s) - 1 - at(index, s) : at(index, s);
        const p =
          (at(position, s) * at(attrs.strides, s) + place * at(attrs.rhs_dilation, s) - at(attrs.pad_low, s)) /
          at(attrs.lhs_dilation, s);
        if (p < 0 || p >= at(input, d.l) || !Number.isInteger(p)) return;
        i += p * at(l, d.l);
        j += at(index, s) * at(k, d.k);
      }
      met.push(i, j);
    });
    return met;
  };
}
