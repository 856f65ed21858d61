/**
 * rng_bit_generator: random bits of a state, and the state after. rng: numbers of a distribution from a state that the
 * machine keeps, so that no two machines agree on them; here they are made from their place.
 */
import { allocate, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { type AnyOpDef, defineOp, InferError, type OpView } from '../op.ts';
import { DTYPES, elementCount, isInteger, tensor, type TensorType, typeText } from '../types.ts';
import { philoxBits, threefryBits } from './random-bits.ts';
import { filled, roundAll } from './rounding.ts';

const generator = defineOp<OpAttrs['rng_bit_generator']>({
  kind: 'rng_bit_generator',
  infer({ operands, attrs }) {
    const [state] = operands;
    if (state === undefined || (tensor('u64', [2]) !== state && tensor('u64', [3]) !== state))
      throw new InferError(
        `rng_bit_generator takes a state of u64[2] or u64[3], got ${operands.map(typeText).join(', ')}`,
      );
    if (attrs.algorithm === 'THREE_FRY' && state.shape[0] !== 2)
      throw new InferError('rng_bit_generator: THREE_FRY has a state of u64[2]');
    return [state, tensor(attrs.dtype, attrs.shape)];
  },
  /** The state is whole on every device, and its layout goes nowhere. */
  factors({ operands, results }) {
    const [state, output] = [operands[0] as TensorType, results[1] as TensorType];
    const rule = new RuleBuilder([1], [1, output.shape.length]);
    state.shape.forEach((size, d) => rule.add([d], [d, null], size, 'replicate', true));
    output.shape.forEach((size, d) => rule.add([null], [null, d], size));
    return rule.build();
  },
  kernel: (view, [state]) => generate(view, state as TensorArray),
  localAttrs: ({ attrs }, { results }) => ({ ...attrs, shape: (results[1] as TensorType).shape }),
});

/** DEFAULT is what XLA takes for it on CPU and GPU: Philox. */
function generate({ attrs, results }: OpView<OpAttrs['rng_bit_generator']>, state: TensorArray): TensorArray[] {
  const type = results[1] as TensorType;
  const { bits } = DTYPES[type.dtype];
  if (!isInteger(type.dtype)) throw unsupported(`random bits as ${type.dtype}`);
  const seed = Array.from(state.data as BigUint64Array);
  const count = elementCount(type);
  const { word, state: after } =
    attrs.algorithm === 'THREE_FRY' ? threefryBits(seed, type.shape, bits) : philoxBits(seed, count, bits);
  const data = allocate(type.dtype, count, 'true');
  for (let i = 0; i < count; i++) {
    if (bits === 64) (data as BigInt64Array)[i] = word(i);
    else data[i] = Number(word(i));
  }
  return [
    { ...state, data: BigUint64Array.from(after) },
    { dtype: type.dtype, shape: type.shape, data: roundAll(type.dtype, 'true', data) },
  ];
}

/** Operands: lowest and highest (or mean and deviation), and the shape, which is known. */
const rng = defineOp<OpAttrs['rng']>({
  kind: 'rng',
  infer({ operands, attrs }) {
    const [low, high] = operands;
    if (low === undefined || low !== high || low.shape.length > 0)
      throw new InferError(`rng takes two scalars of one type, got ${operands.map(typeText).join(', ')}`);
    return [tensor(low.dtype, attrs.shape)];
  },
  factors({ operands, results }) {
    const { shape } = results[0] as TensorType;
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      [shape.length],
    );
    if (operands[2] !== undefined) rule.add([null, null, 0], [null], operands[2].shape[0] ?? 0, 'replicate');
    shape.forEach((size, d) =>
      rule.add(
        operands.map(() => null),
        [d],
        size,
      ),
    );
    return rule.build();
  },
  kernel({ attrs, results }, [low, high], ctx) {
    const type = results[0] as TensorType;
    const [a, b] = [Number(low?.data[0]), Number(high?.data[0])];
    const { word } = philoxBits([0n, 0n], 2 * elementCount(type), 32);
    const uniform = (i: number): number => (Number(word(i)) + 0.5) / 2 ** 32;
    const draw = (i: number): number => {
      if (attrs.distribution === 'UNIFORM') return a + (b - a) * uniform(2 * i);
      return a + b * Math.sqrt(-2 * Math.log(uniform(2 * i))) * Math.cos(2 * Math.PI * uniform(2 * i + 1));
    };
    const wide = DTYPES[type.dtype].bits === 64 && isInteger(type.dtype);
    const data = filled(type.dtype, elementCount(type), ctx.precision, (out) => {
      for (let i = 0; i < out.length; i++) {
        if (wide) (out as BigInt64Array)[i] = BigInt(Math.floor(draw(i)));
        else out[i] = isInteger(type.dtype) ? Math.floor(draw(i)) : draw(i);
      }
    });
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
});

export const randomOps: Readonly<Record<string, AnyOpDef>> = { rng_bit_generator: generator, rng };
