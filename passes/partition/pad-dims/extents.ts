/**
 * How long dims become. Dims that share a factor of an op must agree; such a class gets the least extent that divides by
 * all shards that its dims are in. A class whose dims all divide is left alone.
 *
 *   %h : f32[30, 77] @{x, y}   x=4, y=2      30 → 32, 77 → 78
 *   dims of 5 and 15 that a reshape ties together, the second over 2: the class grows by 6/5, to 6 and 18
 */
import { evenPrefix, gcd, lcm, wholePrefix } from '../../../ir/axes.ts';
import { type DimOf, DimUnion } from '../../../ir/dim-union.ts';
import { closedDim, dimAxes, type Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize } from '../../../ir/mesh.ts';
import type { Registry } from '../../../ir/op.ts';
import { type Func, type ValueId, valueInfo, walkOps } from '../../../ir/program.ts';
import { dimClasses, viewOf } from './classes.ts';

/** A dim, and shards that it should divide by. */
interface Asked extends DimOf {
  readonly shards: number;
}

export class Extents {
  private readonly func: Func;
  private readonly dims: DimUnion;
  /** Of classes that grow: the greatest common divisor of their dims' sizes, and what it becomes. */
  private readonly grown = new Map<number, { readonly unit: number; readonly padded: number }>();
  /** Dims that an op takes in as many shards as another of its dims, whatever lays them out. */
  private readonly along: readonly Asked[];
  /** Whole dims that could lie in as many shards as what they are cut from: for the layouts to choose. */
  private readonly cut: readonly Asked[];

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.along = dimsAlong(func, registry);
    this.cut = dimsCut(func);
    let uneven = this.cut.length > 0;
    this.each((_, size, shards) => {
      uneven ||= size % shards !== 0;
    });
    this.dims = uneven ? dimClasses(func, registry, true) : new DimUnion([]);
    if (uneven) this.choose();
  }

  get none(): boolean {
    return this.grown.size === 0;
  }

  of(id: ValueId, dim: number): number {
    const size = valueInfo(this.func, id).type.shape[dim] as number;
    const grown = this.grown.get(this.dims.of(id, dim));
    return grown === undefined ? size : (size / grown.unit) * grown.padded;
  }

  shape(id: ValueId): readonly number[] {
    return valueInfo(this.func, id).type.shape.map((_, d) => this.of(id, d));
  }

  /** The value's propagated layout where it has this shape: what of each dim's axes divides it, if worth using. */
  layout(id: ValueId, shape: readonly number[]): Layout | undefined {
    const { layout, type } = valueInfo(this.func, id);
    if (layout === undefined) return undefined;
    const dims = layout.dims.map((d, i) =>
      closedDim(evenPrefix(shape[i] as number, usable(type.shape[i] as number, d.axes)), d.priority),
    );
    return { ...layout, dims };
  }

  /** How an argument or result of the program is laid out. */
  boundary(layout: Layout, shape: readonly number[]): Layout {
    const dims = layout.dims.map((d, i) => closedDim(wholePrefix(shape[i] as number, d.axes), d.priority));
    return { ...layout, dims };
  }

  private choose(): void {
    const units = new Map<number, number>();
    const uneven = new Set<number>();
    this.each((dim, size, shards) => {
      const root = this.dims.of(dim.id, dim.dim);
      units.set(root, gcd(units.get(root) ?? 0, size));
      if (size % shards !== 0) uneven.add(root);
    });
    const [steps, whole] = [new Map<number, number>(), new Set<number>()];
    this.each((dim, size, shards) => {
      const root = this.dims.of(dim.id, dim.dim);
      const times = size / (units.get(root) as number);
      steps.set(root, lcm(steps.get(root) ?? 1, shards / gcd(shards, times)));
    });
    for (const { id, dim, shards } of this.cut) {
      const root = this.dims.of(id, dim);
      if (steps.get(root) === 1) whole.add(root);
      if (!whole.has(root)) continue;
      const times = (valueInfo(this.func, id).type.shape[dim] as number) / (units.get(root) as number);
      steps.set(root, lcm(steps.get(root) as number, shards / gcd(shards, times)));
      uneven.add(root);
    }
    for (const root of uneven) {
      const [unit, step] = [units.get(root) as number, steps.get(root) as number];
      this.grown.set(root, { unit, padded: Math.ceil(unit / step) * step });
    }
  }

  /** Every dim of every value that has a layout: its size and shards. */
  private each(visit: (dim: DimOf, size: number, shards: number) => void): void {
    this.func.values.forEach(({ type, layout }, id) => {
      if (layout === undefined) return;
      type.shape.forEach((size, dim) => {
        if (size > 0) visit({ id: id as ValueId, dim }, size, axesSize(usable(size, dimAxes(layout, dim))));
      });
    });
    for (const { id, dim, shards } of this.along)
      visit({ id, dim }, valueInfo(this.func, id).type.shape[dim] as number, shards);
  }
}

/**
 * What of a dim's axes is worth padding for. One element, or none, is not split; over more than twice as many shards as
 * there are elements most would hold padding only.
 */
export function usable(size: number, axes: readonly AxisRef[]): readonly AxisRef[] {
  if (size <= 1) return [];
  const kept: AxisRef[] = [];
  let left = 2 * size;
  for (const axis of axes) {
    let part = axis.size;
    while (part > left || axis.size % part !== 0) part--;
    if (part > 1 || axis.size === 1) kept.push({ ...axis, size: part });
    if (part < axis.size) break;
    left = Math.floor(left / part);
  }
  return kept;
}

/**
 * Where neighbours exchange parts of several operands (`split`), these lie in equally many shards: those of the gradient
 * of a max pool, which may be a constant, in as many as the pool's operand.
 */
function dimsAlong(func: Func, registry: Registry): Asked[] {
  const found: Asked[] = [];
  for (const op of walkOps(func.body)) {
    const rule = registry[op.kind]?.split?.(viewOf(func, op));
    rule?.factors.forEach(({ kind }, f) => {
      if (kind !== 'permute') return;
      const dims = [
        ...op.operands.map((id, i) => [id, rule.operands[i]] as const),
        ...op.results.map((id, i) => [id, rule.results[i]] as const),
      ].flatMap(([id, tensor]) => (tensor ?? []).flatMap((held, dim) => (held.includes(f) ? [{ id, dim }] : [])));
      const shards = Math.max(...dims.map((d) => shardsOf(func, d)));
      for (const d of dims) {
        const size = valueInfo(func, d.id).type.shape[d.dim] as number;
        if (shardsOf(func, d) < shards && size > 1 && shards <= 2 * size) found.push({ ...d, shards });
      }
    });
  }
  return found;
}

/** Whole dims that slices make of dims in shards: each shard may cut its own, and the pieces be gathered. */
function dimsCut(func: Func): Asked[] {
  return [...walkOps(func.body)].flatMap(({ kind, operands, results }) => {
    if (kind !== 'slice') return [];
    const [from, id] = [operands[0] as ValueId, results[0] as ValueId];
    return valueInfo(func, id).type.shape.flatMap((size, dim): Asked[] => {
      const shards = shardsOf(func, { id: from, dim });
      const isWhole = size > 1 && shards > 1 && shards <= 2 * size && shardsOf(func, { id, dim }) === 1;
      return isWhole && size % shards !== 0 ? [{ id, dim, shards }] : [];
    });
  });
}

function shardsOf(func: Func, { id, dim }: DimOf): number {
  const { layout, type } = valueInfo(func, id);
  return layout === undefined ? 1 : axesSize(usable(type.shape[dim] as number, dimAxes(layout, dim)));
}
