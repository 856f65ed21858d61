/**
 * In what order each stage of a pipeline does its work. `F` is a microbatch forward through a chunk of layers, `B` its way
 * back, `W` the part of it that computes gradients of weights where a schedule does that apart (then `B` is only the part
 * that the stage before waits for).
 *
 *   1F1B, 4 stages, 4 microbatches:   stage 0  F0 F1 F2 F3 B0 B1 B2 B3
 *                                     stage 2  F0 F1 B0 F2 B1 F3 B2 B3
 *                                     stage 3  F0 B0 F1 B1 F2 B2 F3 B3
 */

export const SCHEDULES = ['gpipe', '1f1b', 'interleaved', 'zero-bubble'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

export interface Action {
  readonly kind: 'F' | 'B' | 'W';
  readonly microbatch: number;
  /** Of the stage's chunks of layers, first to last; 0 where it has one. */
  readonly chunk: number;
}

export interface PipelineShape {
  readonly stages: number;
  /** Chunks of layers per stage: virtual stages. */
  readonly chunks: number;
  readonly microbatches: number;
}

/** Per stage its actions, first to last. Interleaved orders need microbatches in whole rounds of the stages. */
export function orderOf(schedule: ScheduleName, shape: PipelineShape): readonly (readonly Action[])[] {
  const oneStage = { gpipe: allForward, '1f1b': oneForwardOneBackward, interleaved, 'zero-bubble': zeroBubble }[
    schedule
  ];
  return Array.from({ length: shape.stages }, (_, stage) => oneStage(shape, stage));
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** GPipe (arXiv:1811.06965): everything forward, then everything back, last microbatch first. */
function allForward({ microbatches }: PipelineShape): Action[] {
  return [
    ...upTo(microbatches).map((microbatch): Action => ({ kind: 'F', microbatch, chunk: 0 })),
    ...upTo(microbatches).map((i): Action => ({ kind: 'B', microbatch: microbatches - 1 - i, chunk: 0 })),
  ];
}

/** PipeDream-flush (arXiv:2104.04473, figure 4): a stage holds at most as many microbatches as stages follow, and itself. */
function oneForwardOneBackward({ stages, microbatches }: PipelineShape, stage: number): Action[] {
  const ahead = Math.min(stages - 1 - stage, microbatches);
  return alternate(ahead, microbatches, (kind, i) => ({ kind, microbatch: i, chunk: 0 }));
}

/** The same with several chunks per stage (figure 4, below): microbatches in rounds of `stages`, chunk after chunk. */
function interleaved({ stages, chunks, microbatches }: PipelineShape, stage: number): Action[] {
  const total = microbatches * chunks;
  const ahead = microbatches === stages ? total : Math.min(total, 2 * (stages - 1 - stage) + (chunks - 1) * stages);
  return alternate(ahead, total, (kind, i) => {
    const round = Math.floor(i / stages) % chunks;
    return {
      kind,
      microbatch: Math.floor(i / (stages * chunks)) * stages + (i % stages),
      chunk: kind === 'F' ? round : chunks - 1 - round,
    };
  });
}

/**
 * ZB-H1 (arXiv:2401.10241): the order of 1F1B, where stage s does its gradients of weights s microbatches late. They fill
 * the time that it would wait at the end; no stage holds more microbatches than the first does under 1F1B.
 */
function zeroBubble(shape: PipelineShape, stage: number): Action[] {
  const late = Math.min(stage, shape.microbatches);
  const actions = oneForwardOneBackward(shape, stage).flatMap((a): Action[] => {
    const microbatch = a.microbatch - late;
    return a.kind === 'B' && microbatch >= 0 ? [a, { kind: 'W', microbatch, chunk: 0 }] : [a];
  });
  const rest = upTo(late).map((i): Action => ({ kind: 'W', microbatch: shape.microbatches - late + i, chunk: 0 }));
  return [...actions, ...rest];
}

/** `ahead` forward, then one forward and one back in turn, then the rest back. */
function alternate(ahead: number, total: number, at: (kind: 'F' | 'B', i: number) => Action): Action[] {
  return [
    ...upTo(ahead).map((i) => at('F', i)),
    ...upTo(total - ahead).flatMap((i) => [at('F', ahead + i), at('B', i)]),
    ...upTo(ahead).map((i) => at('B', total - ahead + i)),
  ];
}
