/** Layouts seen through a factor rule: per tensor and factor, the axes it has (Shardy, sharding_projection.cc). */
import type { DimFactors, FactorRule } from '../../ir/factors.ts';
import { type DimSharding, type Layout, openDim } from '../../ir/layout.ts';
import { type AxisRef, axesSize } from '../../ir/mesh.ts';
import { mergeNeighbours } from '../partition/axis-atoms.ts';

export interface FactorSharding {
  axes: readonly AxisRef[];
  readonly closed: boolean;
  readonly minorMost: boolean;
  /** Axes that do not divide the factor: nothing may follow them. */
  readonly overflow: readonly AxisRef[];
}

export interface TensorProjection {
  readonly dims: readonly DimFactors[];
  /** Factors not held by the tensor are absent. */
  readonly factors: Map<number, FactorSharding>;
  readonly replicated: readonly AxisRef[];
  readonly unreduced: readonly AxisRef[];
}

export function projectTensor(rule: FactorRule, dims: readonly DimFactors[], layout: Layout | undefined): TensorProjection {
  const factors = new Map<number, FactorSharding>();
  dims.forEach((held, d) => projectDim(rule, held, layout?.dims[d] ?? openDim(), factors));
  return { dims, factors, replicated: layout?.replicated ?? [], unreduced: layout?.unreduced ?? [] };
}

/** Hands a dim's axes to its factors, major to minor, splitting an axis where a factor takes only part of it. */
function projectDim(rule: FactorRule, held: DimFactors, dim: DimSharding, found: Map<number, FactorSharding>): void {
  const rest = [...dim.axes];
  held.forEach((f, i) => {
    const minorMost = i === held.length - 1;
    const closed = !dim.open;
    if (minorMost) {
      found.set(f, { axes: rest.splice(0), closed, minorMost, overflow: [] });
      return;
    }
    const taken: AxisRef[] = [];
    let room = rule.factors[f]?.size ?? 1;
    while (room > 1 && rest.length > 0) {
      const axis = rest[0] as AxisRef;
      const g = gcd(room, axis.size);
      if (g === 1) break;
      taken.push({ name: axis.name, pre: axis.pre, size: g });
      if (g === axis.size) rest.shift();
      else rest[0] = { name: axis.name, pre: axis.pre * g, size: axis.size / g };
      room /= g;
    }
    const overflow = room > 1 ? rest.splice(0) : [];
    found.set(f, { axes: taken, closed, minorMost, overflow });
  });
}

/** The layout that a projection stands for; open/closed and priorities are those the value had. */
export function layoutOfProjection(rule: FactorRule, tensor: TensorProjection, mesh: string, before: Layout | undefined): Layout {
  const dims = tensor.dims.map((held, d): DimSharding => {
    const axes: AxisRef[] = [];
    for (const f of held) {
      const sharding = tensor.factors.get(f);
      if (sharding === undefined) break;
      axes.push(...sharding.axes);
      if (sharding.overflow.length > 0) {
        axes.push(...sharding.overflow);
        break;
      }
      if (axesSize(sharding.axes) !== rule.factors[f]?.size) break;
    }
    const old = before?.dims[d] ?? openDim();
    return { ...old, axes: mergeNeighbours(axes) };
  });
  return { mesh, dims, replicated: tensor.replicated, unreduced: tensor.unreduced, ...(before?.monoid === undefined ? {} : { monoid: before.monoid }) };
}

export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
