/** Interned layouts of one pass, and memoised plans between them: 96 equal layers plan once. */
import { closedDim, type Layout, layoutOf, type Monoid } from '../../ir/layout.ts';
import type { AxisRef, Mesh } from '../../ir/mesh.ts';
import { DTYPES, type TensorType } from '../../ir/types.ts';
import { axesKey, axisKey, evenPrefix } from '../../ir/axes.ts';
import type { Prices } from './prices.ts';
import { type Plan, planReshard } from './reshard-plan.ts';

const noPath: Plan = { steps: [], bytes: Number.POSITIVE_INFINITY, price: Number.POSITIVE_INFINITY };
const nothing: Plan = { steps: [], bytes: 0, price: 0 };

export class LayoutTable {
  readonly mesh: Mesh;
  readonly prices: Prices;
  private readonly layouts = new Map<string, Layout>();
  private readonly ids = new Map<Layout, number>();
  private readonly plans = new Map<TensorType, Map<number, Plan>>();

  constructor(mesh: Mesh, prices: Prices) {
    this.mesh = mesh;
    this.prices = prices;
  }

  /** The one closed layout with these axes. */
  of(dims: readonly (readonly AxisRef[])[], unreduced: readonly AxisRef[] = [], monoid: Monoid = 'sum'): Layout {
    const owed = unreduced.length < 2 ? unreduced : [...unreduced].sort((a, b) => (axisKey(a) < axisKey(b) ? -1 : 1));
    const key = `${dims.length}:${dims.map(axesKey).join('|')}#${axesKey(owed)}${owed.length > 0 ? monoid : ''}`;
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      layout = layoutOf(this.mesh.name, dims, owed, monoid);
      this.layouts.set(key, layout);
      this.ids.set(layout, this.ids.size);
    }
    return layout;
  }

  /** A layout of the program, closed and cut to the largest even prefix of each dim's axes. */
  even(shape: readonly number[], layout: Layout): Layout {
    const dims = layout.dims.map((d, i) => evenPrefix(shape[i] as number, d.axes));
    return this.of(dims, layout.unreduced, layout.monoid);
  }

  replicated(rank: number): Layout {
    return this.of(Array.from({ length: rank }, () => []));
  }

  id(layout: Layout): number {
    const id = this.ids.get(layout);
    if (id === undefined) throw new Error('a layout from another table');
    return id;
  }

  plan(type: TensorType, from: Layout, to: Layout): Plan {
    let known = this.plans.get(type);
    if (known === undefined) this.plans.set(type, (known = new Map()));
    const key = this.id(from) * 65536 + this.id(to);
    let plan = known.get(key);
    if (plan === undefined) {
      plan =
        from === to
          ? nothing
          : (planReshard([this.mesh, this.mesh], type.shape, DTYPES[type.dtype].bytes, from, to, this.prices) ??
            noPath);
      known.set(key, plan);
    }
    return plan;
  }

  /** The same placement with nothing owed. */
  reduced(layout: Layout): Layout {
    return layout.unreduced.length === 0 ? layout : this.of(layout.dims.map((d) => d.axes));
  }
}

export const closed = (layout: Layout): Layout => ({ ...layout, dims: layout.dims.map((d) => closedDim(d.axes)) });
