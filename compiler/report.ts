/** The report: what the program costs and whether it was proved, as plain data. All figures per device and per step. */
import { layoutText } from '../ir/layout.ts';
import { mainFunction, meshOf, valueInfo } from '../ir/program.ts';
import { type TensorType, typeText } from '../ir/types.ts';
import type { Machine } from '../runtime-sim/cost/machine.ts';
import { costOf, type CostReport } from '../runtime-sim/cost/report.ts';
import type { CheckOutcome } from './check.ts';
import type { Compiled } from './compile.ts';

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

export function makeReport(
  compiled: Compiled,
  machine: Machine,
  check: CheckOutcome,
): { report: Report; cost: CostReport } {
  const cost = costOf(compiled.module, compiled.registry, machine);
  const mesh = compiled.module.meshes[0];
  const report: Report = {
    mesh: Object.fromEntries((mesh?.axes ?? []).map((a) => [a.name, a.size])),
    layouts: layoutsOf(compiled),
    collectives: Object.fromEntries(
      Object.entries(cost.collectives)
        .filter(([kind]) => kind !== 'all_slice')
        .map(([kind, c]) => [kind, { count: c.count, bytes: c.bytes }]),
    ),
    wireBytes: cost.wireBytes,
    flops: cost.flops,
    peakMemoryBytes: cost.peakMemoryBytes,
    stepSeconds: cost.stepSeconds,
    utilization: cost.utilization,
    machine: cost.machine,
    loopsOfUnknownLength: cost.loopsOfUnknownLength,
    passes: compiled.passes,
    check,
  };
  return { report, cost };
}

function layoutsOf(compiled: Compiled): Report['layouts'] {
  const local = mainFunction(compiled.module);
  const source = mainFunction(compiled.source);
  const text = (layout: Parameters<typeof layoutText>[1] | undefined): string =>
    layout === undefined ? '' : layoutText(meshOf(compiled.module, layout.mesh), layout);
  return {
    arguments: local.body.params.map((p, i) => ({
      name: `%${valueInfo(local, p).name ?? i}`,
      type: typeText(valueInfo(source, source.body.params[i] ?? p).type),
      layout: text(valueInfo(local, p).layout),
    })),
    results: local.resultLayouts.map((l, i) => ({
      name: `result ${i}`,
      type: typeText(source.resultTypes[i] as TensorType),
      layout: text(l),
    })),
  };
}
