/** Which dims of an op are of one extent when padded: those that share a factor which is the major one of each. */
import type { DimFactors, FactorRule } from '../../../ir/factors.ts';
import { type AnyOpDef, type OpView, padRuleOf } from '../../../ir/op.ts';
import type { PadRule } from '../../../ir/padding.ts';

/** An op as padding sees it. */
export interface PadView {
  readonly rule: FactorRule;
  /** Per factor; null = the op must see its true size. */
  readonly pads: readonly (PadRule | null)[];
}

export function padView(def: AnyOpDef, view: OpView): PadView {
  const rule = def.factors(view);
  const shapes = [...view.operands, ...view.results].map((t) => t.shape);
  const tensors = [...rule.operands, ...rule.results];
  const pads = rule.factors.map(({ size }, f) => {
    if (size <= 1) return null;
    const pad = padRuleOf(def, view, rule, f);
    if (pad === null || pad.apart !== undefined) return pad;
    const stretches = tensors.every((dims, t) =>
      dims.every(
        (held, d) => !held.includes(f) || (majorOf(rule, held) === f && shapes[t]?.[d] === extentOf(rule, held)),
      ),
    );
    return stretches ? pad : null;
  });
  return { rule, pads };
}

/** The factor that grows when a dim does: its first of more than one element. */
export const majorOf = (rule: FactorRule, held: DimFactors): number | undefined =>
  held.find((f) => (rule.factors[f]?.size ?? 1) > 1);

const extentOf = (rule: FactorRule, held: DimFactors): number =>
  held.reduce((n, f) => n * (rule.factors[f]?.size ?? 1), 1);

/** What becomes of a dim that holds these factors: its rule, or null where it stays as it is. */
export function padOfDim({ rule, pads }: PadView, held: DimFactors): PadRule | null {
  const major = majorOf(rule, held);
  return major === undefined ? null : (pads[major] ?? null);
}
