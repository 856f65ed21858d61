/**
 * A pipeline's step in time: each stage does its actions in order, each as soon as what it needs has arrived. What a chunk
 * of layers hands on is sent to the stage of the next chunk (from the last stage to the first, where a stage has several
 * chunks); a send takes its link alone. Discrete events, O(actions).
 */
import { internalError } from '../../ir/diagnostics.ts';
import type { Action, PipelineShape } from './order.ts';

/** Seconds of one action. */
export type Seconds = (stage: number, action: Action) => number;

export interface PipelineWork {
  readonly seconds: Seconds;
  /** Of handing one microbatch's activations, or their gradients, from a stage to another. */
  readonly send: (from: number, to: number) => number;
  /** Does a stage wait for its own sends (and so do no work meanwhile)? */
  readonly blockingSends: boolean;
}

export interface ActionSpan extends Action {
  readonly stage: number;
  readonly start: number;
  readonly seconds: number;
}

export interface PipelineRun {
  /** When the last action ends. */
  readonly seconds: number;
  readonly spans: readonly ActionSpan[];
  /** Per stage: its own work, and when its last action ends. */
  readonly busy: readonly number[];
  readonly ends: readonly number[];
  /** Per stage: seconds its own sends kept it from working. */
  readonly sending: readonly number[];
}

export function simulatePipeline(
  order: readonly (readonly Action[])[],
  shape: PipelineShape,
  work: PipelineWork,
): PipelineRun {
  const run = new Run(order, shape, work);
  run.all();
  return {
    seconds: run.now.reduce((a, b) => Math.max(a, b), 0),
    spans: run.spans,
    busy: run.busy,
    ends: run.now,
    sending: run.sending,
  };
}

class Run {
  readonly spans: ActionSpan[] = [];
  readonly now: number[];
  readonly busy: number[];
  readonly sending: number[];
  private readonly next: number[];
  private readonly order: readonly (readonly Action[])[];
  private readonly shape: PipelineShape;
  private readonly work: PipelineWork;
  /** When inputs are there: [virtual stage × microbatch], NaN as long as nobody has made them. */
  private readonly forwardAt: Float64Array;
  private readonly backAt: Float64Array;
  private readonly linkFree = new Map<string, number>();

  constructor(order: readonly (readonly Action[])[], shape: PipelineShape, work: PipelineWork) {
    const { stages, chunks, microbatches } = shape;
    [this.order, this.shape, this.work] = [order, shape, work];
    [this.now, this.busy, this.sending, this.next] = [0, 0, 0, 0].map(() => Array<number>(stages).fill(0)) as [
      number[],
      number[],
      number[],
      number[],
    ];
    this.forwardAt = new Float64Array(stages * chunks * microbatches).fill(Number.NaN);
    this.backAt = this.forwardAt.slice();
    this.forwardAt.fill(0, 0, microbatches);
  }

  all(): void {
    const todo = this.order.map((_, stage) => stage).toReversed();
    for (let stage = todo.pop(); stage !== undefined; stage = todo.pop()) {
      for (let action = this.headOf(stage); action !== undefined; action = this.headOf(stage)) {
        const at = this.inputAt(stage, action);
        if (Number.isNaN(at)) break;
        const woken = this.perform(stage, action, at);
        if (woken !== undefined && woken !== stage) todo.push(woken);
      }
    }
    const stuck = this.order.findIndex((list, stage) => (this.next[stage] as number) < list.length);
    if (stuck >= 0) throw internalError(`pipeline: stage ${stuck} waits for what no stage makes`);
  }

  private headOf(stage: number): Action | undefined {
    return this.order[stage]?.[this.next[stage] as number];
  }

  private inputAt(stage: number, { kind, microbatch, chunk }: Action): number {
    if (kind === 'W') return 0;
    return (kind === 'F' ? this.forwardAt : this.backAt)[this.place(stage, chunk, microbatch)] as number;
  }

  private place(stage: number, chunk: number, microbatch: number): number {
    return (chunk * this.shape.stages + stage) * this.shape.microbatches + microbatch;
  }

  /** Gives the stage that may go on because of it. */
  private perform(stage: number, action: Action, inputAt: number): number | undefined {
    const start = Math.max(this.now[stage] as number, inputAt);
    const seconds = this.work.seconds(stage, action);
    this.spans.push({ ...action, stage, start, seconds });
    this.busy[stage] = (this.busy[stage] as number) + seconds;
    this.now[stage] = start + seconds;
    this.next[stage] = (this.next[stage] as number) + 1;
    return action.kind === 'W' ? undefined : this.handOn(stage, action);
  }

  private handOn(stage: number, { kind, microbatch, chunk }: Action): number | undefined {
    const { stages, chunks } = this.shape;
    const here = chunk * stages + stage;
    const made = this.now[stage] as number;
    if (kind === 'F' && here === stages * chunks - 1) {
      this.backAt[this.place(stage, chunk, microbatch)] = made;
      return undefined;
    }
    if (kind === 'B' && here === 0) return undefined;
    const to = kind === 'F' ? here + 1 : here - 1;
    const arrived = this.send(stage, to % stages, made);
    (kind === 'F' ? this.forwardAt : this.backAt)[to * this.shape.microbatches + microbatch] = arrived;
    return to % stages;
  }

  private send(from: number, to: number, made: number): number {
    const seconds = from === to ? 0 : this.work.send(from, to);
    const link = `${from}>${to}`;
    const arrived = Math.max(made, this.linkFree.get(link) ?? 0) + seconds;
    this.linkFree.set(link, arrived);
    if (this.work.blockingSends) {
      this.sending[from] = (this.sending[from] as number) + arrived - made;
      this.now[from] = arrived;
    }
    return arrived;
  }
}
