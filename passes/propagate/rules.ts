/** Factor rules of a program's ops, computed once per kind, types and attributes. */
import { readonlyRegion } from '../../ir/edit-convert.ts';
import type { EditOp } from '../../ir/edit.ts';
import { userError } from '../../ir/diagnostics.ts';
import { type Factor, type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import { parseRule } from '../../ir/parse-rule.ts';
import { collectives } from '../../ir/ops/collectives.ts';
import { isKnownCall } from '../../ir/ops/custom-call.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import { elementCount, type TensorType } from '../../ir/types.ts';
import { RULES_ONLY } from './rules-only.ts';

/** Ops that have no rule although the registry knows them: they have no operands, and nothing moves through them. */
const WITHOUT: ReadonlySet<string> = new Set(['constant', 'iota']);
/** Structural ops that are one-to-one; they take part like elementwise ops. */
const IDENTITY: ReadonlySet<string> = new Set(['sharding_constraint', 'propagation_barrier']);

export interface RuleOptions {
  /** Rules give up where a factor would be a permutation that costs a halo. */
  readonly conservative?: boolean;
  /** Ops of the client dialect have rules, as what XLA expands them to has. Shardy by itself knows none of them. */
  readonly chlo?: boolean;
}

export class RuleTable {
  private readonly registry: Registry;
  private readonly options: RuleOptions;
  private readonly known = new Map<string, FactorRule>();
  private readonly typeIds = new Map<TensorType, number>();

  constructor(registry: Registry, options: RuleOptions = {}) {
    this.registry = registry;
    this.options = options;
  }

  /** Undefined: nothing propagates through the op. */
  of(op: EditOp): FactorRule | undefined {
    if (WITHOUT.has(op.kind) || op.results.length === 0) return undefined;
    const results = op.results.map((v) => v.type);
    if (IDENTITY.has(op.kind)) return this.identity(results[0] as TensorType, 1, true);
    if (typeof op.attrs.rule === 'string') return this.remember(`own ${op.attrs.rule}`, () => ownRule(op));
    const factors = this.registry[op.kind]?.factors ?? rulesOnly(op);
    if (factors === undefined || isUnknownCall(op) || reshapesNothing(op)) return undefined;
    if (this.options.chlo !== true && op.origin.spelled?.startsWith('chlo.') === true) return undefined;
    const operands = op.operands.map((v) => v.type);
    if (seedsGenerator(op))
      return new RuleBuilder([1, 1], [1])
        .add([0, 0], [0], (results[0] as TensorType).shape[0] ?? 1, 'replicate', true)
        .build();
    const makers = op.operands.map((v) => v.maker);
    const regions = op.regions.map(readonlyRegion);
    const rule = (): FactorRule => {
      const found = factors({
        kind: op.kind,
        attrs: op.attrs,
        regions,
        operands,
        results,
        makers,
        values: op.operands,
      });
      return this.options.conservative === true ? conservativeRule(op, found) : found;
    };
    const key = this.key(op, operands, results, makers);
    return key === undefined ? rule() : this.remember(key, rule);
  }

  identity(type: TensorType, operands = 1, elementwise = false): FactorRule {
    const key = `identity ${this.typeId(type)} ${operands} ${elementwise}`;
    return this.remember(key, () => identityRule(type, operands, elementwise));
  }

  /** Undefined where a region may decide: those rules are made anew. */
  private key(
    op: EditOp,
    operands: readonly TensorType[],
    results: readonly TensorType[],
    makers: readonly (EditOp | undefined)[],
  ): string | undefined {
    if ((op.regions.length > 0 && op.kind !== 'reduce') || joinsSlices(op)) return undefined;
    const types = [...operands, ...results].map((t) => this.typeId(t)).join();
    const fixed = op.kind === 'dynamic_update_slice' ? makers.map((m) => m?.kind).join() : '';
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

/** Collectives by axes have their rules beside their types; as StableHLO writes them, and what has no kernel, by name. */
const rulesOnly = (op: EditOp): ((view: OpView) => FactorRule) | undefined =>
  op.attrs.mesh === undefined ? RULES_ONLY[op.kind] : collectives[op.kind]?.factors;

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

/** The rule written on the op. */
function ownRule(op: EditOp): FactorRule {
  const rule = parseRule(op.attrs.rule as string);
  if (rule === undefined)
    throw userError('SH0219', `the sharding rule of ${op.kind} does not read as one`, {
      span: op.origin.span,
      expected: '#sdy.op_sharding_rule<([i, k], [k, j])->([i, j]) {i=8, j=16, k=32} reduction={k}>',
    });
  return rule;
}

/** The two halves of a generator's state, put together (Shardy, X64Combine). */
const seedsGenerator = (op: EditOp): boolean =>
  op.attrs.target === 'X64Combine' &&
  op.result.type.shape.length === 1 &&
  op.result.uses().some((u) => u.op.kind === 'rng_bit_generator');

/** Its rule depends on which values are joined. */
const joinsSlices = (op: EditOp): boolean =>
  op.kind === 'concatenate' && op.operands.some((v) => v.maker?.kind === 'slice');

/** Without elements there are no factors to share. */
const reshapesNothing = (op: EditOp): boolean => op.kind === 'reshape' && elementCount(op.result.type) === 0;

const isUnknownCall = (op: EditOp): boolean =>
  op.kind === 'custom_call' && !isKnownCall(op.attrs as unknown as Parameters<typeof isKnownCall>[0]);

/**
 * Without permutations (Shardy's conservative-propagation): a dim that a pad, slice or window changes blocks propagation;
 * a joined dim and a convolution's spatial dims have factors of their own.
 */
function conservativeRule(op: EditOp, rule: FactorRule): FactorRule {
  const permuted = (f: Factor): boolean => f.kind === 'permute';
  switch (op.kind) {
    case 'pad':
    case 'slice':
    case 'reduce_window':
      return { ...rule, factors: rule.factors.map((f) => (permuted(f) ? { ...f, blocked: true } : f)) };
    case 'select_and_scatter':
      return { ...rule, factors: rule.factors.map((f) => (f.kind === 'pass' ? f : { ...f, blocked: true })) };
    case 'concatenate':
      return dropFactors(rule, (f) => rule.results[0]?.[op.attrs.dim as number]?.includes(f) === true);
    case 'convolution': {
      const spatial = (op.attrs.input_dims as readonly number[]).slice(2).flatMap((d) => rule.operands[0]?.[d] ?? []);
      return dropFactors(rule, (f) => spatial.includes(f));
    }
    default:
      return rule;
  }
}

/** Dims that lose their last factor get one of their own. */
function dropFactors(rule: FactorRule, dropped: (factor: number) => boolean): FactorRule {
  const kept = rule.factors.flatMap((_, f) => (dropped(f) ? [] : [f]));
  const dims = (tensors: FactorRule['operands']): number[][][] =>
    tensors.map((t) => t.map((held) => held.filter((f) => !dropped(f)).map((f) => kept.indexOf(f))));
  const factors = kept.map((f) => rule.factors[f] as Factor);
  const [operands, results] = [dims(rule.operands), dims(rule.results)];
  for (const held of [...operands, ...results].flat())
    if (held.length === 0) held.push(factors.push({ size: 1, kind: 'pass' }) - 1);
  return { ...rule, factors, operands, results };
}
