/** Factor rules of a function's ops, computed once per kind, types and attributes. */
import { type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import type { Registry } from '../../ir/op.ts';
import { type Func, type Op, valueInfo } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';

/** Ops that have no rule although the registry knows them: they have no operands, and nothing moves through them. */
const WITHOUT: ReadonlySet<string> = new Set(['constant', 'iota']);
/** Structural ops that are one-to-one; they take part like elementwise ops. */
const IDENTITY: ReadonlySet<string> = new Set(['sharding_constraint', 'propagation_barrier']);

export class RuleTable {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly known = new Map<string, FactorRule>();
  private readonly typeIds = new Map<TensorType, number>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
  }

  /** Undefined: nothing propagates through the op. */
  of(op: Op, makers: readonly (Op | undefined)[]): FactorRule | undefined {
    if (WITHOUT.has(op.kind) || op.results.length === 0) return undefined;
    const results = op.results.map((v) => valueInfo(this.func, v).type);
    if (IDENTITY.has(op.kind))
      return this.remember(`identity ${this.typeId(results[0] as TensorType)}`, () =>
        identityRule(results[0] as TensorType, 1, true),
      );
    const def = this.registry[op.kind];
    if (def === undefined) return undefined;
    const operands = op.operands.map((v) => valueInfo(this.func, v).type);
    const rule = (): FactorRule =>
      def.factors({ kind: op.kind, attrs: op.attrs, regions: op.regions, operands, results, makers });
    const key = this.key(op, operands, results, makers);
    return key === undefined ? rule() : this.remember(key, rule);
  }

  /** Undefined where a region may decide: those rules are made anew. */
  private key(
    op: Op,
    operands: readonly TensorType[],
    results: readonly TensorType[],
    makers: readonly (Op | undefined)[],
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

function attrsText(op: Op): string {
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
