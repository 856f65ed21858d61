/** Interned layouts of one pass, and memoised plans between them: 96 equal layers plan once. */
import { internalError } from '../../ir/diagnostics.ts';
import { closedDim, dimAxes, type Layout, layoutOf, type Monoid } from '../../ir/layout.ts';
import { type AxisRef, axesSize, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { type Block, type Module, type ValueInfo, walkOps } from '../../ir/program.ts';
import { DTYPES, type TensorType } from '../../ir/types.ts';
import { axesKey, axisKey, evenPrefix, lcm } from '../../ir/axes.ts';
import type { Prices } from './prices.ts';
import { type Plan, planReshard } from './reshard-plan.ts';

/** No way from one layout to the other. */
export const noPath: Plan = { steps: [], bytes: Number.POSITIVE_INFINITY, price: Number.POSITIVE_INFINITY };
const nothing: Plan = { steps: [], bytes: 0, price: 0 };

export class LayoutTable {
  /** The first is the program's own; others have its axes and another order of devices. */
  readonly meshes: readonly Mesh[];
  readonly mesh: Mesh;
  readonly prices: Prices;
  /** Axes that a manual computation has in its hands: no value is known to be the same along them. */
  private readonly manual: ReadonlySet<string>;
  /** Those that no manual computation has. */
  readonly freeAxes: readonly AxisRef[];
  private readonly layouts = new Map<string, Layout>();
  private readonly ids = new Map<Layout, number>();
  private readonly plans = new Map<TensorType | Extents, Map<number, Plan>>();
  private readonly extents = new Map<string, Extents>();

  constructor({ meshes, functions }: Pick<Module, 'meshes' | 'functions'>, prices: Prices) {
    const [mesh] = meshes;
    if (mesh === undefined) throw internalError('a layout table without a mesh');
    this.meshes = meshes;
    this.mesh = mesh;
    this.prices = prices;
    this.manual = new Set(functions.flatMap((f) => manualAxes(f.body)));
    this.freeAxes = mesh.axes.filter((a) => a.size > 1 && !this.manual.has(a.name)).map((a) => fullAxis(mesh, a.name));
  }

  /** The one closed layout with these axes. Where nothing is sharded, the order of devices does not matter. */
  of(
    dims: readonly (readonly AxisRef[])[],
    unreduced: readonly AxisRef[] = [],
    monoid: Monoid = 'sum',
    meshName = this.mesh.name,
  ): Layout {
    const mesh = unreduced.length === 0 && dims.every((d) => d.length === 0) ? this.mesh.name : meshName;
    const owed = unreduced.length < 2 ? unreduced : [...unreduced].sort((a, b) => (axisKey(a) < axisKey(b) ? -1 : 1));
    const key = `${mesh === this.mesh.name ? '' : mesh}${dims.length}:${dims.map(axesKey).join('|')}#${axesKey(owed)}${owed.length > 0 ? monoid : ''}`;
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      layout = layoutOf(mesh, dims, owed, monoid);
      this.layouts.set(key, layout);
      this.ids.set(layout, this.ids.size);
    }
    return layout;
  }

  /** A layout of the program, closed and cut to the largest even prefix of each dim's axes. */
  even(shape: readonly number[], layout: Layout): Layout {
    const dims = layout.dims.map((d, i) => evenPrefix(shape[i] as number, d.axes));
    return this.of(dims, layout.unreduced, layout.monoid, layout.mesh);
  }

  replicated(rank: number): Layout {
    return this.of(Array.from({ length: rank }, () => []));
  }

  id(layout: Layout): number {
    const id = this.ids.get(layout);
    if (id === undefined) throw new Error('a layout from another table');
    return id;
  }

  /** A padded value moves with as much padding as the two layouts need. */
  plan({ type, extents }: Moved, from: Layout, to: Layout): Plan {
    let known = this.plans.get(extents ?? type);
    if (known === undefined) this.plans.set(extents ?? type, (known = new Map()));
    const key = this.id(from) * 65536 + this.id(to);
    let plan = known.get(key);
    if (plan === undefined) {
      plan =
        from === to
          ? nothing
          : (planReshard(
              [this.named(from.mesh), this.named(to.mesh)],
              extents === undefined ? type.shape : leastExtents(type.shape, extents, from, to),
              DTYPES[type.dtype].bytes,
              from,
              to,
              this.prices,
              this.manual,
            ) ?? noPath);
      known.set(key, plan);
    }
    return plan;
  }

  /** The one for these sizes of a type; absent where nothing is padded. */
  extentsOf({ type, padding }: ValueInfo): Extents | undefined {
    if (padding === undefined) return undefined;
    const sizes = type.shape.map((n, d) => padding[d]?.size ?? n);
    const key = `${type.dtype}${type.shape.join('x')}:${sizes.join('x')}`;
    let extents = this.extents.get(key);
    if (extents === undefined) this.extents.set(key, (extents = { sizes }));
    return extents;
  }

  /** The same placement with nothing owed. */
  reduced(layout: Layout): Layout {
    return layout.unreduced.length === 0
      ? layout
      : this.of(
          layout.dims.map((d) => d.axes),
          [],
          'sum',
          layout.mesh,
        );
  }

  /** The same axes on the program's own mesh. */
  atHome(layout: Layout): Layout {
    return layout.mesh === this.mesh.name
      ? layout
      : this.of(
          layout.dims.map((d) => d.axes),
          layout.unreduced,
          layout.monoid,
        );
  }

  private named(name: string): Mesh {
    const mesh = this.meshes.find((m) => m.name === name);
    if (mesh === undefined) throw internalError(`there is no mesh @${name}`);
    return mesh;
  }
}

/** What a plan is for. */
export interface Moved {
  readonly type: TensorType;
  readonly extents?: Extents | undefined;
}

/** True sizes of a padded value's dims. */
export interface Extents {
  readonly sizes: readonly number[];
}

/** The least extents that both layouts divide: trim-padding leaves no more. */
function leastExtents(shape: readonly number[], { sizes }: Extents, from: Layout, to: Layout): number[] {
  return shape.map((padded, d) => {
    const size = sizes[d] as number;
    if (size === padded) return padded;
    const shards = lcm(axesSize(dimAxes(from, d)), axesSize(dimAxes(to, d)));
    return Math.min(padded, Math.ceil(size / shards) * shards);
  });
}

const manualAxes = (block: Block): string[] =>
  [...walkOps(block)].flatMap((op) => (op.kind === 'manual_computation' ? (op.attrs.manual_axes as string[]) : []));

export const closed = (layout: Layout): Layout => ({ ...layout, dims: layout.dims.map((d) => closedDim(d.axes)) });
