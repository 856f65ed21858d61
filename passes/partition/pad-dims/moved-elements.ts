/**
 * slice, concatenate, reverse: their true elements are moved to where they stand in the padded result by `pad`s with
 * negative edges, which cost a shift between neighbours and no gather.
 *
 *   %2 = concatenate %0, %1 : f32[9] → f32[12]      // 5 → 6 and 4 elements
 *   →  select (iota < 5), (pad %0 high=[6]), (pad %1 low=[5] high=[3])
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { zeroOf } from '../../../ir/padding.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import { tensor } from '../../../ir/types.ts';
import type { PadSite, Rewriter } from './site.ts';

const zero = (site: PadSite): number | bigint => zeroOf((site.view.results[0] as TensorType).dtype);

export const moveSlice: Rewriter = (site) => {
  const attrs = site.op.attrs as OpAttrs['slice'];
  const [value] = site.operands as readonly [ValueId];
  const [shape] = site.resultShapes as readonly [readonly number[]];
  const whole = (site.view.results[0] as TensorType).shape;
  const from = site.typeOf(value).shape;
  const longer = shape.map((n, d) => (n !== whole[d] || site.grows(0, d)) && site.size(0, d) !== whole[d]);
  if (!longer.includes(true)) return undefined;
  // Where the operand is long enough, the padding of the result is what comes next in it.
  const end = attrs.start.map((s, d) =>
    shape[d] === 0 ? s : s + ((shape[d] as number) - 1) * (attrs.strides[d] as number) + 1,
  );
  const cut = longer.map((grown, d) => grown && (end[d] as number) > (from[d] as number));
  const limit = attrs.limit.map((l, d) => {
    if (cut[d] === true || site.size(0, d) === whole[d]) return from[d] as number;
    return longer[d] === true ? (end[d] as number) : l;
  });
  if (!cut.includes(true)) return site.finish('slice', [value], { ...attrs, limit });
  // Other dims, and those at their true size, are sliced first.
  const rest = from.map((n, d) => (cut[d] === true ? n : (shape[d] as number)));
  const sliced = cut.every((c, d) => c || from[d] === shape[d])
    ? value
    : site.made(
        'slice',
        [value],
        value,
        {
          start: attrs.start.map((s, d) => (cut[d] === true ? 0 : s)),
          limit,
          strides: attrs.strides.map((s, d) => (cut[d] === true ? 1 : s)),
        },
        tensor(site.typeOf(value).dtype, rest),
      );
  // What a shard keeps of its part of a dim with strides is where it is: stride · i.
  const stride = attrs.strides.map((by, d) => (cut[d] === true ? by : 1));
  const spread = shape.map((n, d) => n * (stride[d] as number));
  const low = attrs.start.map((s, d) => (cut[d] === true ? -s : 0));
  const moved = site.shifted(sliced, low, spread, zero(site));
  if (stride.every((by) => by === 1)) return [moved];
  return site.finish('slice', [moved], { start: shape.map(() => 0), limit: spread, strides: stride });
};

export const moveReversed: Rewriter = (site) => {
  const { dims } = site.op.attrs as OpAttrs['reverse'];
  const [shape] = site.resultShapes as readonly [readonly number[]];
  const [value] = site.operands as readonly [ValueId];
  if (!dims.some((d) => site.grows(0, d))) return undefined;
  const reversed = site.made('reverse', [value], value, site.op.attrs);
  // Its true elements are the last ones.
  site.values.builder.forgetPadding(reversed);
  const low = shape.map((n, d) => (dims.includes(d) ? site.size(0, d) - n : 0));
  return [site.shifted(reversed, low, shape, zero(site))];
};

export const moveJoined: Rewriter = (site) => {
  const { dim } = site.op.attrs as OpAttrs['concatenate'];
  const [shape] = site.resultShapes as readonly [readonly number[]];
  const whole = (site.view.results[0] as TensorType).shape;
  if (shape[dim] === whole[dim] && site.operands.every((_, i) => !site.grows(i, dim))) return undefined;
  let end = 0;
  const parts = site.operands.flatMap((value, i) => {
    const size = site.size(i, dim);
    const low = shape.map((_, d) => (d === dim ? end : 0));
    end += size;
    return size === 0 ? [] : [{ end, moved: site.shifted(value, low, shape, zero(site)) }];
  });
  const [last, ...before] = parts.toReversed();
  if (last === undefined) return undefined;
  const result = before.reduce((rest, part) => {
    const inside = site.values.inside(shape, whole, dim, part.end, site.layoutOf(part.moved), site.origin);
    return site.made('select', [inside, part.moved, rest], part.moved);
  }, last.moved);
  return [result];
};
