/**
 * Which axis a step of propagation brought from which tensor of an op to which (Shardy: debugging/source_sharding.cc).
 * What debug-origins.ts and debug-edges.ts write down follows from these.
 */
import { appendMerged, axisKey, prefixStatus } from '../../ir/axes.ts';
import { type AxisRef, sameAxes, sameAxis } from '../../ir/mesh.ts';
import type { Projection, TensorProjection } from '../propagate/projection.ts';

/** A tensor of an op: operand or result, by number. */
export interface Place {
  readonly side: 'operand' | 'result';
  readonly index: number;
}

export interface Arrival {
  readonly axis: AxisRef;
  readonly source: Place;
  readonly target: Place;
}

/** Everything that arrived in a step: operands' first, per tensor dim by dim. */
export function arrivals(before: Projection, after: Projection): Arrival[] {
  const side = (
    which: 'operand' | 'result',
    was: readonly TensorProjection[],
    is: readonly TensorProjection[],
  ): Arrival[] =>
    is.flatMap((tensor, index) =>
      tensorArrivals(before, was[index] as TensorProjection, tensor, { side: which, index }),
    );
  return [...side('operand', before.operands, after.operands), ...side('result', before.results, after.results)];
}

function tensorArrivals(before: Projection, was: TensorProjection, is: TensorProjection, target: Place): Arrival[] {
  const found = new Map<string, Arrival>();
  for (const held of is.dims) {
    let previous: AxisRef | undefined;
    for (const f of held) {
      const [old, now] = [was.factors[f]?.axes ?? [], is.factors[f]?.axes ?? []];
      const last = now.at(-1);
      if (last === undefined || sameAxes(old, now)) continue;
      const joined = previous === undefined ? undefined : continuation(previous, last);
      if (previous !== undefined && joined !== undefined) found.delete(axisKey(previous));
      const source = sourceOf(before, f, now);
      previous = last;
      if (source === undefined) continue;
      for (const axis of grown(old, joined === undefined ? now : [...now.slice(0, -1), joined]))
        if (!found.has(axisKey(axis))) found.set(axisKey(axis), { axis, source, target });
    }
  }
  return [...found.values()];
}

/** Neighbouring sub-axes of one axis as one; undefined where they are not neighbours. */
function continuation(a: AxisRef, b: AxisRef): AxisRef | undefined {
  const axes = [a];
  appendMerged(axes, b);
  return axes.length === 1 ? axes[0] : undefined;
}

/** The first tensor, operands first, that had the axes, or more of them, before. */
function sourceOf(before: Projection, factor: number, axes: readonly AxisRef[]): Place | undefined {
  const holds = (t: TensorProjection): boolean => {
    const held = t.factors[factor];
    return held !== undefined && prefixStatus(axes, held.axes) !== 'none';
  };
  const operand = before.operands.findIndex(holds);
  if (operand >= 0) return { side: 'operand', index: operand };
  const result = before.results.findIndex(holds);
  return result >= 0 ? { side: 'result', index: result } : undefined;
}

/** Axes that are new, or larger sub-axes than before. */
function grown(old: readonly AxisRef[], now: readonly AxisRef[]): AxisRef[] {
  const last = old.length - 1;
  const [was, is] = [old[last], now[last]];
  const larger = was !== undefined && is !== undefined && !sameAxis(was, is) ? [is] : [];
  return [...larger, ...now.slice(old.length)];
}
