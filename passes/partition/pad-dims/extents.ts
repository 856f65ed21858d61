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
import { collectives } from '../../../ir/ops/collectives.ts';
import type { OpView, Registry } from '../../../ir/op.ts';
import { type Block, type Func, isStructural, type Op, type ValueId, valueInfo, walkOps } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import { majorOf, padView } from './joins.ts';

export class Extents {
  private readonly func: Func;
  private readonly dims: DimUnion;
  /** Of classes that grow: the greatest common divisor of their dims' sizes, and what it becomes. */
  private readonly grown = new Map<number, { readonly unit: number; readonly padded: number }>();
  /** Dims that an op takes in as many shards as another of its dims, whatever lays them out. */
  private readonly along: readonly (DimOf & { readonly shards: number })[];

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.dims = new DimUnion(func.values.map((v) => v.type));
    this.along = dimsAlong(func, registry);
    let uneven = false;
    this.each((_, size, shards) => {
      uneven ||= size % shards !== 0;
    });
    if (!uneven) return;
    joinDims(func, registry, this.dims);
    this.choose();
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
    this.each((root, size, shards) => {
      units.set(root, gcd(units.get(root) ?? 0, size));
      if (size % shards !== 0) uneven.add(root);
    });
    const steps = new Map<number, number>();
    this.each((root, size, shards) => {
      const times = size / (units.get(root) as number);
      steps.set(root, lcm(steps.get(root) ?? 1, shards / gcd(shards, times)));
    });
    for (const root of uneven) {
      const [unit, step] = [units.get(root) as number, steps.get(root) as number];
      this.grown.set(root, { unit, padded: Math.ceil(unit / step) * step });
    }
  }

  /** Every dim of every value that has a layout: its class, size and shards. */
  private each(visit: (root: number, size: number, shards: number) => void): void {
    this.func.values.forEach(({ type, layout }, id) => {
      if (layout === undefined) return;
      type.shape.forEach((size, dim) => {
        if (size > 0) visit(this.dims.of(id as ValueId, dim), size, axesSize(usable(size, dimAxes(layout, dim))));
      });
    });
    for (const { id, dim, shards } of this.along)
      visit(this.dims.of(id, dim), valueInfo(this.func, id).type.shape[dim] as number, shards);
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
function dimsAlong(func: Func, registry: Registry): (DimOf & { readonly shards: number })[] {
  const found: (DimOf & { readonly shards: number })[] = [];
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

function shardsOf(func: Func, { id, dim }: DimOf): number {
  const { layout, type } = valueInfo(func, id);
  return layout === undefined ? 1 : axesSize(usable(type.shape[dim] as number, dimAxes(layout, dim)));
}

// --- classes --------------------------------------------------------------------------------------------------------

function joinDims(func: Func, registry: Registry, dims: DimUnion): void {
  const blocks: Block[] = [func.body];
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    for (const op of block.ops) {
      if (op.kind === 'while' || op.kind === 'case' || op.kind === 'manual_computation') blocks.push(...op.regions);
      if (isStructural(op)) joinStructural(func, op, dims);
      else joinByFactors(func, op, registry, dims);
    }
  }
}

function joinStructural(func: Func, op: Op, dims: DimUnion): void {
  const joinLists = (a: readonly ValueId[], b: readonly ValueId[]): void =>
    a.forEach((v, i) => dims.joinAll(v, b[i] as ValueId));
  const returned = (block: Block | undefined): readonly ValueId[] => block?.ops.at(-1)?.operands ?? [];
  switch (op.kind) {
    case 'while': {
      const [cond, body] = op.regions as readonly [Block, Block];
      for (const list of [op.operands, cond.params, body.params, returned(body)]) joinLists(op.results, list);
      return;
    }
    case 'case':
      for (const branch of op.regions) joinLists(op.results, returned(branch));
      return;
    case 'manual_computation': {
      const body = op.regions[0] as Block;
      const joinUnsplit = (a: ValueId, b: ValueId): void =>
        valueInfo(func, a).type.shape.forEach((size, dim) => {
          if (size === valueInfo(func, b).type.shape[dim]) dims.join({ id: a, dim }, { id: b, dim });
        });
      op.operands.forEach((v, i) => joinUnsplit(v, body.params[i] as ValueId));
      op.results.forEach((r, i) => joinUnsplit(r, returned(body)[i] as ValueId));
      return;
    }
    case 'optimization_barrier':
    case 'sharding_constraint':
    case 'reshard':
      joinLists(op.results, op.operands);
      return;
    default:
  }
}

function joinByFactors(func: Func, op: Op, registry: Registry, dims: DimUnion): void {
  const def = registry[op.kind] ?? collectives[op.kind];
  if (def === undefined) return;
  const { rule, pads } = padView(def, viewOf(func, op));
  const first = new Map<number, DimOf>();
  const visit = (ids: readonly ValueId[], tensors: typeof rule.operands): void =>
    ids.forEach((id, t) =>
      tensors[t]?.forEach((held, dim) => {
        const f = majorOf(rule, held);
        const pad = f === undefined ? null : pads[f];
        if (f === undefined || pad === null || pad === undefined || pad.apart !== undefined) return;
        const other = first.get(f);
        if (other === undefined) first.set(f, { id, dim });
        else dims.join(other, { id, dim });
      }),
    );
  visit(op.operands, rule.operands);
  visit(op.results, rule.results);
}

export function viewOf(func: Func, { kind, attrs, regions, operands, results }: Op): OpView {
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  return { kind, attrs, regions, operands: types(operands), results: types(results) };
}
