/**
 * top_k of a padded dim: whatever stands in the padding, NaN too, comes after all elements. So it is a sort of the true
 * elements and their places, of which the first k are taken (split-sharded/sort.ts does that in two steps).
 *
 *   %v, %i = top_k %0 k=2      // %0 : f32[1001], 1008 with padding
 *   →  %a, %b = sort %0, (iota) dim=0 size=1001 (greater);  %v = slice %a [0:2];  %i = slice %b [0:2]
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Block, ValueId } from '../../../ir/program.ts';
import { DTYPES, type DType, tensor } from '../../../ir/types.ts';
import type { PadSite, Rewriter } from './site.ts';

export const sortTrueElements: Rewriter = (site) => {
  const [value] = site.operands as readonly [ValueId];
  const { dtype, shape } = site.typeOf(value);
  const dim = shape.length - 1;
  if (!site.grows(0, dim)) return undefined;
  const { k } = site.op.attrs as OpAttrs['top_k'];
  const places = tensor('i32', shape);
  const counted = site.made('iota', [], value, { dim, dtype: 'i32', shape }, places);
  const attrs = { dim, is_stable: true, size: site.size(0, dim) };
  const sorted = site.all('sort', [value, counted], value, attrs, [site.typeOf(value), places], [greater(site, dtype)]);
  return site.op.results.map((r, i) => {
    const limit = site.resultShapes[i] as readonly number[];
    const [slice] = site.values.builder.op('slice', [sorted[i] as ValueId], [site.resultType(i)], site.origin, {
      start: shape.map(() => 0),
      limit: limit.map((n, d) => (d === dim ? k : n)),
      strides: shape.map(() => 1),
    });
    const layout = site.layoutOf(site.values.like(r, limit));
    if (layout !== undefined) site.values.builder.setLayout(slice as ValueId, layout);
    return slice as ValueId;
  });
};

/** As top_k compares: NaN is largest. */
function greater(site: PadSite, dtype: DType): Block {
  const { builder } = site.values;
  const cls = DTYPES[dtype].class;
  const compare_type = cls === 'float' ? 'TOTALORDER' : cls === 'signed' ? 'SIGNED' : 'UNSIGNED';
  const [number, place, pred] = [tensor(dtype, []), tensor('i32', []), tensor('pred', [])];
  return builder.region(() => {
    const [a, b] = [number, number, place, place].map((t) => builder.param(t)) as [ValueId, ValueId];
    const [before] = builder.op('compare', [a, b], [pred], site.origin, { direction: 'GT', compare_type });
    builder.op('return', [before as ValueId], [], site.origin);
  });
}
