/**
 * What a dot or convolution computes per device where its dims do not divide. Split in as many ways, 13 rows over 3 (5 each)
 * are more work than 6 over 3: of candidates that split equally often those are left out that compute more than the
 * propagated result does, which is what XLA computes.
 */
import type { FactorRule } from '../../../ir/factors.ts';
import type { Layout } from '../../../ir/layout.ts';
import { axesSize, overlaps } from '../../../ir/mesh.ts';
import { type Func, type Op, valueInfo } from '../../../ir/program.ts';
import { type Assignment, project } from '../assignment.ts';
import { majorOf } from '../pad-dims/joins.ts';

export interface UnevenWork {
  /** Of each factor, without padding. */
  readonly sizes: readonly number[];
  /** Of one device, by the propagated layouts. */
  readonly propagated: number;
}

/** Undefined where no dim is padded: ways of splitting then tell all. */
export function unevenWork(
  func: Func,
  op: Op,
  rule: FactorRule,
  operands: readonly Layout[],
  results: readonly Layout[],
): UnevenWork | undefined {
  const sizes = rule.factors.map((f) => f.size);
  let uneven = false;
  const visit = (ids: Op['operands'], tensors: FactorRule['operands']): void =>
    ids.forEach((id, t) =>
      valueInfo(func, id).padding?.forEach((padding, d) => {
        const f = majorOf(rule, tensors[t]?.[d] ?? []);
        if (padding === undefined || f === undefined) return;
        uneven = true;
        sizes[f] = ((rule.factors[f]?.size ?? 1) * padding.size) / padding.padded;
      }),
    );
  visit(op.operands, rule.operands);
  visit(op.results, rule.results);
  return uneven ? { sizes, propagated: propagatedWork(sizes, rule, operands, results) } : undefined;
}

/** Multiplications of one device, up to a number that all assignments share. */
export const workUnder = (sizes: readonly number[], assignment: Assignment): number =>
  sizes.reduce((work, size, f) => work * Math.ceil(size / axesSize(assignment[f] ?? [])), 1);

/** What both operands have of contracting dims first, then the result's layout: as XLA splits it. */
function propagatedWork(
  sizes: readonly number[],
  rule: FactorRule,
  operands: readonly Layout[],
  results: readonly Layout[],
): number {
  const made = project(rule, rule.results[0] ?? [], results[0] as Layout);
  const [first, ...others] = operands.map((l, i) => project(rule, rule.operands[i] ?? [], l));
  const summed = rule.factors.map(({ kind }, f) =>
    kind !== 'reduce'
      ? []
      : (first?.[f] ?? []).filter((a) => others.every((o) => o[f]?.some((b) => overlaps(a, b)) === true)),
  );
  const used = summed.flat();
  const idle = (axes: Assignment[number] = []): Assignment[number] =>
    axes.filter((a) => !used.some((u) => overlaps(u, a)));
  return workUnder(
    sizes,
    summed.map((axes, f) => [...axes, ...idle(made[f])]),
  );
}
