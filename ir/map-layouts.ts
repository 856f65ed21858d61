/** A function with other layouts, wherever it keeps them. */
import type { Layout } from './layout.ts';
import type { Attrs, Block, Func, Op } from './program.ts';

/** `attrs` answers for those inside the attributes of an op. */
export function mapLayouts(func: Func, layout: (l: Layout) => Layout, attrs: (a: Attrs) => Attrs): Func {
  const block = (b: Block): Block => ({
    ...b,
    ops: b.ops.map((op): Op => ({ ...op, attrs: attrs(op.attrs), regions: op.regions.map(block) })),
  });
  return {
    ...func,
    body: block(func.body),
    resultLayouts: func.resultLayouts.map((l) => (l === undefined ? l : layout(l))),
    values: func.values.map((v) => (v.layout === undefined ? v : { ...v, layout: layout(v.layout) })),
  };
}
