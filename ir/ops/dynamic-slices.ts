/** dynamic_slice and dynamic_update_slice: start indices are clamped so that the slice lies inside. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError, passes } from '../op.ts';
import { anyOf, COPIES, meet } from '../padding.ts';
import { tensor, type TensorType, typeText } from '../types.ts';
import { onParts } from './complex.ts';
import { allocateReal } from './rounding.ts';
import { copyStrided, gatherStrided } from './strided.ts';

const first = <T>(list: readonly T[]): T => list[0] as T;

export const dynamicSlice = defineOp<OpAttrs['dynamic_slice']>({
  kind: 'dynamic_slice',
  infer({ operands, attrs }) {
    const type = first(operands);
    if (attrs.sizes.length !== type.shape.length || operands.length !== 1 + type.shape.length)
      throw new InferError(`dynamic_slice takes one size and one start index per dim of ${typeText(type)}`);
    attrs.sizes.forEach((s, d) => {
      if (s > (type.shape[d] as number))
        throw new InferError(`dynamic_slice: size ${s} exceeds dim ${d} of ${typeText(type)}`);
    });
    expectOneType('dynamic_slice', operands.slice(1));
    return [tensor(type.dtype, attrs.sizes)];
  },
  factors({ operands, results }) {
    const [from, to] = [first(operands).shape, first(results).shape];
    const rule = new RuleBuilder([from.length, ...from.map(() => 0)], [to.length]);
    const none = from.map(() => null);
    from.forEach((size, d) => {
      const whole = size === to[d];
      rule.add([d, ...none], [d], size, whole ? 'pass' : 'replicate', !whole);
    });
    return rule.build();
  },
  /** The devices that hold the slice answer, the others give zeros. */
  split({ operands, results }) {
    const [from, to] = [first(operands).shape, first(results).shape];
    const rule = new RuleBuilder([from.length, ...from.map(() => 0)], [to.length]);
    const none = from.map(() => null);
    from.forEach((size, d) => {
      if (size === to[d]) rule.add([d, ...none], [d], size);
      else rule.add([d, ...none], [null], size, 'reduce');
    });
    return rule.build();
  },
  combiner: () => 'sum',
  padRule: (_, f, rule) => (passes(rule, f) ? COPIES : { apart: 'operands' }),
  padAttrs: ({ attrs }, { results }) => ({ ...attrs, sizes: first(results).shape }),
  kernel: onParts(({ results }, inputs, ctx) => {
    const x = first(inputs);
    const type = first(results);
    const strides = stridesOf(x.shape);
    return [gatherStrided(type, x, clampedBase(x.shape, type.shape, inputs.slice(1), strides), strides, ctx.precision)];
  }),
  linearity: () => [[0]],
  flops: () => 0,
});

export const dynamicUpdateSlice = defineOp<OpAttrs['dynamic_update_slice']>({
  kind: 'dynamic_update_slice',
  infer({ operands }) {
    const [type, update] = operands;
    if (type === undefined || update === undefined || operands.length !== 2 + type.shape.length)
      throw new InferError('dynamic_update_slice takes an operand, an update and one start index per dim');
    if (update.dtype !== type.dtype || update.shape.some((s, d) => s > (type.shape[d] as number)))
      throw new InferError(`dynamic_update_slice: the update ${typeText(update)} does not fit in ${typeText(type)}`);
    expectOneType('dynamic_update_slice', operands.slice(2));
    return [type];
  },
  factors({ operands, makers }) {
    const [x, update] = [first(operands).shape, (operands[1] as TensorType).shape];
    const rule = new RuleBuilder([x.length, x.length, ...x.map(() => 0)], [x.length]);
    const none = x.map(() => null);
    const fixed = makers?.slice(2).every((op) => op?.kind === 'constant') === true;
    x.forEach((size, d) => {
      if (size === update[d]) rule.add([d, d, ...none], [d], size);
      else {
        rule.factor([d, null, ...none], [d], { size, kind: 'pass', whole: true });
        rule.factor([null, d, ...none], [null], {
          size: update[d] as number,
          kind: fixed ? 'pass' : 'replicate',
          whole: true,
        });
      }
    });
    return rule.build();
  },
  /** Every device writes the part of the update that falls into its shard. */
  split({ operands }) {
    const [x, update] = [first(operands).shape, (operands[1] as TensorType).shape];
    const rule = new RuleBuilder([x.length, x.length, ...x.map(() => 0)], [x.length]);
    const none = x.map(() => null);
    x.forEach((size, d) => {
      rule.add([d, size === update[d] ? d : null, ...none], [d], size);
      if (size !== update[d]) rule.add([null, d, ...none], [null], update[d] as number, 'replicate');
    });
    return rule.build();
  },
  kernel: onParts((_, inputs, ctx) => {
    const [x, update] = inputs as readonly [TensorArray, TensorArray];
    const strides = stridesOf(x.shape);
    const data = allocateReal(x.dtype, x.data.length, ctx.precision);
    (data as Float64Array).set(x.data as Float64Array);
    copyStrided(
      update.data,
      0,
      stridesOf(update.shape),
      update.shape,
      data,
      clampedBase(x.shape, update.shape, inputs.slice(2), strides),
      strides,
    );
    return [{ ...x, data }];
  }),
  linearity: () => [[0, 1]],
  /** The operand may be longer; an update keeps its size. */
  padRule({ operands }, f, { factors, operands: held }) {
    const [x, update] = [held[0]?.some((dims) => dims.includes(f)), held[1]?.some((dims) => dims.includes(f))];
    if (x !== true || factors[f]?.size === 0) return null;
    return {
      gives: ([a, b]) => [update === true ? meet(a ?? 'unknown', b ?? 'unknown') : (a ?? anyOf(first(operands).dtype))],
    };
  },
  flops: () => 0,
});

function expectOneType(kind: string, starts: readonly TensorType[]): void {
  const types = new Set(starts.map((t) => t.dtype));
  if (types.size > 1) throw new InferError(`${kind} takes start indices of one type, not ${[...types].join(' and ')}`);
}

function clampedBase(
  shape: readonly number[],
  sizes: readonly number[],
  starts: readonly TensorArray[],
  strides: readonly number[],
): number {
  return starts.reduce((base, s, d) => {
    const start = Math.min(Math.max(Number(s.data[0]), 0), (shape[d] as number) - (sizes[d] as number));
    return base + start * (strides[d] as number);
  }, 0);
}
