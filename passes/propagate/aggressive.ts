/**
 * The aggressive strategy: where factors or tensors disagree, a fixed order decides, tensor by tensor (Shardy,
 * aggressive_factor_propagation.cc). It is what XLA runs.
 *
 *   dot  {x, ?} · {?, x}  → {?, ?}     gives    → {x?, ?}: the factor of the larger source comes first
 */
import { prefixStatus } from '../../ir/axes.ts';
import type { FactorRule } from '../../ir/factors.ts';
import { type AxisRef, axesSize } from '../../ir/mesh.ts';
import { compatibleMajorAxes, expand, fitsFactor, freeOfOtherFactors, truncate } from './basic.ts';
import type { Projection, TensorProjection } from './projection.ts';
import { along, type Strategy } from './strategy.ts';

export const aggressive: Strategy = (rule, projection, directions, ends) => {
  const compatible = rule.factors.map((_, f) => compatibleMajorAxes(projection, f, along(directions, f)));
  const { operands, results } = projection;
  if (![...operands, ...results].some((t) => mayGrow(t, compatible))) return null;
  const order = factorOrder(rule, projection, compatible);
  const grown = (
    tensor: TensorProjection,
    limit: (f: number, axes: readonly AxisRef[]) => readonly AxisRef[],
  ): boolean => {
    let changed = false;
    for (const f of order) {
      const axes = taken(rule, tensor, f, compatible[f] as readonly AxisRef[], ends);
      if (axes.length > 0 && expand(tensor, f, limit(f, axes))) changed = true;
    }
    return changed;
  };
  const changedResults = results.map((t) => grown(t, (_, axes) => axes));
  const beside = rule.elementwise === true ? results : [];
  const changedOperands = operands.map((t) => grown(t, (f, axes) => notBeyond(beside, f, axes)));
  const changed = [...changedOperands, ...changedResults];
  return changed.includes(true) ? changed : null;
};

/** Cheap test before the sort: has any factor of the tensor less than what is agreed on? */
function mayGrow(tensor: TensorProjection, compatible: readonly (readonly AxisRef[])[]): boolean {
  for (let f = 0; f < compatible.length; f++) {
    const axes = compatible[f] as readonly AxisRef[];
    const held = tensor.factors[f];
    if (axes.length > 0 && held !== undefined && prefixStatus(held.axes, axes) === 'strict') return true;
  }
  return false;
}

/** What the tensor takes of the agreed axes, given what its other factors took before; empty = nothing new. */
function taken(
  rule: FactorRule,
  tensor: TensorProjection,
  f: number,
  agreed: readonly AxisRef[],
  ends: ((axis: AxisRef) => boolean) | undefined,
): readonly AxisRef[] {
  const held = tensor.factors[f];
  if (held === undefined || agreed.length === 0) return [];
  const size = rule.factors[f]?.size ?? 1;
  const axes = truncate(agreed, (axis, sharded) => fitsFactor(axis, tensor, held, sharded, size), ends);
  if (prefixStatus(held.axes, axes) !== 'strict') return [];
  return truncate(axes, (axis) => freeOfOtherFactors(axis, tensor, f), ends);
}

/** Elementwise: no operand is sharded beyond a result, lest `{x} + {} → {}` (closed) spread x sideways. */
function notBeyond(results: readonly TensorProjection[], f: number, axes: readonly AxisRef[]): readonly AxisRef[] {
  let limit = axes;
  for (const result of results) {
    const held = result.factors[f];
    if (held !== undefined && prefixStatus(held.axes, limit) === 'strict') limit = held.axes;
  }
  return limit;
}

interface Source {
  readonly size: number;
  readonly tensor: number;
}

/**
 * Factors whose axes come from the larger tensor first; for elementwise ops then the more sharded; then the earlier
 * tensor (operands before results) and the earlier factor.
 */
function factorOrder(rule: FactorRule, projection: Projection, compatible: readonly (readonly AxisRef[])[]): number[] {
  const sources = sourcesOf(rule, [...projection.operands, ...projection.results], compatible);
  const shards = compatible.map((axes) => (rule.elementwise === true ? axesSize(axes) : 0));
  return compatible
    .map((_, f) => f)
    .sort((i, j) => {
      const [a, b] = [sources[i] as Source, sources[j] as Source];
      return b.size - a.size || (shards[j] as number) - (shards[i] as number) || a.tensor - b.tensor || i - j;
    });
}

/** Per factor the largest tensor that has all of the agreed axes, the first of equals. */
function sourcesOf(
  rule: FactorRule,
  tensors: readonly TensorProjection[],
  compatible: readonly (readonly AxisRef[])[],
): Source[] {
  const found: Source[] = compatible.map(() => ({ size: -1, tensor: -1 }));
  tensors.forEach((tensor, t) => {
    const size = tensor.factors.reduce((n, held, f) => (held === undefined ? n : n * (rule.factors[f]?.size ?? 1)), 1);
    tensor.factors.forEach((held, f) => {
      const axes = compatible[f] as readonly AxisRef[];
      if (held === undefined || axes.length === 0 || prefixStatus(axes, held.axes) === 'none') return;
      if (size > (found[f] as Source).size) found[f] = { size, tensor: t };
    });
  });
  return found;
}
