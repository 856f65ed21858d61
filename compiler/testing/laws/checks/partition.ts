/**
 * partition, combiner, local-attrs and work: the op is sharded by each factor alone and by pairs, localized,
 * run on the simulated mesh, and held against one device.
 */
import type { TensorArray } from '../../../../ir/array.ts';
import { DiagnosticError } from '../../../../ir/diagnostics.ts';
import { type FactorRule, ruleText } from '../../../../ir/factors.ts';
import type { Monoid } from '../../../../ir/layout.ts';
import { axesSize } from '../../../../ir/mesh.ts';
import { type AnyOpDef, haloOfFactor, type OpView, splitRule } from '../../../../ir/op.ts';
import { type Func, mainFunction, type Module, type ValueId } from '../../../../ir/program.ts';
import { elementCount, type TensorType } from '../../../../ir/types.ts';
import { verify } from '../../../../ir/verify.ts';
import { localize } from '../../../../passes/partition/localize.ts';
import { compareResults } from '../../../../runtime-sim/check.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import { runSpmd } from '../../../../runtime-sim/spmd.ts';
import { type Case, cases } from '../assignments.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf, partitioned } from '../one-op-module.ts';
import { viewOf } from '../op-example.ts';

/** Floats run as f64: only the order of sums may differ. Integers are compared exactly. */
const TOLERANCE = 1e-9;

export function checkPartition(ctx: LawContext, found: Findings): void {
  const { def, registry, example } = ctx;
  const view = viewOf(example);
  found.check('work', () => wrongWork(def, view, example.options.flops));
  const rule = splitRule(def, view);
  const monoid = def.combiner?.(view) ?? null;
  const whole = runOneDevice(moduleOf(example), registry, example.inputs, 'wide');
  const partial = monoid !== null && example.options.noPartials === undefined;
  const allowed = (f: number): boolean =>
    haloOfFactor(def, view, rule, f, 1) !== null && (rule.factors[f]?.kind !== 'reduce' || partial);
  for (const c of cases(rule, view, allowed)) checkCase(ctx, found, { c, rule, monoid: monoid ?? 'sum', whole });
}

interface Sharded {
  readonly c: Case;
  readonly rule: FactorRule;
  readonly monoid: Monoid;
  readonly whole: readonly TensorArray[];
}

function checkCase({ def, registry, example }: LawContext, found: Findings, { c, rule, monoid, whole }: Sharded): void {
  const law = c.factors.every((f) => rule.factors[f]?.kind === 'reduce') ? 'combiner' : 'partition';
  let local: Module | undefined;
  let refusal: string | undefined;
  found.check(
    law,
    () => {
      const module = partitioned(example, rule, monoid, c.assignment, c.mesh);
      try {
        local = localize(module, registry);
      } catch (error) {
        refusal = refusalOf(error);
        if (refusal === undefined) throw error;
        return undefined;
      }
      const { results } = runSpmd(local, registry, example.inputs, 'wide', {
        resultShapes: whole.map((r) => r.shape),
      });
      const how = law === 'combiner' ? `partial results combined by ${monoid}` : ruleText(rule);
      const wrong = difference(whole, results);
      return wrong === undefined ? undefined : `${wrong}; claimed: ${how}`;
    },
    c.where,
  );
  if (refusal !== undefined) found.refused(law, c.where, refusal);
  const made = local;
  if (made === undefined) return;
  found.check('local-attrs', () => verify(made, registry)[0]?.message, c.where);
  if (c.factors.length === 1 && example.options.wholeWork !== true) {
    found.check('work', () => unevenWork(def, viewOf(example), made, c), c.where);
  }
}

function difference(whole: readonly TensorArray[], got: readonly TensorArray[]): string | undefined {
  const { first } = compareResults(whole, got, TOLERANCE);
  if (first === undefined) return undefined;
  const place = `result ${first.result} at [${first.index.join(', ')}]`;
  return `${place} is ${first.got}, on one device ${first.expected}`;
}

function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof DiagnosticError)) return undefined;
  return error.diagnostics.find((d) => d.cause === 'unsupported')?.message;
}

// --- work ------------------------------------------------------------------------------------------------

const flopsOf = (def: AnyOpDef, view: OpView): number =>
  def.flops?.(view) ?? view.results.reduce((n, t) => n + elementCount(t), 0);

function wrongWork(def: AnyOpDef, view: OpView, byHand: number | undefined): string | undefined {
  const work = flopsOf(def, view);
  if (!Number.isFinite(work) || work < 0) return `flops are ${work}`;
  return byHand === undefined || byHand === work ? undefined : `flops are ${work}, by hand ${byHand}`;
}

/** A factor in k shards leaves each device 1/k of the work; or less, where shards exchange what they made (a sort's n·log n). */
function unevenWork(def: AnyOpDef, view: OpView, local: Module, c: Case): string | undefined {
  const shards = axesSize(c.assignment.flat());
  const part = localView(mainFunction(local), view.kind);
  if (part === undefined) return undefined;
  const [whole, mine] = [flopsOf(def, view), flopsOf(def, part)];
  const shared = def.exchanges === undefined ? mine * shards === whole : mine * shards <= whole;
  return shared ? undefined : `${whole} flops on one device, ${mine} on each of ${shards} shards`;
}

/** The per-device op; what a localizer puts around it comes before or after. */
function localView(func: Func, kind: string): OpView | undefined {
  const op = func.body.ops.find((o) => o.kind === kind);
  if (op === undefined) return undefined;
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => func.values[v]?.type as TensorType);
  return {
    kind,
    attrs: op.attrs,
    regions: op.regions,
    operands: types(op.operands),
    results: types(op.results),
  };
}
