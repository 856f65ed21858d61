/** Bytes that a device of each stage holds: what stays, and activations of microbatches on their way. */
import type { PipelineRun } from '../../runtime-sim/pipeline/simulate.ts';
import type { Stage } from './stages.ts';
import type { StepEnd } from './step-end.ts';

export interface StageMemory {
  readonly weightBytes: number;
  readonly gradientBytes: number;
  /** Master weights and the optimizer's state. */
  readonly optimizerBytes: number;
  /** Kept between forward and backward, at the most. */
  readonly activationBytes: number;
  /** What one program takes beside its arguments. */
  readonly workingBytes: number;
  readonly totalBytes: number;
}

export function heldBytes(stages: readonly Stage[], { spans }: PipelineRun, ends: readonly StepEnd[]): StageMemory[] {
  const held = stages.map(() => 0);
  const most = stages.map(() => 0);
  const apart = spans.some((s) => s.kind === 'W');
  for (const { stage, kind, chunk } of spans) {
    const kept = stages[stage]?.chunks[chunk]?.keptBytes ?? 0;
    const change = kind === 'F' ? kept : kind === (apart ? 'W' : 'B') ? -kept : 0;
    held[stage] = (held[stage] ?? 0) + change;
    most[stage] = Math.max(most[stage] ?? 0, held[stage] ?? 0);
  }
  return stages.map((stage, s) => {
    const working = stage.chunks.flatMap((c) => [c.forward.workingBytes, c.backward.workingBytes]);
    const memory = {
      weightBytes: stage.weightBytes,
      gradientBytes: stage.sumBytes,
      optimizerBytes: ends[s]?.stateBytes ?? 0,
      activationBytes: most[s] ?? 0,
      workingBytes: working.reduce((a, b) => Math.max(a, b), 0),
    };
    return { ...memory, totalBytes: Object.values(memory).reduce((a, b) => a + b, 0) };
  });
}
