/**
 * `random`: numbers of a key, the same as jax.random's (threefry2x32, partitionable): each is a function of the key and
 * of its own place, so that however an array is laid out, its numbers are the same. A key is a u32[2].
 */
import type { DType } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { fail } from './errors.ts';
import { constant, full, iota } from './ops/creation.ts';
import {
  add,
  convert,
  divideIntegers,
  erfInv,
  less,
  log,
  maximum,
  multiply,
  negate,
  or,
  remainder,
  shiftLeft,
  shiftRightLogical,
  subtract,
  xor,
} from './ops/elementwise.ts';
import { argmax } from './ops/reductions.ts';
import { bitcastConvert, indexInDim, stack } from './ops/shaping.ts';
import type { Operand, Shape, Tensor } from './tensor.ts';
import { currentTrace } from './trace.ts';

export type Key = Tensor<'u32', readonly [number]>;

/** A key of a seed: a number, or an integer scalar. */
export function key(seed: number | Tensor): Key {
  const low = typeof seed === 'number' ? constant(seed >>> 0, 'u32') : convert(seed, 'u32');
  const high = typeof seed === 'number' ? constant(Math.floor(seed / 2 ** 32) >>> 0, 'u32') : constant(0, 'u32');
  return stack([high, low]) as Key;
}

/** As many keys, independent of each other and of this one's numbers. */
export function split(of: Key, count = 2): Key[] {
  const [high, low] = threefry(of, ...places([count]));
  const keys = stack([high, low], 1);
  return Array.from({ length: count }, (_, i) => indexInDim(keys, i) as Key);
}

/** A key of a key and a number: of a step, of a layer in a scan. */
export function foldIn(of: Key, data: number | Tensor): Key {
  const seed = key(data);
  return stack(threefry(of, indexInDim(seed, 0), indexInDim(seed, 1))) as Key;
}

/** Random u32. */
export function bits(of: Key, shape: Shape): Tensor<'u32'> {
  return xor(...threefry(of, ...places(shape))) as Tensor<'u32'>;
}

export interface UniformOptions {
  readonly dtype?: DType;
  readonly low?: number;
  readonly high?: number;
}

/** At least `low`, below `high`; default 0 to 1. */
export function uniform(of: Key, shape: Shape, { dtype = 'f32', low = 0, high = 1 }: UniformOptions = {}): Tensor {
  if (!isFloat(dtype)) fail('SH0613', `random.uniform gives floats, not ${dtype}`, { help: 'random.integers(key, …)' });
  // 23 bits as the mantissa of a number from 1 to 2.
  const mantissa = or(shiftRightLogical(bits(of, shape), 9), 0x3f800000) as Tensor;
  const unit = subtract(bitcastConvert(mantissa, 'f32'), 1);
  return convert(maximum(add(multiply(unit, high - low), low), low) as Tensor, dtype) as Tensor;
}

/** Of mean 0 and variance 1. */
export function normal(of: Key, shape: Shape, dtype: DType = 'f32'): Tensor {
  const between = uniform(of, shape, { low: -1 + 2 ** -24, high: 1 });
  return convert(multiply(erfInv(between), Math.SQRT2) as Tensor, dtype) as Tensor;
}

/** True with this probability. */
export const bernoulli = (of: Key, probability: Operand, shape: Shape): Tensor<'pred'> =>
  less(uniform(of, shape), probability) as Tensor<'pred'>;

/** Whole numbers from `low` to below `high`. */
export function integers(of: Key, shape: Shape, low: number, high: number): Tensor<'i32'> {
  const span = high - low;
  if (!Number.isSafeInteger(span) || span < 1 || span >= 2 ** 32)
    fail('SH0613', `random.integers from ${low} to below ${high}`, { expected: 'low < high' });
  const [first, second] = split(of) as [Key, Key];
  const factor = Number(BigInt(2 ** 16 % span) ** 2n % BigInt(span));
  const high32 = multiply(remainder(bits(first, shape), span), factor);
  const offset = remainder(add(high32, remainder(bits(second, shape), span)), span);
  return add(convert(offset as Tensor, 'i32'), low) as Tensor<'i32'>;
}

/** Places of the last dim, each as likely as its logit says. */
export function categorical(of: Key, logits: Tensor): Tensor<'i32'> {
  const noise = uniform(of, logits.shape, { dtype: logits.dtype, low: 2 ** -126 });
  return argmax(subtract(logits, log(negate(log(noise)))) as Tensor, -1);
}

/** The number of each element's place, as two words, high and low. */
function places(shape: Shape): [Tensor, Tensor] {
  const count = shape.reduce((n, d) => n * d, 1);
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((n, s) => n * s, 1));
  const dtype = count > 2 ** 32 ? 'u64' : 'u32';
  const flat = shape.reduce<Tensor>(
    (sum, _, d) => add(sum, multiply(iota(shape, d, dtype), strides[d] as number)) as Tensor,
    full(shape, 0, dtype) as Tensor,
  );
  if (dtype === 'u32') return [full(shape, 0, 'u32') as Tensor, flat];
  return [convert(divideIntegers(flat, 2 ** 32) as Tensor, 'u32'), convert(flat, 'u32')];
}

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Salmon et al., "Parallel random numbers: as easy as 1, 2, 3": two words of a counter under a key. */
function threefry(of: Key, high: Tensor, low: Tensor): [Tensor, Tensor] {
  currentTrace().id(of);
  if (of.dtype !== 'u32' || of.shape.length !== 1 || of.shape[0] !== 2)
    fail('SH0613', `${String(of)} is not a key`, { expected: 'a u32[2]: random.key(0), or one of random.split' });
  const [k0, k1] = [indexInDim(of, 0), indexInDim(of, 1)];
  const keys = [k0, k1, xor(xor(k0, k1), 0x1bd11bda) as Tensor] as const;
  let [x, y] = [add(high, k0) as Tensor, add(low, k1) as Tensor];
  for (let i = 0; i < 5; i++) {
    for (const by of ROTATIONS[i % 2] as readonly number[]) {
      x = add(x, y) as Tensor;
      y = xor(or(shiftLeft(y, by), shiftRightLogical(y, 32 - by)), x) as Tensor;
    }
    x = add(x, keys[(i + 1) % 3] as Tensor) as Tensor;
    y = add(y, add(keys[(i + 2) % 3] as Tensor, i + 1)) as Tensor;
  }
  return [x, y];
}
