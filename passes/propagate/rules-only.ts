/**
 * Factor rules of ops that the registry does not hold: they have no kernel yet, or stand in a user's manual computation.
 * Propagation passes through them as Shardy's does (op_sharding_rule_registry.cc).
 */
import { type FactorKind, type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import type { OpView } from '../../ir/op.ts';
import type { TensorType } from '../../ir/types.ts';

export const RULES_ONLY: Readonly<Record<string, (view: OpView) => FactorRule>> = {
  all_gather: (view) => changedDims(view, [view.attrs.all_gather_dim as number]),
  all_to_all: (view) =>
    changedDims(view, [view.attrs.split_dimension as number, view.attrs.concat_dimension as number]),
  reduce_scatter: (view) => changedDims(view, [view.attrs.scatter_dimension as number]),
  all_reduce: (view) => onEveryTensor(view, () => 'pass', true),
  collective_permute: (view) => onEveryTensor(view, () => 'pass', true),
  collective_broadcast: (view) => onEveryTensor(view, () => 'pass', true),
  'cross-replica-sum': (view) => onEveryTensor(view, () => 'pass', true),
};

const rankOf = (t: TensorType): number => t.shape.length;
const builder = ({ operands, results }: OpView): RuleBuilder =>
  new RuleBuilder(operands.map(rankOf), results.map(rankOf));

/** A factor per dim, the same dim of every operand and result. */
function onEveryTensor(view: OpView, kind: (dim: number, rank: number) => FactorKind, elementwise = false): FactorRule {
  const rule = builder(view);
  const { shape } = view.results[0] as TensorType;
  shape.forEach((size, d) =>
    rule.add(
      view.operands.map(() => d),
      view.results.map(() => d),
      size,
      kind(d, shape.length),
    ),
  );
  return rule.build({ elementwise });
}

/** A collective over dims that it changes: those need replication, and have a factor on each side. */
function changedDims(view: OpView, changed: readonly number[]): FactorRule {
  const rule = builder(view);
  const [operand, result] = [view.operands[0] as TensorType, view.results[0] as TensorType];
  const all = (d: number): number[] => view.operands.map(() => d);
  const made = (d: number): number[] => view.results.map(() => d);
  operand.shape.forEach((size, d) => {
    if (!changed.includes(d)) rule.add(all(d), made(d), size);
  });
  for (const d of new Set(changed)) {
    rule.add(all(d), [], operand.shape[d] as number, 'replicate');
    rule.add([], made(d), result.shape[d] as number, 'replicate');
  }
  return rule.build();
}
