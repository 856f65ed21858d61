/** The report: what the program costs and whether it was proved, as plain data. All figures per device and per step. */
import { layoutText } from '../ir/layout.ts';
import { registry as standard } from '../ir/ops/index.ts';
import { mainFunction, meshOf, type Module, valueInfo } from '../ir/program.ts';
import { elementCount, type TensorType, typeText } from '../ir/types.ts';
import { localize } from '../passes/partition/localize.ts';
import { internalError } from '../ir/diagnostics.ts';
import { type CheckResult, checkEquivalence } from '../runtime-sim/check.ts';
import { shrinkModule } from '../runtime-sim/shrink.ts';
import type { Machine } from '../runtime-sim/cost/machine.ts';
import { costOf, type CostReport } from '../runtime-sim/cost/report.ts';
import { deviceCount } from '../ir/mesh.ts';
import type { Compiled } from './compile.ts';

export type CheckMode = 'auto' | 'full' | 'shrunk' | 'off';

export interface CheckOutcome {
  readonly mode: 'full' | 'shrunk' | 'off';
  readonly devices: number;
  readonly maxRelError: number | null;
  readonly verdict: 'ok' | 'failed' | 'not run';
  /** Why it was not run, or what differs first. */
  readonly reason?: string;
}

export interface LayoutRow {
  readonly name: string;
  readonly type: string;
  readonly layout: string;
}

export interface Report {
  readonly mesh: Readonly<Record<string, number>>;
  readonly layouts: { readonly arguments: readonly LayoutRow[]; readonly results: readonly LayoutRow[] };
  readonly collectives: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
  readonly wireBytes: number;
  readonly flops: number;
  readonly peakMemoryBytes: number;
  readonly stepSeconds: number;
  readonly utilization: number;
  readonly machine: string;
  readonly loopsOfUnknownLength: number;
  readonly passes: readonly { readonly name: string; readonly ms: number }[];
  readonly check: CheckOutcome;
}

export function makeReport(compiled: Compiled, machine: Machine, check: CheckOutcome): { report: Report; cost: CostReport } {
  const cost = costOf(compiled.module, standard, machine);
  const mesh = compiled.module.meshes[0];
  const report: Report = {
    mesh: Object.fromEntries((mesh?.axes ?? []).map((a) => [a.name, a.size])),
    layouts: layoutsOf(compiled),
    collectives: Object.fromEntries(Object.entries(cost.collectives).filter(([kind]) => kind !== 'all_slice').map(([kind, c]) => [kind, { count: c.count, bytes: c.bytes }])),
    wireBytes: cost.wireBytes, flops: cost.flops, peakMemoryBytes: cost.peakMemoryBytes,
    stepSeconds: cost.stepSeconds, utilization: cost.utilization, machine: cost.machine, loopsOfUnknownLength: cost.loopsOfUnknownLength,
    passes: compiled.passes, check,
  };
  return { report, cost };
}

function layoutsOf(compiled: Compiled): Report['layouts'] {
  const local = mainFunction(compiled.module);
  const source = mainFunction(compiled.source);
  const text = (layout: Parameters<typeof layoutText>[1] | undefined): string => (layout === undefined ? '' : layoutText(meshOf(compiled.module, layout.mesh), layout));
  return {
    arguments: local.body.params.map((p, i) => ({
      name: `%${valueInfo(local, p).name ?? i}`, type: typeText(valueInfo(source, source.body.params[i] ?? p).type), layout: text(valueInfo(local, p).layout),
    })),
    results: local.resultLayouts.map((l, i) => ({ name: `result ${i}`, type: typeText(source.resultTypes[i] as TensorType), layout: text(l) })),
  };
}

/** Work and memory that a full check may take: 4 GFLOP of one-device work, 256 M elements held. */
const FULL_FLOPS = 4e9;
const FULL_ELEMENTS = 2.56e8;

/** Runs the check that was asked for, or says why it did not. */
export function runCheck(compiled: Compiled, mode: CheckMode, seed: number): CheckOutcome {
  const devices = deviceCount(compiled.module.meshes[0] ?? { name: '', axes: [] });
  const off = (reason: string): CheckOutcome => ({ mode: 'off', devices, maxRelError: null, verdict: 'not run', reason });
  if (mode === 'off') return off('--check off');
  const size = sizeOf(compiled.whole);
  const big = size.flops > FULL_FLOPS || size.elements > FULL_ELEMENTS;
  if (mode === 'shrunk' || (mode === 'auto' && big)) return shrunkCheck(compiled, seed);
  return outcome('full', checkEquivalence({ whole: compiled.whole, local: compiled.module, registry: standard, seed }));
}

/** Same ops, axes and groups at small extents, on the true mesh: with and without its collectives. */
function shrunkCheck(compiled: Compiled, seed: number): CheckOutcome {
  if (compiled.collective === undefined) throw internalError('the shrunk check needs the collective level');
  const { module } = shrinkModule(compiled.collective, standard);
  return outcome('shrunk', checkEquivalence({ whole: module, local: localize(module, standard), registry: standard, seed }));
}

function outcome(mode: 'full' | 'shrunk', result: CheckResult): CheckOutcome {
  const first = result.firstDifference;
  const reason = result.reason ?? (first === undefined ? undefined : `result ${first.result}, element [${first.index.join(', ')}] on device ${first.device}: expected ${first.expected}, got ${first.got}`);
  return { mode, devices: result.devices, maxRelError: result.maxRelError, verdict: result.verdict, ...(reason === undefined ? {} : { reason }) };
}

/** Matrix arithmetic and the largest arrays of the one-device program; loops times their trips. */
function sizeOf(module: Module): { flops: number; elements: number } {
  const func = mainFunction(module);
  let [flops, elements] = [0, 0];
  const stack = [{ block: func.body, times: 1 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const op of next.block.ops) {
      const types = (ids: typeof op.operands): TensorType[] => ids.map((v) => valueInfo(func, v).type);
      const results = types(op.results);
      elements += next.times === 1 ? results.reduce((n, t) => n + elementCount(t), 0) : 0;
      const def = standard[op.kind];
      const view = { kind: op.kind, attrs: op.attrs, regions: op.regions, operands: types(op.operands), results };
      flops += next.times * (def?.flops?.(view) ?? results.reduce((n, t) => n + elementCount(t), 0));
      const times = next.times * (op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1);
      if (op.kind === 'while' || op.kind === 'case') for (const block of op.regions) stack.push({ block, times });
    }
  }
  return { flops, elements };
}
