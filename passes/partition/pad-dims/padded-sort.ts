/**
 * sort along a padded dim: padding goes last, whatever the comparator, by one more operand that says what is padding.
 *
 *   %1 = sort %0 dim=0 less      →  %p = iota ≥ 10;  %1, %_ = sort %0, %p (a, b, pa, pb: pa = pb ? less(a, b) : pb)
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { paddingOf } from '../../../ir/padding.ts';
import type { Block, ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import type { PadSite, Rewriter } from './site.ts';

export const sortPaddingLast: Rewriter = (site) => {
  const { dim } = site.op.attrs as OpAttrs['sort'];
  const [first] = site.operands as readonly [ValueId];
  if (!site.grows(0, dim)) return undefined;
  const { shape } = site.typeOf(first);
  const whole = (site.view.operands[0] as TensorType).shape;
  const inside = site.values.inside(shape, whole, dim, site.size(0, dim), site.layoutOf(first), site.origin);
  const flag = site.made('not', [inside], inside);
  const { op, values } = site;
  values.builder.setPadding(
    flag,
    paddingOf(whole, shape, (d) => (d === dim ? { value: 1 } : 'unknown')),
  );
  const results = [
    ...op.results.map((r, i) => values.like(r, site.resultShapes[i] ?? [])),
    values.builder.value(site.typeOf(flag)),
  ];
  const layout = site.layoutOf(flag);
  if (layout !== undefined) values.builder.setLayout(results.at(-1) as ValueId, layout);
  values.builder.setPadding(results.at(-1) as ValueId, values.builder.values[flag]?.padding);
  values.builder.push({ ...op, operands: [...site.operands, flag], results, regions: [comparing(site)] });
  return results.slice(0, -1);
};

/** The comparator with two more parameters, looked at first. */
function comparing(site: PadSite): Block {
  const [region] = site.regions as readonly [Block];
  const { builder } = site.values;
  const pred = tensor('pred', []);
  return builder.region(() => {
    for (const p of region.params) builder.paramAt(p);
    const [a, b] = [builder.param(pred), builder.param(pred)];
    for (const op of region.ops) {
      if (op.kind !== 'return') {
        builder.push(op);
        continue;
      }
      const attrs = { direction: 'EQ', compare_type: 'UNSIGNED' };
      const [same] = builder.op('compare', [a, b], [pred], site.origin, attrs);
      const [less] = builder.op('select', [same as ValueId, op.operands[0] as ValueId, b], [pred], site.origin);
      builder.push({ ...op, operands: [less as ValueId] });
    }
  });
}
