/**
 * Propagation through one op, along its factors (Shardy, basic_ and aggressive_factor_propagation.cc).
 *
 * Per factor: the longest list of axes that all tensors agree on. Then factors in a fixed order (larger source tensor
 * first) are written into each tensor as far as that tensor allows: open dims, no axis twice, sizes that divide.
 */
import type { FactorRule } from '../../ir/factors.ts';
import { type AxisRef, axesSize, overlaps, sameAxis } from '../../ir/mesh.ts';
import { gcd, type TensorProjection } from './projection.ts';

export type Direction = 'none' | 'forward' | 'backward' | 'both';

/** Expands the projections in place; returns which tensors (operands first, then results) changed. */
export function propagateFactors(rule: FactorRule, operands: readonly TensorProjection[], results: readonly TensorProjection[], direction: (factor: number) => Direction): Set<number> {
  const tensors = [...operands, ...results];
  const isResult = (t: number): boolean => t >= operands.length;
  const compatible = rule.factors.map((_, f) => compatibleAxes(tensors, isResult, f, direction(f)));
  const order = factorOrder(rule, tensors, compatible);
  const changed = new Set<number>();
  const visit = [...results.map((_, i) => operands.length + i), ...operands.map((_, i) => i)];
  for (const t of visit) {
    const tensor = tensors[t] as TensorProjection;
    for (const f of order) {
      const wanted = compatible[f] as readonly AxisRef[];
      if (direction(f) === 'none' || !expand(rule, tensor, f, notBeyondResults(rule, tensors, operands.length, t, f, wanted))) continue;
      changed.add(t);
    }
  }
  return changed;
}

/** The list that either equals or extends what each tensor has; a disagreement ends it, and ends all growing. */
function compatibleAxes(tensors: readonly TensorProjection[], isResult: (t: number) => boolean, f: number, direction: Direction): readonly AxisRef[] {
  let found: readonly AxisRef[] = [];
  let mayGrow = true;
  tensors.forEach((tensor, t) => {
    const axes = tensor.factors.get(f)?.axes;
    if (axes === undefined) return;
    const grows = direction === 'both' || (direction === 'forward' ? !isResult(t) : direction === 'backward' ? isResult(t) : false);
    const common = commonPrefix(found, axes);
    if (common.length < found.length && common.length < axes.length) {
      found = common;
      mayGrow = false;
    } else if (axes.length > found.length && grows && mayGrow) found = axes;
  });
  return found;
}

function commonPrefix(a: readonly AxisRef[], b: readonly AxisRef[]): readonly AxisRef[] {
  let n = 0;
  while (n < a.length && n < b.length && sameAxis(a[n] as AxisRef, b[n] as AxisRef)) n++;
  return n === a.length ? a : a.slice(0, n);
}

/** Elementwise: an operand is not sharded further than the results that hold the factor. */
function notBeyondResults(rule: FactorRule, tensors: readonly TensorProjection[], operandCount: number, t: number, f: number, wanted: readonly AxisRef[]): readonly AxisRef[] {
  if (rule.elementwise !== true || t >= operandCount) return wanted;
  const result = tensors.slice(operandCount).find((r) => r.factors.has(f));
  return result === undefined ? wanted : commonPrefix(wanted, result.factors.get(f)?.axes ?? []);
}

/** Writes as much of `wanted` as the tensor allows; true if it grew. */
function expand(rule: FactorRule, tensor: TensorProjection, f: number, wanted: readonly AxisRef[]): boolean {
  const held = tensor.factors.get(f);
  if (held === undefined || wanted.length < held.axes.length || commonPrefix(held.axes, wanted).length < held.axes.length) return false;
  const others = [...tensor.factors].flatMap(([g, s]) => (g === f ? [] : [...s.axes, ...s.overflow]));
  const kept: AxisRef[] = [...held.axes];
  const size = rule.factors[f]?.size ?? 1;
  for (const axis of wanted.slice(kept.length)) {
    if (held.closed || held.overflow.length > 0) break;
    if ([...tensor.replicated, ...tensor.unreduced, ...others].some((o) => overlaps(o, axis))) break;
    if (held.minorMost) {
      kept.push(axis);
      continue;
    }
    const room = size / axesSize(kept);
    const g = Number.isInteger(room) ? gcd(room, axis.size) : 1;
    if (g === 1) break;
    kept.push(g === axis.size ? axis : { name: axis.name, pre: axis.pre, size: g });
    if (g !== axis.size) break;
  }
  if (kept.length <= held.axes.length) return false;
  held.axes = kept;
  return true;
}

/** Larger source tensor first; among elementwise ops more sharded first; then earlier tensor, earlier factor. */
function factorOrder(rule: FactorRule, tensors: readonly TensorProjection[], compatible: readonly (readonly AxisRef[])[]): number[] {
  const keys = compatible.map((axes, f) => {
    let best = { size: -1, tensor: tensors.length };
    tensors.forEach((tensor, t) => {
      const held = tensor.factors.get(f);
      if (held === undefined || commonPrefix(axes, held.axes).length < axes.length) return;
      const size = [...tensor.factors.keys()].reduce((n, g) => n * (rule.factors[g]?.size ?? 1), 1);
      if (size > best.size) best = { size, tensor: t };
    });
    return { f, ...best, axes: axesSize(axes), empty: axes.length === 0 };
  });
  return keys
    .filter((k) => !k.empty)
    .sort((a, b) => b.size - a.size || (rule.elementwise === true ? b.axes - a.axes : 0) || a.tensor - b.tensor || a.f - b.f)
    .map((k) => k.f);
}
