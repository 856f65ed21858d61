/**
 * Shardy's passes by name, and its propagation pipeline as the list of them (Shardy: propagation_pipeline.cc). Each works
 * on a module in place, so that any of them can be run alone: `shardc sdy-opt -sdy-add-data-flow-edges …`.
 */
import type { EditModule, EditValue } from '../../ir/edit.ts';
import { type Diagnostic, userError } from '../../ir/diagnostics.ts';
import { ruleText } from '../../ir/factors.ts';
import type { Registry } from '../../ir/op.ts';
import type { ValueId } from '../../ir/program.ts';
import { aggressive } from '../propagate/aggressive.ts';
import { basic } from '../propagate/basic.ts';
import { NoCauses } from '../propagate/causes.ts';
import { Driver, type Step } from '../propagate/fixed-point.ts';
import { Graph } from '../propagate/graph.ts';
import { opPriority } from '../propagate/op-priority.ts';
import { identityRule, RuleTable } from '../propagate/rules.ts';
import { BOTH } from '../propagate/strategy.ts';
import { userPriority } from '../propagate/user-priority.ts';
import { applyConstraints } from './apply-constraints.ts';
import {
  dropUnused,
  exportComputations,
  flattenCalls,
  edgesAtComputations,
  importCalls,
  reshardResults,
  resultsOfFunctions,
  unflattenCalls,
} from './calls.ts';
import {
  cleanManualAxes,
  closeLayouts,
  constraintsToReshards,
  divideEvenly,
  inlineMeshes,
  layoutsToCalls,
  removeGroups,
  removeSizeOneAxes,
  removeSubAxes,
  uniteMeshes,
} from './clean-layouts.ts';
import { mergeConstants, splitConstants, unfoldableConstants } from './constants.ts';
import { canonicalize } from './canonicalize/canonicalize.ts';
import { addDataFlowEdges, sinkDataFlowEdges } from './data-flow-edges.ts';
import { type DebugLogs, debugLogs } from './debug.ts';
import { insertExplicitReshards } from './explicit-reshards.ts';
import { addFuncEdges, sinkFuncEdges } from './func-edges.ts';
import { importShardingGroups, syncGroups } from './sharding-groups.ts';

export interface SdyContext {
  readonly registry: Registry;
  report(diagnostic: Diagnostic): void;
}

export interface SdyPass {
  readonly doc: string;
  /** Names of options, for messages. */
  readonly options?: readonly string[];
  run(module: EditModule, options: ReadonlyMap<string, string>, ctx: SdyContext): void;
}

const pass = (doc: string, run: SdyPass['run'], options: readonly string[] = []): SdyPass => ({ doc, run, options });
const isOn = (options: ReadonlyMap<string, string>, name: string): boolean => options.get(name) === 'true';

type Level = 'basic' | 'aggressive' | 'op-priority' | 'user-priority';
const PROPAGATION_OPTIONS = [
  'conservative-propagation',
  'keep-sharding-rules',
  'propagation-strategy',
  'debug-sharding-origins',
  'debug-propagation-edge-sharding',
];

const propagateAt =
  (level: Level): SdyPass['run'] =>
  (module, options, ctx) => {
    const conservative = isOn(options, 'conservative-propagation');
    const logs = debugLogs(module, options);
    syncGroups(module, ctx.report);
    const graph = new Graph(module, ctx.registry, { conservative });
    const driver = new Driver(graph, new NoCauses(), logs === undefined ? undefined : watcher(graph, logs));
    const strategy = level === 'basic' || options.get('propagation-strategy') === 'basic' ? basic : aggressive;
    if (level === 'user-priority') userPriority(driver, strategy);
    else if (level === 'op-priority') opPriority(driver, strategy);
    else driver.run(strategy, () => BOTH);
    graph.writeBack();
    logs?.save();
    if (isOn(options, 'keep-sharding-rules')) populateRules(module, ctx.registry, conservative);
    else dropRules(module);
  };

const watcher =
  (graph: Graph, logs: DebugLogs) =>
  (step: Step): void => {
    const values = (ids: readonly ValueId[]): EditValue[] => ids.map((v) => graph.values[v] as EditValue);
    const at = step.node?.op ?? graph.main;
    if (at === undefined) return;
    const [operands, results] = [values(step.operands), values(step.results)];
    logs.step({ at, mesh: step.mesh, operands, results, before: step.before, after: step.after });
  };

function populateRules(module: EditModule, registry: Registry, conservative: boolean): void {
  const rules = new RuleTable(registry, { conservative });
  for (const op of module.ops()) {
    const rule = rules.of(op);
    if (rule === undefined) continue;
    const custom = typeof op.attrs.rule === 'string' && /,\s*custom/.test(op.attrs.rule) ? ', custom' : '';
    op.attrs = { ...op.attrs, rule_text: `${ruleText(rule)}${custom}` };
  }
}

function dropRules(module: EditModule): void {
  for (const op of module.ops()) {
    if (op.attrs.rule_text === undefined) continue;
    const { rule_text: _, ...attrs } = op.attrs;
    op.attrs = attrs;
  }
}

export const SDY_PASSES: Readonly<Record<string, SdyPass>> = {
  'symbol-dce': pass('drops private functions that nothing calls', dropUnused),
  'sdy-lift-inlined-meshes': pass('meshes that are alike become one', uniteMeshes),
  'sdy-inline-meshes': pass('meshes stand inside the shardings that use them', inlineMeshes),
  'sdy-remove-size-one-axes': pass('axes of size 1 leave the layouts', removeSizeOneAxes),
  'sdy-propagate-sharding-from-func-to-call': pass('calls take the layouts of their callee’s results', layoutsToCalls),
  'sdy-constant-or-scalar-splitter': pass('a copy of a constant per use', (m, _, ctx) => {
    unfoldableConstants(m);
    splitConstants(m, ctx.registry);
  }),
  'sdy-manual-axes-cleanup': pass('manual axes in mesh order, unused ones replicated', cleanManualAxes),
  'sdy-add-data-flow-edges': pass('edges at the ends of loops, branches, barriers and computations', addDataFlowEdges),
  'sdy-flatten-call-graph': pass('a function of its own for every call', flattenCalls),
  'sdy-import-func-calls': pass(
    'calls become named computations',
    (m, options) => {
      importCalls(m);
      if (options.get('add-data-flow-edges-on-named-computations') !== 'false') edgesAtComputations(m);
    },
    ['add-data-flow-edges-on-named-computations'],
  ),
  'sdy-apply-sharding-constraints': pass(
    'constraints lay out what they constrain',
    (m, options) => {
      const logs = debugLogs(m, options);
      for (const op of applyConstraints(m, logs))
        op.attrs = { ...op.attrs, rule_text: ruleText(identityRule(op.result.type)) };
      logs?.save();
    },
    ['debug-sharding-origins', 'debug-propagation-edge-sharding'],
  ),
  'sdy-sharding-group-import': pass('groups that share a value become one', importShardingGroups),
  'sdy-add-func-data-flow-edges': pass('edges at the ends of calls', addFuncEdges),
  'sdy-sink-func-data-flow-edges': pass('those edges leave their layouts at the ends', sinkFuncEdges),
  'sdy-pre-order-funcs': pass('callers before callees', () => {}),
  'sdy-basic-propagate': pass('propagates what is compatible', propagateAt('basic'), PROPAGATION_OPTIONS),
  'sdy-aggressive-propagate': pass(
    'the same, conflicts resolved by a fixed order',
    propagateAt('aggressive'),
    PROPAGATION_OPTIONS,
  ),
  'sdy-op-priority-propagate': pass('the same, op by op kind', propagateAt('op-priority'), PROPAGATION_OPTIONS),
  'sdy-user-priority-propagate': pass('the same, p0 before p1', propagateAt('user-priority'), PROPAGATION_OPTIONS),
  'sdy-populate-op-sharding-rules': pass(
    'writes the rule of every op',
    (m, options, ctx) => populateRules(m, ctx.registry, isOn(options, 'conservative-propagation')),
    ['conservative-propagation'],
  ),
  'sdy-export-named-computations': pass('named computations become functions and calls', exportComputations),
  'sdy-propagate-to-func-results': pass('functions’ results take the layouts of what they return', resultsOfFunctions),
  'sdy-unflatten-call-graph': pass(
    'functions that are alike become one',
    (m, options) => unflattenCalls(m, { fully: isOn(options, 'dedup-functions-fully') }),
    ['dedup-functions-fully'],
  ),
  'sdy-insert-func-call-reshards': pass('a reshard where a call’s result is wanted otherwise', reshardResults),
  'sdy-constant-or-scalar-merger': pass('constants that are alike become one again', mergeConstants),
  'sdy-sink-data-flow-edges': pass(
    'edges leave their layouts to their owners',
    (m, options) =>
      sinkDataFlowEdges(m, {
        origins: isOn(options, 'sink-debug-sharding-origins'),
        edges: isOn(options, 'sink-debug-propagation-edge-sharding'),
      }),
    ['sink-debug-sharding-origins', 'sink-debug-propagation-edge-sharding'],
  ),
  'sdy-remove-sharding-groups': pass('drops sharding groups', removeGroups),
  'sdy-sharding-constraint-to-reshard': pass('constraints become reshards', constraintsToReshards),
  'sdy-update-non-divisible-input-output-shardings': pass('what enters and leaves divides evenly', divideEvenly),
  'sdy-remove-sub-axes-in-input-output-shardings': pass(
    'no sub-axes on open dims of inputs and outputs',
    removeSubAxes,
  ),
  'sdy-close-shardings': pass('no dim may take more axes', closeLayouts),
  'sdy-insert-explicit-reshards': pass(
    'reshards at calls, concatenates and dots that need them, or at all ops',
    (m, options, ctx) => insertExplicitReshards(m, ctx.registry, isOn(options, 'enable-full-version')),
    ['enable-full-version'],
  ),
  canonicalize: pass(
    'drops ops that nothing reads, and folds collectives, reshards and computations that say nothing',
    (m, options) => canonicalize(m, options.get('enable-patterns') === 'sdy-collective' ? 'collectives' : 'all'),
    ['enable-patterns'],
  ),
  'sdy-drop-sharding-rules': pass('drops written rules', dropRules),
};

const PROPAGATION_PIPELINE = [
  'symbol-dce',
  'sdy-lift-inlined-meshes',
  'sdy-remove-size-one-axes',
  'sdy-propagate-sharding-from-func-to-call',
  'sdy-constant-or-scalar-splitter',
  'symbol-dce',
  'sdy-manual-axes-cleanup',
  'sdy-add-data-flow-edges',
  'sdy-flatten-call-graph',
  'symbol-dce',
  'sdy-import-func-calls',
  'symbol-dce',
  'sdy-apply-sharding-constraints',
  'sdy-sharding-group-import',
  'sdy-pre-order-funcs',
  'sdy-user-priority-propagate',
  'sdy-export-named-computations',
  'sdy-propagate-to-func-results',
  'sdy-unflatten-call-graph',
  'symbol-dce',
  'sdy-insert-func-call-reshards',
  'sdy-constant-or-scalar-merger',
  'sdy-sink-data-flow-edges',
  'sdy-remove-sharding-groups',
  'sdy-sharding-constraint-to-reshard',
  'sdy-update-non-divisible-input-output-shardings',
  'sdy-remove-sub-axes-in-input-output-shardings',
  'sdy-close-shardings',
  'sdy-insert-explicit-reshards',
  'canonicalize=enable-patterns=sdy-collective',
  'sdy-drop-sharding-rules',
];

/** In place of copies: functions keep one body, and edges at the ends of calls carry layouts in and out. */
const SHARED_FUNCTIONS = [
  'sdy-apply-sharding-constraints',
  'sdy-sharding-group-import',
  'sdy-add-func-data-flow-edges',
  'sdy-pre-order-funcs',
  'sdy-user-priority-propagate',
  'sdy-propagate-to-func-results',
  'sdy-sink-func-data-flow-edges',
];

/** The two halves around propagation that Shardy names. */
const PIPELINES: Readonly<Record<string, (options: ReadonlyMap<string, string>) => readonly string[]>> = {
  'sdy-import-pipeline': (options) => [
    ...PROPAGATION_PIPELINE.slice(0, 8),
    ...(isOn(options, 'dedup-functions-fully') ? SHARED_FUNCTIONS.slice(0, 2) : []),
  ],
  'sdy-export-pipeline': () => PROPAGATION_PIPELINE.slice(21),
  'sdy-propagation-pipeline': (options) =>
    isOn(options, 'dedup-functions-fully')
      ? [...PROPAGATION_PIPELINE.slice(0, 8), ...SHARED_FUNCTIONS, ...PROPAGATION_PIPELINE.slice(18)]
      : PROPAGATION_PIPELINE,
};

/** Runs sdy_opt's flags in order: `-sdy-basic-propagate`, `-sdy-basic-propagate=conservative-propagation=true`. */
export function runSdyPasses(
  module: EditModule,
  flags: readonly string[],
  registry: Registry,
  report: (diagnostic: Diagnostic) => void,
): void {
  const ctx = { registry, report };
  for (const flag of flags) {
    const [name, options] = parseFlag(flag);
    const pipeline = Object.hasOwn(PIPELINES, name) ? PIPELINES[name] : undefined;
    if (pipeline !== undefined) runSdyPasses(module, pipeline(options), registry, report);
    else passNamed(name).run(module, options, ctx);
  }
}

function parseFlag(flag: string): [string, ReadonlyMap<string, string>] {
  const [, name = '', rest = ''] = /^-*([^=]*)=?(.*)$/s.exec(flag) ?? [];
  const options = rest
    .replace(/^\{|\}$/g, '')
    .split(/\s+/)
    .filter((o) => o !== '');
  return [name, new Map(options.map((o) => o.split('=') as [string, string]))];
}

function passNamed(name: string): SdyPass {
  const found = Object.hasOwn(SDY_PASSES, name) ? SDY_PASSES[name] : undefined;
  if (found === undefined)
    throw userError('SH0701', `there is no pass "${name}"`, {
      expected: [...Object.keys(PIPELINES), ...Object.keys(SDY_PASSES)].join(', '),
    });
  return found;
}
