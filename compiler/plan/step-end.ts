/** After its last microbatch a stage sums its gradients over replicas and updates its weights. */
import { registry } from '../../ir/ops/index.ts';
import { DTYPES } from '../../ir/types.ts';
import { type CostReport, costed } from '../../runtime-sim/cost/report.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { Axes } from './axes.ts';
import type { Description } from './description.ts';
import { optimizerProgram } from './optimizer-program.ts';
import { wireOf } from './part-cost.ts';
import type { Stage } from './stages.ts';

export interface StepEnd {
  /** After the last way back. */
  readonly seconds: number;
  /** Of these, sums of gradients. */
  readonly gradientSeconds: number;
  readonly wireBytes: Readonly<Record<string, number>>;
  readonly stateBytes: number;
}

/** Stages of equal size share one program. `lastBackward`: seconds that a stage's sums may run beside, where they overlap. */
export function stepEnds(
  stages: readonly Stage[],
  d: Description,
  axes: Axes,
  machine: Machine,
  lastBackward: (stage: number) => number,
): StepEnd[] {
  const priced = new Map<number, { readonly report: CostReport; readonly stateBytes: number }>();
  return stages.map((stage, s) => {
    const elements = stage.sumBytes / (DTYPES[d.gradients].bits / 8);
    let own = priced.get(elements);
    if (own === undefined) {
      const { local, stateBytes } = optimizerProgram(elements, d, axes);
      priced.set(elements, (own = { report: costed(local, registry, machine).report, stateBytes }));
    }
    const { report, stateBytes } = own;
    const { all_gather, ...sums } = report.collectives;
    const summing = Object.values(sums).reduce((n, c) => n + c.seconds, 0);
    const layers = stage.chunks.reduce((n, c) => n + c.parts.reduce((k, [, times]) => k + times, 0), 0);
    // The last layer's gradients are there only when nothing is left to run beside.
    const beside = d.overlap.gradients ? Math.min(summing * (1 - 1 / layers), lastBackward(s)) : 0;
    const seconds = report.stepSeconds - beside;
    return { seconds, gradientSeconds: summing - beside, wireBytes: wireOf(report), stateBytes };
  });
}
