/** Factor rules of a program's ops, computed once per kind, types and attributes. */
import { type EditOp, readonlyRegion } from '../../ir/edit.ts';
import { type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import type { Registry } from '../../ir/op.ts';
import type { TensorType } from '../../ir/types.ts';

/** Ops that have no rule although the registry knows them: they have no operands, and nothing moves through them. */
const WITHOUT: ReadonlySet<string> = new Set(['constant', 'iota']);
/** Structural ops that are one-to-one; they take part like elementwise ops. */
const IDENTITY: ReadonlySet<string> = new Set(['sharding_constraint', 'propagation_barrier']);

export class RuleTable {
  private readonly registry: Registry;
  private readonly conservative: boolean;
  private readonly known = new Map<string, FactorRule>();
  private readonly typeIds = new Map<TensorType, number>();

  /** Conservative rules give up where a factor would be a permutation that costs a halo. */
  constructor(registry: Registry, conservative = false) {
    this.registry = registry;
    this.conservative = conservative;
  }

  /** Undefined: nothing propagates through the op. */
  of(op: EditOp): FactorRule | undefined {
    if (WITHOUT.has(op.kind) || op.results.length === 0) return undefined;
    const results = op.results.map((v) => v.type);
    if (IDENTITY.has(op.kind))
      return this.remember(`identity ${this.typeId(results[0] as TensorType)}`, () =>
        identityRule(results[0] as TensorType, 1, true),
      );
    const def = this.registry[op.kind];
    if (def === undefined) return undefined;
    const operands = op.operands.map((v) => v.type);
    const makers = op.operands.map((v) => v.maker);
    const regions = op.regions.map(readonlyRegion);
    const rule = (): FactorRule => {
      const found = def.factors({ kind: op.kind, attrs: op.attrs, regions, operands, results, makers });
      return this.conservative ? conservativeRule(op.kind, found) : found;
    };
    const key = this.key(op, operands, results, makers);
    return key === undefined ? rule() : this.remember(key, rule);
  }

  /** Undefined where a region may decide: those rules are made anew. */
  private key(
    op: EditOp,
    operands: readonly TensorType[],
    results: readonly TensorType[],
    makers: readonly (EditOp | undefined)[],
  ): string | undefined {
    if (op.regions.length > 0 && op.kind !== 'reduce') return undefined;
    const types = [...operands, ...results].map((t) => this.typeId(t)).join();
    const fixed =
      op.kind === 'dynamic_update_slice' || op.kind === 'concatenate' ? makers.map((m) => m?.kind).join() : '';
    return `${op.kind} ${types} ${attrsText(op)} ${fixed}`;
  }

  private remember(key: string, make: () => FactorRule): FactorRule {
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const made = make();
    this.known.set(key, made);
    return made;
  }

  private typeId(type: TensorType): number {
    const found = this.typeIds.get(type);
    if (found !== undefined) return found;
    this.typeIds.set(type, this.typeIds.size);
    return this.typeIds.size - 1;
  }
}

function attrsText(op: EditOp): string {
  for (const _ in op.attrs) return JSON.stringify(op.attrs, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
  return '';
}

/** Each dim of the result is that dim of every operand. */
export function identityRule(type: TensorType, operands = 1, elementwise = false): FactorRule {
  const rule = new RuleBuilder(
    Array.from({ length: operands }, () => type.shape.length),
    [type.shape.length],
  );
  const sources = Array.from({ length: operands });
  type.shape.forEach((size, d) =>
    rule.add(
      sources.map(() => d),
      [d],
      size,
    ),
  );
  return rule.build({ elementwise });
}

/**
 * Without permutations (Shardy's conservative-propagation): a dim that a pad or slice changes, or that a concatenate
 * joins, stays out of propagation.
 */
function conservativeRule(kind: string, rule: FactorRule): FactorRule {
  if (kind !== 'pad' && kind !== 'slice' && kind !== 'concatenate') return rule;
  const factors = rule.factors.map((f) => (f.kind === 'permute' ? { ...f, blocked: true } : f));
  return { ...rule, factors };
}
