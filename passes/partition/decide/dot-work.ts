/**
 * How far the work of a dot or convolution is split, by propagated layouts (a decision does not change what may be decided).
 * Bytes are not bought with redundant compute, but where XLA computes redundantly too, so we compute no more than it does
 * (dot_handler.cc: groups by free dims that the result has, then by contracting dims that both operands have):
 *
 *   dot %a @{_, y}, %b @{_, _} → @{_, _}    // %a no larger than the result: repeatable along y, all_gather %a, all of it on
 *                                           // each device; computing on shards and summing moves at least twice as much
 *   dot %a @{_, _}, %b @{_, y} → @{_, _}    // %b no larger: repeatable along y, over which the result would be gathered
 *   dot %a @{_, y}, %b @{x, y} → @{_, y}    // %b no larger: along x, as the result leaves no y to %a's contracting dim
 *   dot %a @{_, x}, %b @{y, _} → @{_, _}    // %a along x and %b along y, where x and y are not as many shards
 *   dot %a @{x, _}, %b @{x, _} → @{x, _}    // %b larger, y idle: spare y for the contracting dim, %a @{x, y}, %b @{y, _}
 */
import type { FactorRule } from '../../../ir/factors.ts';
import type { Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, overlaps } from '../../../ir/mesh.ts';
import type { OpView } from '../../../ir/op.ts';
import { byteSize, type TensorType } from '../../../ir/types.ts';
import { type Assignment, project } from '../assignment.ts';

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
  const held = byteSize(view.results[0] as TensorType) / axesSize(axesOf(result));
  const wanted = project(rule, rule.results[0] ?? [], result);
  const sides = operands.map((layout, i) => sideOf(rule, i, layout, byteSize(view.operands[i] as TensorType)));
  const met = metAxes(sides, wanted, free);
  const repeatable: AxisRef[] = [];
  let spare: DotWork['spare'];
  for (const side of sides) {
    const others = sides.filter((s) => s !== side);
    const elsewhere = others.flatMap((s) => [...s.kept, ...s.summed]);
    const taken = [...met.flat(), ...others.flatMap((s) => s.summed)];
    const gathers = others.map((other) => gathersAgainst(side, other, met, free));
    side.factors.forEach((axes, factor) => {
      if (axes.length === 0) return;
      const small = gatheredBytes(rule, side, factor, wanted) <= held;
      if (!isReduced(rule, factor)) {
        if (small) repeatable.push(...axes.filter((a) => isApart(a, [...axesOf(result), ...elsewhere])));
      } else if (gathers.every((g) => g === 'always' || (g === 'small' && small))) {
        repeatable.push(...axes.filter((a) => isApart(a, met.flat())));
      } else if (!small && !axes.every((a) => isApart(a, taken)) && !sides.every((s) => s.factors[factor]?.length))
        spare = spareFor(rule, factor, axes, free, [...sides.map((s) => s.layout), result].flatMap(axesOf)) ?? spare;
    });
  }
  return { repeatable, spare };
}

/** An operand: axes per factor, those of its contracting dims and those of the others. */
interface Side {
  readonly layout: Layout;
  readonly bytes: number;
  /** Factors that it has. */
  readonly own: ReadonlySet<number>;
  readonly factors: Assignment;
  readonly summed: readonly AxisRef[];
  readonly kept: readonly AxisRef[];
}

function sideOf(rule: FactorRule, operand: number, layout: Layout, bytes: number): Side {
  const dims = rule.operands[operand] ?? [];
  const factors = project(rule, dims, layout);
  const [summed, kept] = [true, false].map((reduced) =>
    factors.flatMap((axes, f) => (isReduced(rule, f) === reduced ? axes : [])),
  ) as [AxisRef[], AxisRef[]];
  return { layout, bytes, own: new Set(dims.flat()), factors, summed, kept };
}

const isReduced = (rule: FactorRule, factor: number): boolean => rule.factors[factor]?.kind === 'reduce';

/** Of the operand on a device where one factor is gathered, and its other dims lie as the result has them. */
function gatheredBytes(rule: FactorRule, side: Side, gathered: number, wanted: Assignment): number {
  const split = side.factors.flatMap((axes, f) => {
    if (f === gathered || !side.own.has(f)) return [];
    return isReduced(rule, f) ? axes : (wanted[f] ?? []);
  });
  return side.bytes / axesSize(split);
}

/** Axes per factor of the result that XLA computes along: those that an operand has there, or that fill all that is left. */
function metAxes(sides: readonly Side[], wanted: Assignment, free: readonly AxisRef[]): Assignment {
  const isMet = (axes: readonly AxisRef[], f: number): boolean =>
    axes.some((a) => sides.some((s) => !isApart(a, s.factors[f] ?? [])));
  const left = axesSize(free) / axesSize(wanted.filter(isMet).flat());
  return wanted.map((axes, f) => (isMet(axes, f) || axesSize(axes) === left ? axes : []));
}

/**
 * Does XLA gather an operand that is sharded on contracting dims, rather than compute on its shards: always, if it is small
 * beside the result, or never? Measured on XLA, all layouts of two operands on meshes of two and three axes:
 *
 * - Devices are grouped by dims of the result. Of an operand with their axes on contracting dims, so much is replicated that
 *   it can have another axis for the groups, or it loses its split.
 * - Two operands split in as many ways are computed on as they are; in other numbers of ways, never; but one that is split
 *   over all of a group has it its way against one that has made room.
 * - Against an operand that is whole, a small one is gathered, and one that has no room (a large one too, where it is split
 *   over less than all of a group: left out here).
 */
function gathersAgainst(
  side: Side,
  other: Side,
  met: Assignment,
  free: readonly AxisRef[],
): 'always' | 'small' | 'never' {
  const groupsOf = ({ summed }: Side): AxisRef[] => met.filter((axes) => !axes.every((a) => isApart(a, summed))).flat();
  const makesRoom = ({ layout }: Side, groups: readonly AxisRef[]): boolean =>
    (axesSize(free) / axesSize(axesOf(layout))) % axesSize(groups) === 0;
  const own = groupsOf(side);
  if (other.summed.length === 0) return makesRoom(side, own) ? 'small' : 'always';
  if (own.length > 0) return 'never';
  const groups = groupsOf(other);
  if (groups.length === 0) return axesSize(side.summed) === axesSize(other.summed) ? 'never' : 'always';
  if (other.summed.some((a) => isApart(a, groups))) return 'never';
  if (!makesRoom(other, groups)) return 'small';
  return axesSize(side.summed) === axesSize(free) / axesSize(groups) ? 'never' : 'always';
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
  for (const axis of free) if (isApart(axis, used) && size % (axesSize(axes) * axis.size) === 0) axes.push(axis);
  return axes.length > 0 && axesSize(axes) >= axesSize(lost) ? { factor, axes } : undefined;
}

const axesOf = (layout: Layout): AxisRef[] => layout.dims.flatMap((d) => [...d.axes]);
