/** Layouts seen through a factor rule: per tensor and factor, the axes it has (Shardy, sharding_projection.cc). */
import { appendMerged, gcd, mergeNeighbours } from '../../ir/axes.ts';
import type { DimFactors, FactorRule } from '../../ir/factors.ts';
import type { DimSharding, Layout } from '../../ir/layout.ts';
import { type AxisRef, axesSize } from '../../ir/mesh.ts';

export interface FactorSharding {
  axes: readonly AxisRef[];
  readonly closed: boolean;
  /** The last factor of its dim: it alone may be sharded unevenly. */
  readonly minorMost: boolean;
  /** Axes after `axes` that do not divide the factor: nothing may follow them. */
  readonly overflow: readonly AxisRef[];
}

export interface TensorProjection {
  readonly dims: readonly DimFactors[];
  /** By factor; undefined = the tensor does not hold it. */
  readonly factors: readonly (FactorSharding | undefined)[];
  readonly replicated: readonly AxisRef[];
  readonly unreduced: readonly AxisRef[];
}

/** An op's tensors; propagation expands `axes` in place. */
export interface Projection {
  readonly operands: readonly TensorProjection[];
  readonly results: readonly TensorProjection[];
}

const NONE: readonly AxisRef[] = [];

/** No layout is an open one without axes. */
export function projectTensor(
  rule: FactorRule,
  dims: readonly DimFactors[],
  layout: Layout | undefined,
): TensorProjection {
  const factors = new Array<FactorSharding | undefined>(rule.factors.length).fill(undefined);
  for (let d = 0; d < dims.length; d++) projectDim(rule, dims[d] as DimFactors, layout?.dims[d], factors);
  return { dims, factors, replicated: layout?.replicated ?? NONE, unreduced: layout?.unreduced ?? NONE };
}

/**
 * Hands a dim's axes to its factors, major to minor; an axis is split where a factor takes only part of it.
 *
 *   dim 12 = [i=3, j=4] with {x=3, y=8}:  i: x, j: y        with {y=8}: i: overflow y, j: closed
 */
function projectDim(
  rule: FactorRule,
  held: DimFactors,
  dim: DimSharding | undefined,
  found: (FactorSharding | undefined)[],
): void {
  const closed = dim?.open === false;
  let rest: readonly AxisRef[] = dim?.axes ?? NONE;
  for (let i = 0; i < held.length; i++) {
    const minorMost = i === held.length - 1;
    if (minorMost) {
      found[held[i] as number] = { axes: held.length === 1 ? rest : merged(rest), closed, minorMost, overflow: NONE };
      return;
    }
    const part = takeWhole(rest, rule.factors[held[i] as number]?.size ?? 1);
    const overflow = part.room > 1 ? merged(part.rest) : NONE;
    found[held[i] as number] = { axes: part.taken, closed, minorMost, overflow };
    if (overflow.length > 0) {
      const next = held[i + 1] as number;
      found[next] = { axes: NONE, closed: true, minorMost: i + 2 === held.length, overflow: NONE };
      return;
    }
    rest = part.rest;
  }
}

/** The major axes, the last perhaps split, that divide a factor; what stays of both. */
function takeWhole(
  axes: readonly AxisRef[],
  size: number,
): { taken: AxisRef[]; rest: readonly AxisRef[]; room: number } {
  const taken: AxisRef[] = [];
  let rest = axes;
  let room = size;
  for (let axis = rest[0]; axis !== undefined; axis = rest[0]) {
    const g = gcd(room, axis.size);
    if (g === 1 && axis.size !== 1) break;
    taken.push(g === axis.size ? axis : { name: axis.name, pre: axis.pre, size: g });
    rest = rest.slice(1);
    if (g !== axis.size) rest = [{ name: axis.name, pre: axis.pre * g, size: axis.size / g }, ...rest];
    room /= g;
  }
  return { taken, rest, room };
}

const merged = (axes: readonly AxisRef[]): readonly AxisRef[] => (axes.length < 2 ? axes : mergeNeighbours(axes));

/**
 * The layout that a projection stands for. A dim ends at a factor with overflow, or at one not fully sharded: what would
 * follow needs a strided view. (Shardy, TensorFactorShardings::createTensorShardingAttr.)
 */
export function layoutOfProjection(
  rule: FactorRule,
  tensor: TensorProjection,
  mesh: string,
  before: Layout | undefined,
): Layout {
  return {
    mesh,
    dims: tensor.dims.map((held) => dimOf(rule, held, tensor)),
    replicated: tensor.replicated,
    unreduced: tensor.unreduced,
    ...(before?.monoid === undefined ? {} : { monoid: before.monoid }),
  };
}

function dimOf(rule: FactorRule, held: DimFactors, tensor: TensorProjection): DimSharding {
  const axes: AxisRef[] = [];
  let open = true;
  for (const f of held) {
    const sharding = tensor.factors[f];
    if (sharding === undefined) break;
    if (sharding.closed) open = false;
    appendAll(axes, sharding.axes);
    appendAll(axes, sharding.overflow);
    if (sharding.overflow.length > 0 || axesSize(sharding.axes) < (rule.factors[f]?.size ?? 1)) break;
  }
  return { axes, open, priority: 0 };
}

/** Merged at the boundary of two factors only. */
function appendAll(axes: AxisRef[], more: readonly AxisRef[]): void {
  more.forEach((axis, i) => {
    if (i === 0) appendMerged(axes, axis);
    else axes.push(axis);
  });
}
