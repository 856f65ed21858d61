/** The report: what the program costs and whether it was proved, as plain data. All figures per device and per step. */
import { layoutText } from '../ir/layout.ts';
import type { AxisRef } from '../ir/mesh.ts';
import { mainFunction, meshOf, type Origin, valueInfo } from '../ir/program.ts';
import { type TensorType, typeText } from '../ir/types.ts';
import { schedule } from '../passes/schedule/schedule.ts';
import { paceOn } from '../runtime-sim/cost/pace.ts';
import type { Machine } from '../runtime-sim/machine/machine.ts';
import type { PlacementWish } from '../runtime-sim/machine/placement.ts';
import {
  type CollectiveTotal,
  type Costed,
  costed,
  type CostReport,
  type PlaceTotal,
} from '../runtime-sim/cost/report.ts';
import { type PaddingCost, paddingCost } from '../runtime-sim/cost/padding-cost.ts';
import { type AliveRow, aliveRows, donatedArguments } from '../runtime-sim/outputs/tables.ts';
import type { CheckOutcome } from './check.ts';
import type { Compiled } from './compile.ts';
import type { Drift } from './reduction-drift.ts';
import { nameOf, sourceOf } from './explain/chain.ts';
import { axesText, pricedConflicts } from './explain/conflicts.ts';
import { movesOf } from './explain/moves.ts';
import { place } from './explain/places.ts';

export interface LayoutRow {
  readonly name: string;
  /** What the user calls an argument, where the program says. */
  readonly label?: string;
  readonly type: string;
  readonly layout: string;
}

/** Layouts that met and cannot be had at once. */
export interface ConflictRow {
  readonly op: string;
  readonly where: string;
  readonly candidates: readonly {
    readonly value: string;
    readonly dim: number;
    readonly axes: string;
    readonly from: string;
  }[];
  /** Index of the candidate that the op's result follows; null = none. */
  readonly winner: number | null;
  readonly why: string;
  /** What the op moves. */
  readonly bytes: number;
}

export interface Report {
  readonly mesh: Readonly<Record<string, number>>;
  readonly layouts: { readonly arguments: readonly LayoutRow[]; readonly results: readonly LayoutRow[] };
  readonly collectives: Readonly<Record<string, CollectiveTotal>>;
  readonly conflicts: readonly ConflictRow[];
  readonly wireBytes: number;
  readonly flops: number;
  /** Matrix arithmetic that the program does again to save memory. */
  readonly recomputedFlops: number;
  /** What of the matrix arithmetic and of the wire is spent on padding, on average over the devices; causes up to 32. */
  readonly padding: PaddingCost;
  readonly peakMemoryBytes: number;
  readonly memory: {
    readonly deviceBytes: number;
    readonly argumentBytes: number;
    readonly fits: boolean;
    /** At the peak, largest first, up to 32. */
    readonly alive: readonly AliveRow[];
    readonly donated: readonly { readonly value: string; readonly bytes: number }[];
  };
  /** computeSeconds + exposedSeconds: communication counts where computing waits for it. */
  readonly stepSeconds: number;
  readonly computeSeconds: number;
  readonly exposedSeconds: number;
  readonly commSeconds: number;
  /** Matrix products at peak over the step: all of them (hardware), and without what is recomputed (model). */
  readonly utilization: number;
  readonly modelUtilization: number;
  readonly machine: string;
  /** How the mesh lies on a torus. */
  readonly placement?: string;
  /** What one device puts on each kind of link. */
  readonly links: CostReport['links'];
  readonly timeByClass: CostReport['classes'];
  /** By source line, dearest first, up to 1024. */
  readonly timeBySource: readonly PlaceTotal[];
  readonly loopsOfUnknownLength: number;
  readonly passes: readonly { readonly name: string; readonly ms: number }[];
  readonly check: CheckOutcome;
  /** With --reduction-order. */
  readonly drift?: Drift;
}

const MAX_ALIVE = 32;
const MAX_CAUSES = 32;
const MAX_PLACES = 1024;

export function makeReport(
  compiled: Compiled,
  machine: Machine,
  check: CheckOutcome,
  wish: PlacementWish = {},
): { report: Report; cost: CostReport; costed: Costed } {
  const { module, registry } = compiled;
  const scheduled = module.level === 'local' ? schedule(module, paceOn(machine, registry, wish)) : module;
  const everything = costed(scheduled, registry, machine, wish);
  const cost = everything.report;
  const padding = paddingCost(scheduled, registry);
  const mesh = compiled.module.meshes[0];
  const report: Report = {
    mesh: Object.fromEntries((mesh?.axes ?? []).map((a) => [a.name, a.size])),
    layouts: layoutsOf(compiled),
    collectives: Object.fromEntries(Object.entries(cost.collectives).filter(([kind]) => kind !== 'all_slice')),
    conflicts: conflictRows(compiled),
    wireBytes: cost.wireBytes,
    flops: cost.flops,
    recomputedFlops: cost.recomputedFlops,
    padding: { ...padding, causes: padding.causes.slice(0, MAX_CAUSES) },
    peakMemoryBytes: cost.peakMemoryBytes,
    memory: {
      deviceBytes: machine.memory.bytes,
      argumentBytes: cost.argumentBytes,
      fits: cost.fitsMemory,
      alive: aliveRows(everything).slice(0, MAX_ALIVE),
      donated: donatedArguments(mainFunction(scheduled)),
    },
    stepSeconds: cost.stepSeconds,
    computeSeconds: cost.computeSeconds,
    exposedSeconds: cost.exposedSeconds,
    commSeconds: cost.commSeconds,
    utilization: cost.utilization,
    modelUtilization: cost.modelUtilization,
    machine: cost.machine,
    ...(cost.placement === undefined ? {} : { placement: cost.placement }),
    links: cost.links,
    timeByClass: cost.classes,
    timeBySource: cost.places.slice(0, MAX_PLACES),
    loopsOfUnknownLength: cost.loopsOfUnknownLength,
    passes: compiled.passes,
    check,
  };
  return { report, cost, costed: everything };
}

/** The dearest first. */
function conflictRows(compiled: Compiled): ConflictRow[] {
  return pricedConflicts(compiled, movesOf(compiled)).map(({ conflict, bytes }) => ({
    op: conflict.op.kind,
    where: place(conflict.op.origin, compiled.source.source).trim(),
    candidates: conflict.candidates.map((c) => ({
      value: nameOf(compiled, c.value),
      dim: c.dim,
      axes: axesText(compiled, c),
      from: sourceOf(compiled, c.value, c.axes[0] as AxisRef),
    })),
    winner: conflict.winner ?? null,
    why: conflict.why,
    bytes,
  }));
}

/** As JAX and the TypeScript language name it, by its place in the result's tree. */
function resultName(attrs: string | undefined, i: number): string {
  const path = /jax\.result_info = "(?:result)?([^"]*)"/.exec(attrs ?? '')?.[1];
  return path === undefined || path === '' ? `result ${i}` : path;
}

const labelOf = (origin: Origin | undefined): Pick<LayoutRow, 'label'> =>
  origin?.label === undefined ? {} : { label: origin.label };

function layoutsOf(compiled: Compiled): Report['layouts'] {
  const local = mainFunction(compiled.module);
  const source = mainFunction(compiled.source);
  const text = (layout: Parameters<typeof layoutText>[1] | undefined): string =>
    layout === undefined ? '' : layoutText(meshOf(compiled.module, layout.mesh), layout);
  return {
    arguments: local.body.params.map((p, i) => ({
      name: `%${valueInfo(local, p).name ?? i}`,
      ...labelOf(valueInfo(source, source.body.params[i] ?? p).origin),
      type: typeText(valueInfo(source, source.body.params[i] ?? p).type),
      layout: text(valueInfo(local, p).layout),
    })),
    results: local.resultLayouts.map((l, i) => ({
      name: resultName(source.resultAttrs[i], i),
      type: typeText(source.resultTypes[i] as TensorType),
      layout: text(l),
    })),
  };
}
