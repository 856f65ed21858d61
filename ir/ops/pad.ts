/** pad: elements around and between those of the operand; negative padding crops. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { type DilatedWindow, dilatedWindow } from '../halo.ts';
import { receivedBy } from '../halo-exchange.ts';
import { type AnyOpDef, defineOp, type OpView, firstOf, passes } from '../op.ts';
import { meet, type PadRule } from '../padding.ts';
import { elementCount, tensor, type TensorType } from '../types.ts';
import { allocateReal } from './rounding.ts';
import { copyStrided } from './strided.ts';

/**
 * What a shard of a padded dim reads of the operand, the last `unread` elements of every shard left out; null = the result
 * does not divide.
 */
export function padWindow(
  attrs: OpAttrs['pad'],
  result: TensorType,
  d: number,
  shards: number,
  unread = 0,
): DilatedWindow | null {
  const count = (result.shape[d] as number) / shards;
  return !Number.isInteger(count) || count === 0
    ? null
    : dilatedWindow(count, attrs.low[d] ?? 0, count - unread, (attrs.interior[d] ?? 0) + 1);
}

const unpadded = (attrs: OpAttrs['pad'], d: number): boolean =>
  attrs.low[d] === 0 && attrs.high[d] === 0 && attrs.interior[d] === 0;

export const pad: AnyOpDef = defineOp<OpAttrs['pad']>({
  kind: 'pad',
  infer({ operands, attrs }) {
    const { dtype, shape } = firstOf(operands);
    return [
      tensor(
        dtype,
        shape.map((size, d) =>
          Math.max(
            0,
            size + (attrs.low[d] ?? 0) + (attrs.high[d] ?? 0) + Math.max(size - 1, 0) * (attrs.interior[d] ?? 0),
          ),
        ),
      ),
    ];
  },
  factors({ operands, results }) {
    const [from, to] = [firstOf(operands).shape, firstOf(results).shape];
    const rule = new RuleBuilder([from.length, 0], [to.length]);
    from.forEach((size, d) => {
      rule.add([d, null], [d], size, size === to[d] ? 'pass' : 'permute');
    });
    return rule.build();
  },
  halo({ operands, results, attrs }, d, shards) {
    if (unpadded(attrs, d)) return [];
    const elements = receivedBy(
      padWindow(attrs, firstOf(results), d, shards),
      shards,
      firstOf(operands).shape[d] as number,
    );
    return elements === null ? null : [elements, 0];
  },
  kernel({ attrs, results }, [a, fill], ctx) {
    const x = a as TensorArray;
    const type = firstOf(results);
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    (data as Float64Array).fill((fill as TensorArray).data[0] as number);
    const from = stridesOf(x.shape);
    const to = stridesOf(type.shape);
    // Only the part of the operand that lands inside: negative padding crops.
    const first = x.shape.map((_, d) =>
      Math.max(0, Math.ceil(-(attrs.low[d] as number) / ((attrs.interior[d] as number) + 1))),
    );
    const last = x.shape.map((s, d) =>
      Math.min(
        s - 1,
        Math.floor(((type.shape[d] as number) - 1 - (attrs.low[d] as number)) / ((attrs.interior[d] as number) + 1)),
      ),
    );
    const shape = first.map((f, d) => (last[d] as number) - f + 1);
    const base = first.reduce((b, f, d) => b + f * (from[d] as number), 0);
    const put = first.reduce(
      (b, f, d) => b + ((attrs.low[d] as number) + f * ((attrs.interior[d] as number) + 1)) * (to[d] as number),
      0,
    );
    copyStrided(
      x.data,
      base,
      from,
      shape,
      data,
      put,
      to.map((s, d) => s * ((attrs.interior[d] as number) + 1)),
    );
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  linearity: () => [[0, 1]],
  padRule: padPadding,
  padAttrs: ({ attrs, operands }, padded) => ({
    ...attrs,
    high: firstOf(padded.results).shape.map((n, d) =>
      n === firstOf(operands).shape[d] && attrs.high[d] === 0 && attrs.low[d] === 0
        ? 0
        : n -
          (padded.operands[0]?.shape[d] as number) -
          (attrs.low[d] as number) -
          holes(attrs, firstOf(padded.operands), d),
    ),
  }),
  flops: () => 0,
});

const holes = (attrs: OpAttrs['pad'], type: TensorType, d: number): number =>
  Math.max((type.shape[d] as number) - 1, 0) * (attrs.interior[d] as number);

/**
 * What is padded already is made longer by more of the same: where elements come after the true ones, the operand's own
 * padding must hold them too. A shift keeps its size, and so do its padded dims.
 */
function padPadding({ attrs }: OpView<OpAttrs['pad']>, d: number, rule: FactorRule): PadRule | null {
  if (unpadded(attrs, d)) return passes(rule, d) ? { gives: (held) => [held.reduce(meet)] } : null;
  const shows = (attrs.high[d] as number) > (attrs.interior[d] as number);
  return {
    ...(passes(rule, d) ? {} : { apart: 'all' as const }),
    needs: ([, fill]) => (!shows ? [] : typeof fill === 'object' ? [fill] : null),
  };
}
