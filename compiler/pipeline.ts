/** The pipeline on one page. docs/passes.md says what each pass takes and gives. */
import { type Diagnostic, userError } from '../ir/diagnostics.ts';
import { edit, finish } from '../ir/edit-convert.ts';
import type { Registry } from '../ir/op.ts';
import { cutLayouts } from '../passes/partition/cut-layouts.ts';
import { gatheredCalls } from '../passes/partition/gathered-calls.ts';
import { decideWithinMemory } from '../passes/partition/within-memory.ts';
import { loopInvariants } from '../passes/propagate/loop-invariants.ts';
import { localize } from '../passes/partition/localize.ts';
import { lowerReshards } from '../passes/partition/lower-reshards.ts';
import { oneOrder } from '../passes/partition/one-order.ts';
import { type Prices, wirePrices } from '../passes/partition/prices.ts';
import { paidSums } from '../passes/partition/paid-sums.ts';
import { onDevices } from '../passes/partition/on-devices.ts';
import { padDims } from '../passes/partition/pad-dims.ts';
import { splitSharded } from '../passes/partition/split-sharded.ts';
import { trimPadding } from '../passes/partition/trim-padding.ts';
import { plainReductions } from '../passes/partition/plain-reductions.ts';
import { shifts } from '../passes/partition/shifts.ts';
import { notHeld } from './not-held.ts';
import { definePass, type Pass, type PassContext } from '../passes/pass.ts';
import type { PaceOf } from '../passes/schedule/pace.ts';
import { schedule } from '../passes/schedule/schedule.ts';
import { paceOn } from '../runtime-sim/cost/pace.ts';
import { machine } from '../runtime-sim/machine/machine.ts';
import { splitConstants } from '../passes/shardy/constants.ts';
import { nothingSharded } from '../passes/propagate/nothing-sharded.ts';
import { propagate } from '../passes/propagate/propagate.ts';

export const PIPELINE: readonly Pass[] = [
  definePass({
    name: 'loop-invariants',
    doc: 'what a loop never changes is read from outside it',
    requires: 'parsed',
    ensures: 'parsed',
    run: (module) => loopInvariants(module),
  }),
  definePass({
    name: 'split-constants',
    doc: 'one copy of a constant per use',
    requires: 'parsed',
    ensures: 'parsed',
    run(module, ctx) {
      const program = edit(module);
      splitConstants(program, ctx.registry);
      return finish(program, 'parsed');
    },
  }),
  definePass({
    name: 'propagate',
    doc: 'a layout for every value, from the annotated ones; one body per call site',
    requires: 'parsed',
    ensures: 'propagated',
    run(module, ctx) {
      const result = propagate(module, ctx.registry);
      ctx.causes = result.causes;
      ctx.conflicts = result.conflicts;
      for (const warning of nothingSharded(result.module)) ctx.report(warning);
      return result.module;
    },
  }),
  definePass({
    name: 'one-order',
    doc: 'one order of devices between arguments and results',
    requires: 'propagated',
    ensures: 'propagated',
    run: (module, ctx) => oneOrder(module, ctx.report),
  }),
  definePass({
    name: 'on-devices',
    doc: 'what reaches outside of the program does so per device',
    requires: 'propagated',
    ensures: 'propagated',
    run: (module, ctx) => onDevices(module, ctx.report),
  }),
  definePass({
    name: 'plain-reductions',
    doc: 'reductions of several values, or with starts of their own, become such that shards may owe',
    requires: 'propagated',
    ensures: 'propagated',
    run: (module) => plainReductions(module),
  }),
  definePass({
    name: 'shifts',
    doc: 'slices joined again on a sharded dim become shifts between neighbours',
    requires: 'propagated',
    ensures: 'propagated',
    run: (module) => shifts(module),
  }),
  definePass({
    name: 'pad-dims',
    doc: 'dims that do not divide by their shards become longer',
    requires: 'propagated',
    ensures: 'propagated',
    run(module, ctx) {
      for (const warning of cutLayouts(module)) ctx.report(warning);
      return padDims(module, ctx.registry);
    },
  }),
  definePass({
    name: 'split-sharded',
    doc: 'argmax, top_k and scans over a sharded dim: each shard does its own part first',
    requires: 'propagated',
    ensures: 'propagated',
    run: (module, ctx) => splitSharded(module, ctx.registry),
  }),
  definePass({
    name: 'insert-reshards',
    doc: 'decides what moves: every layout change becomes a reshard',
    requires: 'propagated',
    ensures: 'resharded',
    run(module, ctx) {
      const decided = decideWithinMemory(module, ctx.registry, ctx.prices, ctx.memoryOf);
      ctx.decided = decided;
      const warnings = [paidSums(module, decided), gatheredCalls(decided.module), notHeld(decided)];
      for (const warning of warnings.flat()) ctx.report(warning);
      return decided.module;
    },
  }),
  definePass({
    name: 'trim-padding',
    doc: 'padding goes where the decided layouts do not need it',
    requires: 'resharded',
    ensures: 'resharded',
    run: (module, ctx) => trimPadding(module, ctx.registry),
  }),
  definePass({
    name: 'lower-reshards',
    doc: 'decides how: every reshard becomes collectives',
    requires: 'resharded',
    ensures: 'collective',
    run: (module, ctx) => lowerReshards(module, ctx.prices),
  }),
  definePass({
    name: 'localize',
    doc: 'per-device shapes',
    requires: 'collective',
    ensures: 'local',
    run: (module, ctx) => localize(module, ctx.registry),
  }),
  definePass({
    name: 'schedule',
    doc: 'collectives run beside what need not wait for them',
    requires: 'local',
    ensures: 'scheduled',
    run: (module, ctx) => schedule(module, ctx.pace),
  }),
];

/** Throws what a name that is no pass deserves. */
export function passNamed(name: string): Pass {
  const pass = PIPELINE.find((p) => p.name === name);
  if (pass === undefined)
    throw userError('SH0701', `there is no pass "${name}"`, { expected: PIPELINE.map((p) => p.name).join(', ') });
  return pass;
}

/** What passes share besides the module. */
export const passContext = (
  registry: Registry,
  report: (diagnostic: Diagnostic) => void,
  prices: Prices = wirePrices,
  pace?: PaceOf,
): PassContext => ({
  registry,
  prices,
  pace: pace ?? paceOn(machine(DEFAULT_MACHINE), registry),
  memoryOf: pace,
  causes: new Map(),
  conflicts: [],
  decided: undefined,
  report,
});

export const DEFAULT_MACHINE = 'tpu-v5e';
