/** Rewrites every layout of a module, wherever it is kept (Shardy: sharding_walker.cc). */
import type { EditModule, EditValue } from '../../ir/edit.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Attrs } from '../../ir/program.ts';

export type Rewrite = (layout: Layout) => Layout;

export function rewriteLayouts(module: EditModule, rewrite: Rewrite): void {
  const value = (v: EditValue): void => {
    if (v.layout !== undefined) v.layout = rewrite(v.layout);
  };
  for (const f of module.functions) {
    f.body.params.forEach(value);
    f.resultLayouts = f.resultLayouts.map((l) => (l === undefined ? undefined : rewrite(l)));
  }
  for (const op of module.ops()) {
    op.attrs = rewriteAttrs(op.attrs, rewrite);
    op.results.forEach(value);
  }
}

function rewriteAttrs(attrs: Attrs, rewrite: Rewrite): Attrs {
  const { layout, in_layouts, out_layouts } = attrs as Record<string, unknown>;
  if (layout === undefined && in_layouts === undefined && out_layouts === undefined) return attrs;
  const all = (layouts: unknown): Layout[] => (layouts as Layout[]).map(rewrite);
  return {
    ...attrs,
    ...(layout === undefined ? {} : { layout: rewrite(layout as Layout) }),
    ...(in_layouts === undefined ? {} : { in_layouts: all(in_layouts) }),
    ...(out_layouts === undefined ? {} : { out_layouts: all(out_layouts) }),
  };
}
