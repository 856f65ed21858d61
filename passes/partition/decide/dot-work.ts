/**
 * How far the work of a dot or convolution is split, by propagated layouts (a decision does not change what may be decided).
 * Bytes are not bought with redundant compute, but where XLA computes redundantly too, so we compute no more than it does
 * (dot_handler.cc: groups by free dims that the result has, then by contracting dims that both operands have):
 *
 *   dot %a @{_, y}, %b @{_, _} → @{_, _}    // %a no larger than the result: repeatable along y, all_gather %a, all of it on
 *                                           // each device; computing on shards and summing moves at least twice as much
 *   dot %a @{_, _}, %b @{_, y} → @{_, _}    // %b no larger: repeatable along y, over which the result would be gathered
 *   dot %a @{_, y}, %b @{x, y} → @{_, y}    // the result leaves no y to %a's contracting dim, and %a is no larger than %b: along x
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
  operands.forEach((layout, i) => {
    const others = [...operands.filter((_, j) => j !== i), result].flatMap(axesOf);
    const gathered = (axes: readonly AxisRef[]): number =>
      localBytes(view.operands[i] as TensorType, layout) * axesSize(axes);
    const alone = (axis: AxisRef): boolean => !others.some((o) => overlaps(axis, o));
    const [own, taken] = [byteSize(view.operands[i] as TensorType), axesOf(result)];
    const oneSided = operands.every(
      (l, j) => j === i || !isSummed(rule, j, l, byteSize(view.operands[j] as TensorType) <= own ? taken : []),
    );
    project(rule, rule.operands[i] ?? [], layout).forEach((axes, factor) => {
      if (axes.length === 0) return;
      const small = gathered(axes) <= held;
      if (rule.factors[factor]?.kind !== 'reduce') {
        if (small) repeatable.push(...axes.filter(alone));
      } else if (small) {
        if (oneSided && axes.every(alone)) repeatable.push(...axes);
      } else if (!axes.every(alone) && !operands.every((l, j) => sharesFactor(rule, j, l, factor)))
        spare = spareFor(rule, factor, axes, free, [layout, ...operands, result].flatMap(axesOf)) ?? spare;
    });
  });
  return { repeatable, spare };
}

/** Is a contracting dim of this operand sharded, along axes that are not taken? */
const isSummed = (rule: FactorRule, i: number, layout: Layout, taken: readonly AxisRef[]): boolean =>
  project(rule, rule.operands[i] ?? [], layout).some(
    (axes, f) => rule.factors[f]?.kind === 'reduce' && axes.some((a) => !taken.some((t) => overlaps(a, t))),
  );

/** Is the factor sharded on this operand? */
const sharesFactor = (rule: FactorRule, i: number, layout: Layout, factor: number): boolean =>
  (project(rule, rule.operands[i] ?? [], layout)[factor] ?? []).length > 0;

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
    if (!used.some((u) => overlaps(u, axis)) && size % (axesSize(axes) * axis.size) === 0) axes.push(axis);
  return axes.length > 0 && axesSize(axes) >= axesSize(lost) ? { factor, axes } : undefined;
}

const axesOf = (layout: Layout): AxisRef[] => layout.dims.flatMap((d) => [...d.axes]);

const localBytes = (type: TensorType, layout: Layout): number => byteSize(type) / axesSize(axesOf(layout));
