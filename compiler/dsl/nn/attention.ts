/** Attention: grouped queries, rotary positions, a cache for decoding. */
import type { DType } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { DimSpec } from '../mesh.ts';
import { einsum } from '../ops/contractions.ts';
import { causalMask, iota } from '../ops/creation.ts';
import { add, convert, cosine, divide, exp, lessEqual, multiply, select, sine, subtract } from '../ops/elementwise.ts';
import { dynamicUpdateSlice } from '../ops/indexing.ts';
import { softmax } from '../ops/reductions.ts';
import { broadcastTo, concatenate, expandDims, reshape, split } from '../ops/shaping.ts';
import { type Spec, spec } from '../spec.ts';
import type { Operand, Tensor } from '../tensor.ts';

export interface Attention {
  /** [features, heads, head size] */
  readonly wq: Tensor;
  /** [features, groups, head size]: each group serves heads / groups heads. */
  readonly wk: Tensor;
  readonly wv: Tensor;
  /** [heads, head size, features] */
  readonly wo: Tensor;
}

export interface AttentionOptions {
  /** Only what is at or before a position; default true. */
  readonly causal?: boolean;
  /** Rotary positions of this base (Su et al., 2021); none by default. */
  readonly rotary?: number;
}

export interface AttentionSizes {
  readonly features: number;
  readonly heads: number;
  readonly headSize: number;
  /** Key and value heads; default as many as heads. */
  readonly groups?: number;
  readonly dtype?: DType;
  /** Of features, heads and head size. */
  readonly sharding?: readonly [DimSpec, DimSpec, DimSpec];
  /** Of the groups; default as the heads. */
  readonly groupSharding?: DimSpec;
}

export function attentionSpecs(sizes: AttentionSizes): { wq: Spec; wk: Spec; wv: Spec; wo: Spec } {
  const { features, heads, headSize, groups = heads, dtype = 'f32', sharding } = sizes;
  const [f, h, k] = sharding ?? [];
  const { groupSharding: g = h } = sizes;
  const laid = (...dims: readonly (DimSpec | undefined)[]): readonly DimSpec[] =>
    sharding === undefined ? [] : (dims as readonly DimSpec[]);
  const ofGroups = (): Spec => spec(dtype, [features, groups, headSize], ...laid(f, g, k)) as Spec;
  return {
    wq: spec(dtype, [features, heads, headSize], ...laid(f, h, k)) as Spec,
    wk: ofGroups(),
    wv: ofGroups(),
    wo: spec(dtype, [heads, headSize, features], ...laid(h, k, f)) as Spec,
  };
}

/** x [batch, sequence, features] → the same. */
export function attention(params: Attention, x: Tensor, options: AttentionOptions = {}): Tensor {
  const { causal = true, rotary } = options;
  const sequence = x.shape[1] as number;
  const positions = iota([sequence], 0);
  const turn = (t: Tensor): Tensor => (rotary === undefined ? t : rotate(t, positions, rotary));
  const q = turn(einsum('bsd,dhk->bshk', x, params.wq));
  const k = turn(einsum('bsd,dhk->bshk', x, params.wk));
  const v = einsum('bsd,dhk->bshk', x, params.wv);
  const mask = causal ? causalMask(sequence, sequence) : undefined;
  return einsum('bshk,hkd->bsd', attend(q, k, v, mask), params.wo);
}

/**
 * Queries [batch, q, heads, size] on keys and values [batch, k, groups, size]; the mask, [q, k], holds where to look.
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const [batch, queries, heads, size] = q.shape as readonly [number, number, number, number];
  const groups = k.shape[2] as number;
  if (heads % groups !== 0)
    fail('SH0204', `attention of ${heads} heads on ${groups} groups of keys`, {
      expected: 'heads that the groups divide',
    });
  const grouped = reshape(q, [batch, queries, groups, heads / groups, size]);
  const scores = divide(einsum('bqgnk,bsgk->bgnqs', grouped, k), Math.sqrt(size));
  const masked = mask === undefined ? scores : select(broadcastTo(mask, scores.shape), scores, -1e30);
  const mixed = einsum('bgnqs,bsgk->bqgnk', softmax(masked), v);
  return reshape(mixed, [batch, queries, heads, v.shape[3] as number]);
}

/** Pairs of features turned by an angle that grows with the position: x [..., size], positions of its dim `along`. */
export function rotate(x: Tensor, positions: Tensor, base = 10_000, along = 1): Tensor {
  const size = x.shape.at(-1) as number;
  if (size % 2 !== 0)
    fail('SH0204', `rotary positions turn pairs of features, the head size is ${size}`, { expected: 'an even size' });
  const half = size / 2;
  const steps = convert(iota([half], 0), 'f32');
  const frequencies = exp(multiply(steps, -Math.log(base) / half));
  const angles = multiply(expandDims(convert(positions, 'f32'), 1), frequencies);
  const between = Array.from({ length: x.rank - along - 2 }, (_, i) => i + 1);
  const wide = (t: Tensor): Tensor => convert(expandDims(t, between), x.dtype);
  const [c, s] = [wide(cosine(angles)), wide(sine(angles))];
  const [a, b] = split(x, 2, -1) as [Tensor, Tensor];
  return concatenate([subtract(multiply(a, c), multiply(b, s)), add(multiply(a, s), multiply(b, c))], -1);
}

export interface Cache {
  /** [batch, length, groups, size] */
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** One token, x [batch, 1, features], at a position: its attention to what the cache holds, and the cache with it. */
export function decodeStep(
  params: Attention,
  x: Tensor,
  cache: Cache,
  position: Tensor,
  options: AttentionOptions = {},
): [Tensor, Cache] {
  const { rotary } = options;
  const at = reshape(position, [1]);
  const turn = (t: Tensor): Tensor => (rotary === undefined ? t : rotate(t, at, rotary));
  const q = turn(einsum('bsd,dhk->bshk', x, params.wq));
  const starts: Operand[] = [0, position, 0, 0];
  const keys = dynamicUpdateSlice(cache.keys, turn(einsum('bsd,dhk->bshk', x, params.wk)), starts);
  const values = dynamicUpdateSlice(cache.values, einsum('bsd,dhk->bshk', x, params.wv), starts);
  const length = keys.shape[1] as number;
  const mask = lessEqual(iota([1, length], 1), broadcastTo(convert(position, 'i32'), [1, length]));
  return [einsum('bshk,hkd->bsd', attend(q, keys, values, mask), params.wo), { keys, values }];
}
