/**
 * How far the work of a dot or convolution is split, by propagated layouts (a decision does not change what may be decided).
 * Bytes are not bought with redundant compute, but where XLA computes redundantly too, so we compute no more than it does
 * (dot_handler.cc: groups by free dims that the result has, then by contracting dims that both operands have):
 *
 *   dot %a @{_, y}, %b @{_, _} → @{_, _}    // %a no larger than the result: repeatable along y, all_gather %a, all of it on
 *                                           // each device; computing on shards and summing moves at least twice as much
 *   dot %a @{_, _}, %b @{_, y} → @{_, _}    // %b no larger: repeatable along y, over which the result would be gathered
 *   dot %a @{_, y}, %b @{x, y} → @{_, y}    // %b no larger: along x, as the result leaves no y to %a's contracting dim
 *   dot %a @{_, x}, %b @{y, _} → @{_, _}    // no larger: %a along x, %b along y, where x and y are not as many shards
 *   dot %a @{x, _}, %b @{x, _} → @{x, _}    // %b larger, y idle: spare y for the contracting dim, %a @{x, y}, %b @{y, _}
 */
import type { FactorRule } from '../../../ir/factors.ts';
import type { Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, overlaps } from '../../../ir/mesh.ts';
import type { OpView } from '../../../ir/op.ts';
import { byteSize, type TensorType } from '../../../ir/types.ts';
import { project } from '../assignment.ts';

export interface DotWork {
  /** Axes along which it may be computed redundantly. */
  readonly repeatable: readonly AxisRef[];
  /** Idle axes that a contracting factor has to take where they are free, as its own serve another dim. */
  readonly spare: { readonly factor: number; readonly axes: readonly AxisRef[] } | undefined;
}

export const noDot: DotWork = { repeatable: [], spare: undefined };

/** `view`: at true sizes, as no padding is bought or sold; `free`: the mesh's axes that the program lays out. */
export function dotWork(
  rule: FactorRule,
  view: Pick<OpView, 'operands' | 'results'>,
  operands: readonly Layout[],
  results: readonly Layout[],
  free: readonly AxisRef[],
): DotWork {
  const [result] = results;
  if (result === undefined) return noDot;
  const held = localBytes(view.results[0] as TensorType, result);
  const repeatable: AxisRef[] = [];
  let spare: DotWork['spare'];
  const sides = operands.map((layout, i): Side => {
    const factors = project(rule, rule.operands[i] ?? [], layout);
    const [summed, kept] = [true, false].map((reduce) =>
      factors.flatMap((axes, f) => ((rule.factors[f]?.kind === 'reduce') === reduce ? axes : [])),
    ) as [AxisRef[], AxisRef[]];
    return { layout, factors, summed, kept };
  });
  sides.forEach((side, i) => {
    const { layout, factors } = side;
    const others = sides.filter((s) => s !== side);
    const kept = [...axesOf(result), ...others.flatMap((s) => s.kept)];
    const summed = others.flatMap((s) => s.summed);
    const gathered = (axes: readonly AxisRef[]): number =>
      localBytes(view.operands[i] as TensorType, layout) * axesSize(axes);
    const gathers = others.every((other) => isGathered(side, other, result, free));
    factors.forEach((axes, factor) => {
      if (axes.length === 0) return;
      const small = gathered(axes) <= held;
      if (rule.factors[factor]?.kind !== 'reduce') {
        if (small) repeatable.push(...axes.filter((a) => isApart(a, [...kept, ...summed])));
      } else if (small) {
        if (gathers) repeatable.push(...axes.filter((a) => isApart(a, kept)));
      } else if (!axes.every((a) => isApart(a, [...kept, ...summed])) && !sides.every((s) => s.factors[factor]?.length))
        spare = spareFor(rule, factor, axes, free, [...sides.map((s) => s.layout), result].flatMap(axesOf)) ?? spare;
    });
  });
  return { repeatable, spare };
}

/** An operand: axes per factor, those of its contracting dims and those of the others. */
interface Side {
  readonly layout: Layout;
  readonly factors: readonly (readonly AxisRef[])[];
  readonly summed: readonly AxisRef[];
  readonly kept: readonly AxisRef[];
}

/**
 * Does XLA gather an operand that is no larger than the result, and sharded on contracting dims, rather than compute on its
 * shards? Measured on XLA, all layouts of two operands on meshes of two and three axes:
 *
 * - the other is whole on its contracting dims: yes;
 * - it has other axes there, which the result has not: unless both are as many shards;
 * - the result has these axes: devices are grouped by the result's dims that do, and the other takes another axis for the
 *   groups where so much of it is replicated. Then unless this one is split over all of a group; without, yes.
 */
function isGathered(side: Side, other: Side, result: Layout, free: readonly AxisRef[]): boolean {
  if (other.summed.length === 0) return true;
  if (!side.summed.every((a) => isApart(a, axesOf(result)))) return false;
  const groups = result.dims.flatMap(({ axes }) => (axes.every((a) => isApart(a, other.summed)) ? [] : [...axes]));
  if (groups.length === 0) return axesSize(side.summed) !== axesSize(other.summed);
  if (other.summed.some((a) => isApart(a, groups))) return false;
  const copies = axesSize(free) / axesSize(axesOf(other.layout));
  return copies % axesSize(groups) !== 0 || axesSize(side.summed) !== axesSize(free) / axesSize(groups);
}

const isApart = (axis: AxisRef, axes: readonly AxisRef[]): boolean => !axes.some((a) => overlaps(axis, a));

/** Idle axes that divide the factor, if they are no fewer devices than what it loses. */
function spareFor(
  rule: FactorRule,
  factor: number,
  lost: readonly AxisRef[],
  free: readonly AxisRef[],
  used: readonly AxisRef[],
): DotWork['spare'] {
  const size = rule.factors[factor]?.size ?? 1;
  const axes: AxisRef[] = [];
  for (const axis of free)
    if (isApart(axis, used) && size % (axesSize(axes) * axis.size) === 0) axes.push(axis);
  return axes.length > 0 && axesSize(axes) >= axesSize(lost) ? { factor, axes } : undefined;
}

const axesOf = (layout: Layout): AxisRef[] => layout.dims.flatMap((d) => [...d.axes]);

const localBytes = (type: TensorType, layout: Layout): number => byteSize(type) / axesSize(axesOf(layout));
