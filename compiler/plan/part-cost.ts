/** What the programs of one part of the model cost on a machine: seconds each way, flops, bytes on the wire, working memory. */
import { registry } from '../../ir/ops/index.ts';
import type { Module } from '../../ir/program.ts';
import { schedule } from '../../passes/schedule/schedule.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';
import { costed, type CostReport } from '../../runtime-sim/cost/report.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { StageProgram } from './stage-programs.ts';

/** Of one microbatch and one device. */
export interface PassCost {
  readonly seconds: number;
  /** Of these, waiting for links. */
  readonly exposedSeconds: number;
  readonly wireBytes: Readonly<Record<string, number>>;
  /** Of each kind of collective, on idle links. */
  readonly linkSeconds: Readonly<Record<string, number>>;
  /** Beside its arguments. */
  readonly workingBytes: number;
}

export interface PartCost {
  readonly forward: PassCost;
  readonly backward: PassCost;
  /** Where the schedule tells them apart. */
  readonly inputGradient: PassCost | undefined;
  readonly weightGradient: PassCost | undefined;
  /** Of matrix products, both ways: without and with what is computed again. */
  readonly modelFlops: number;
  readonly hardwareFlops: number;
}

export interface PartOptions {
  readonly machine: Machine;
  /** Collectives beside computing, where the program allows it. */
  readonly overlap: boolean;
  readonly apart: boolean;
}

export function partCost(program: StageProgram, options: PartOptions): PartCost {
  const { machine, apart } = options;
  const { report } = costed(program.whole, registry, machine);
  return {
    forward: passCost(program.forward, options),
    backward: passCost(program.backward, options),
    inputGradient: apart ? passCost(program.inputGradient, options) : undefined,
    weightGradient: apart ? passCost(program.weightGradient, options) : undefined,
    modelFlops: report.matrixFlops - report.recomputedFlops,
    hardwareFlops: report.matrixFlops,
  };
}

export function passCost(module: Module, { machine, overlap }: Pick<PartOptions, 'machine' | 'overlap'>): PassCost {
  const scheduled = overlap ? schedule(module, paceOn(machine, registry)) : module;
  const { report } = costed(scheduled, registry, machine);
  return {
    seconds: report.stepSeconds,
    exposedSeconds: report.exposedSeconds,
    wireBytes: wireOf(report),
    linkSeconds: Object.fromEntries(Object.entries(report.collectives).map(([kind, total]) => [kind, total.seconds])),
    workingBytes: Math.max(0, report.peakMemoryBytes - report.argumentBytes),
  };
}

export const wireOf = ({ collectives }: CostReport): Record<string, number> =>
  Object.fromEntries(Object.entries(collectives).map(([kind, total]) => [kind, total.bytes]));
