/**
 * Factor rules (Shardy's op sharding rules): the einsum-like statement of which dims of an op's operands and results
 * move together. `([i, k], [k, j])->([i, j]) {i=8, j=16, k=32} reduction={k}`. Propagation and partitioning know an op
 * by its rule alone.
 */

/**
 * pass: appears in results, any shard computes its own part. reduce: operand-only, partial results must be combined.
 * replicate: every device needs the whole. permute: shards need their neighbours (halo) or another order.
 */
export type FactorKind = 'pass' | 'reduce' | 'replicate' | 'permute';

export interface Factor {
  readonly size: number;
  readonly kind: FactorKind;
  /** Propagation may not cross the op along this factor. */
  readonly blocked?: boolean;
  /** Propagation may, but a shard alone cannot do its part of the op: the partitioner keeps the dim whole. */
  readonly whole?: boolean;
}

/** Factor indices of one dim, major first (a reshape's dim may hold several; a dim of a 1-sized factor holds one). */
export type DimFactors = readonly number[];

export interface FactorRule {
  readonly factors: readonly Factor[];
  /** operand → dim → factors. */
  readonly operands: readonly (readonly DimFactors[])[];
  readonly results: readonly (readonly DimFactors[])[];
  /** Elementwise ops break conflicts by size first (aggressive propagation). */
  readonly elementwise?: boolean;
}

/** Shardy's printed names: i … z, then z_1, z_2, … */
export const factorName = (index: number): string =>
  index < 18 ? String.fromCharCode('i'.charCodeAt(0) + index) : `z_${index - 17}`;

/** The rule as Shardy prints it inside `#sdy.op_sharding_rule<…>`. */
export function ruleText(rule: FactorRule): string {
  const dim = (factors: DimFactors): string => factors.map(factorName).join('');
  const side = (tensors: readonly (readonly DimFactors[])[]): string =>
    tensors.map((dims) => `[${dims.map(dim).join(', ')}]`).join(', ');
  const sizes = rule.factors.map((f, i) => `${factorName(i)}=${f.size}`).join(', ');
  const named = (label: string, keep: (f: Factor) => boolean): string => {
    const names = rule.factors.flatMap((f, i) => (keep(f) ? [factorName(i)] : []));
    return names.length > 0 ? ` ${label}={${names.join(', ')}}` : '';
  };
  return (
    `(${side(rule.operands)})->(${side(rule.results)})${sizes === '' ? '' : ` {${sizes}}`}` +
    named('reduction', (f) => f.kind === 'reduce') +
    named('need_replication', (f) => f.kind === 'replicate') +
    named('permutation', (f) => f.kind === 'permute') +
    named('blocked_propagation', (f) => f.blocked === true)
  );
}

/** Collects factors while a rule is being stated. */
export class RuleBuilder {
  private readonly factors: Factor[] = [];
  private readonly operands: number[][][];
  private readonly results: number[][][];

  constructor(operandRanks: readonly number[], resultRanks: readonly number[]) {
    this.operands = operandRanks.map((r) => Array.from({ length: r }, () => []));
    this.results = resultRanks.map((r) => Array.from({ length: r }, () => []));
  }

  /**
   * A new factor held by dim `operandDims[i]` of operand i and `resultDims[i]` of result i (null = not held).
   * Dims get their factors in the order of the calls, major first.
   */
  add(
    operandDims: readonly (number | null)[],
    resultDims: readonly (number | null)[],
    size: number,
    kind: FactorKind = 'pass',
    blocked = false,
  ): this {
    return this.factor(operandDims, resultDims, blocked ? { size, kind, blocked } : { size, kind });
  }

  /** As `add`, the factor stated in full. A factor of size 1 is not appended to a dim that has one already. */
  factor(operandDims: readonly (number | null)[], resultDims: readonly (number | null)[], factor: Factor): this {
    const index = this.factors.push(factor) - 1;
    const hold = (tensors: readonly number[][][], dims: readonly (number | null)[]): void =>
      dims.forEach((d, i) => {
        const held = d === null ? undefined : tensors[i]?.[d];
        if (held !== undefined && (factor.size !== 1 || held.length === 0)) held.push(index);
      });
    hold(this.operands, operandDims);
    hold(this.results, resultDims);
    return this;
  }

  /** The rule; a dim without a factor gets one of its own, of size 1 (Shardy, op_sharding_rule_builder.cc). */
  build(options: { elementwise?: boolean } = {}): FactorRule {
    for (const dim of [...this.operands, ...this.results].flat()) {
      if (dim.length === 0) dim.push(this.factors.push({ size: 1, kind: 'pass' }) - 1);
    }
    return {
      factors: this.factors,
      operands: this.operands,
      results: this.results,
      ...(options.elementwise === true ? { elementwise: true } : {}),
    };
  }
}
