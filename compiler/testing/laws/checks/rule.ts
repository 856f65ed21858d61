/** rule: the factor rule is well formed: ranks, sizes, and kinds that agree with where the factors stand. */
import { type DimFactors, factorName, type FactorRule, ruleText } from '../../../../ir/factors.ts';
import { type OpView, splitRule } from '../../../../ir/op.ts';
import { elementCount, type TensorType, typeText } from '../../../../ir/types.ts';
import type { Findings, LawContext } from '../law.ts';
import { viewOf } from '../op-example.ts';

export function checkRule({ def, example }: LawContext, found: Findings): void {
  const view = viewOf(example);
  const alone = (f: number): boolean => def.halo === undefined || def.halo(view, f, 1)?.length === 0;
  const check = (rule: FactorRule): string | undefined => {
    const wrong =
      wrongShape(rule, view, alone) ??
      rule.factors.map((_, f) => wrongFactor(rule, view, f)).find((w) => w !== undefined);
    return wrong === undefined ? undefined : `${wrong}, in ${ruleText(rule)}`;
  };
  found.check('rule', () => check(def.factors(view)));
  if (def.split !== undefined) found.check('rule', () => check(splitRule(def, view)), 'split');
}

type Tensors = readonly {
  readonly what: string;
  readonly dims: readonly DimFactors[];
  readonly type: TensorType;
}[];

function tensorsOf(rule: FactorRule, { operands, results }: OpView): Tensors {
  const side = (what: string, types: readonly TensorType[], dims: FactorRule['operands']): Tensors =>
    types.map((type, i) => ({ what: `${what} ${i}`, dims: dims[i] ?? [], type }));
  return [...side('operand', operands, rule.operands), ...side('result', results, rule.results)];
}

/** Ranks, and per dim: factors whose shards are on their own (pass and reduce) multiply to the extent. */
function wrongShape(rule: FactorRule, view: OpView, alone: (factor: number) => boolean): string | undefined {
  if (rule.operands.length !== view.operands.length)
    return `the rule has ${rule.operands.length} operands, the op ${view.operands.length}`;
  if (rule.results.length !== view.results.length)
    return `the rule has ${rule.results.length} results, the op ${view.results.length}`;
  for (const { what, dims, type } of tensorsOf(rule, view)) {
    if (dims.length !== type.shape.length) return `${what} is ${typeText(type)}, the rule gives it ${dims.length} dims`;
    const held = dims.flat();
    const twice = held.find((f, i) => held.indexOf(f) !== i);
    if (twice !== undefined) return `${what} holds factor ${factorName(twice)} twice`;
    const bad = dims.findIndex((factors, d) => wrongDim(rule, factors, type, d) && factors.every(alone));
    if (bad >= 0) {
      const names = dims[bad]?.map(factorName).join('·') || '(none)';
      return `dim ${bad} of ${what} has ${type.shape[bad]} elements, its factors ${names} do not make it up`;
    }
  }
  return undefined;
}

function wrongDim(rule: FactorRule, factors: DimFactors, type: TensorType, d: number): boolean {
  if (factors.some((f) => rule.factors[f] === undefined)) return true;
  if (factors.length === 0) return elementCount(type) > 0;
  // Factors of size 1 alone: such a dim is never sharded.
  if (factors.every((f) => rule.factors[f]?.size === 1)) return false;
  if (factors.some((f) => rule.factors[f]?.kind === 'permute' || rule.factors[f]?.kind === 'replicate')) return false;
  return factors.reduce((n, f) => n * (rule.factors[f]?.size ?? 0), 1) !== type.shape[d];
}

function wrongFactor(rule: FactorRule, view: OpView, f: number): string | undefined {
  const { kind, size, whole } = rule.factors[f] as FactorRule['factors'][number];
  const name = `factor ${factorName(f)} (${kind}, ${size})`;
  const inside = (tensors: FactorRule['operands']): number => tensors.filter((dims) => dims.flat().includes(f)).length;
  const [read, given] = [inside(rule.operands), inside(rule.results)];
  if (read + given === 0) return `${name} stands nowhere`;
  // A factor that is never split may stand on one side only.
  if (size === 1 || whole === true) return undefined;
  switch (kind) {
    case 'pass':
      return given === 0 ? `${name} is in no result: every shard would hold a part of the work only` : undefined;
    case 'reduce':
      return given > 0 ? `${name} is in a result: nothing is reduced over it` : undefined;
    case 'permute':
    case 'replicate':
      return spans(rule, view, f, size) ? undefined : `${name} is not the extent of any dim that holds it`;
  }
}

/** Some dim that holds the factor has its factors' product for extent. */
const spans = (rule: FactorRule, view: OpView, f: number, size: number): boolean =>
  tensorsOf(rule, view).some(({ dims, type }) =>
    dims.some(
      (held, d) =>
        held.includes(f) &&
        held.reduce((n, g) => n * (g === f ? size : (rule.factors[g]?.size ?? 0)), 1) === type.shape[d],
    ),
  );
