/**
 * What one training step of a description costs: the compiler's own programs of every stage, priced on the machine, played
 * in the order of the pipeline's schedule; then gradients are summed and weights updated.
 */
import { peakFlops, type Machine } from '../../runtime-sim/machine/machine.ts';
import { type Action, orderOf } from '../../runtime-sim/pipeline/order.ts';
import { type PipelineRun, simulatePipeline } from '../../runtime-sim/pipeline/simulate.ts';
import { axesOf } from './axes.ts';
import { type Description, devicesOf, microbatchesOf, scheduleOf } from './description.ts';
import { handingOn, type HandingOn } from './handing-on.ts';
import { heldBytes, type StageMemory } from './stage-memory.ts';
import type { PassCost } from './part-cost.ts';
import { type Stage, stagesOf } from './stages.ts';
import { type StepEnd, stepEnds } from './step-end.ts';

export interface PlanReport {
  readonly machine: string;
  readonly devices: number;
  readonly microbatches: number;
  readonly schedule: string;
  readonly stepSeconds: number;
  /** Of the slowest stage: its own work; waiting for other stages and sends; gradients and update after the last microbatch. */
  readonly computeSeconds: number;
  readonly sendSeconds: number;
  readonly waitSeconds: number;
  readonly gradientSeconds: number;
  readonly updateSeconds: number;
  /** Of the pipeline's time, without the step's end: what stages wait on average. */
  readonly bubbleShare: number;
  /** Of the work of stages: what computing waits for collectives of tensor, context, expert and zero-3 parallelism. */
  readonly exposedShare: number;
  readonly tokensPerSecondPerDevice: number;
  /** Matrix products of the programs over the step at peak rate; without and with what is computed again. */
  readonly modelUtilization: number;
  readonly hardwareUtilization: number;
  /** The same in flop/s per device. */
  readonly modelFlopsPerSecond: number;
  readonly hardwareFlopsPerSecond: number;
  /** Of the stage that holds most. */
  readonly memory: StageMemory;
  readonly fitsMemory: boolean;
  readonly stages: readonly StageMemory[];
  /** Wire bytes of one device and step, by kind, mean over stages. */
  readonly wireBytes: Readonly<Record<string, number>>;
  /** Seconds that each kind of collective takes in the programs of a microbatch's parts, times microbatches; mean over stages. */
  readonly linkSeconds: Readonly<Record<string, number>>;
  readonly parameters: number;
}

export interface Plan {
  readonly report: PlanReport;
  readonly run: PipelineRun;
  readonly ends: readonly StepEnd[];
}

export function planCost(d: Description, machine: Machine): Plan {
  const axes = axesOf(d);
  const { stages, parts } = stagesOf(d, axes, machine);
  const m = microbatchesOf(d);
  const shape = { stages: d.pp, chunks: d.virtual, microbatches: m };
  const send = handingOn(parts.layer.program.handedBytes, d, machine);
  const order = orderOf(scheduleOf(d), shape);
  const run = simulatePipeline(order, shape, {
    seconds: (stage, action) => secondsOf(stages[stage] as Stage, action, scheduleOf(d) === 'zero-bubble'),
    send: () => send.seconds,
    blockingSends: !d.overlap.sends,
  });
  const back = lastBackwards(run);
  const ends = stepEnds(stages, d, axes, machine, (s) => back.get(s) ?? 0);
  return { report: reportOf(d, machine, stages, run, ends, send, heldBytes(stages, run, ends)), run, ends };
}

function secondsOf(stage: Stage, { kind, chunk }: Action, apart: boolean): number {
  const cost = stage.chunks[chunk];
  if (cost === undefined) return 0;
  if (kind === 'F') return cost.forward.seconds;
  if (kind === 'W') return cost.weightGradient?.seconds ?? 0;
  return (apart ? cost.inputGradient : cost.backward)?.seconds ?? 0;
}

/** By stage, the seconds of its last way back: what sums of gradients may run beside. */
const lastBackwards = ({ spans }: PipelineRun): ReadonlyMap<number, number> =>
  new Map(spans.filter((s) => s.kind !== 'F').map((s) => [s.stage, s.seconds]));

function reportOf(
  d: Description,
  machine: Machine,
  stages: readonly Stage[],
  run: PipelineRun,
  ends: readonly StepEnd[],
  send: HandingOn,
  memories: readonly StageMemory[],
): PlanReport {
  const m = microbatchesOf(d);
  const finish = run.ends.map((end, s) => end + (ends[s]?.seconds ?? 0));
  const stepSeconds = finish.reduce((a, b) => Math.max(a, b));
  const last = finish.indexOf(stepSeconds);
  const mean = (of: (stage: Stage, s: number) => number): number =>
    stages.reduce((n, stage, s) => n + of(stage, s), 0) / stages.length;
  const perDevice = (pick: 'modelFlops' | 'hardwareFlops'): number =>
    (m * mean((s) => s.chunks.reduce((n, c) => n + c[pick], 0))) / stepSeconds;
  const peak = peakFlops(machine, d.dtype);
  const [model, hardware] = [perDevice('modelFlops'), perDevice('hardwareFlops')];
  const passes = stages.flatMap(passesOf);
  const memory = memories.reduce((most, s) => (s.totalBytes > most.totalBytes ? s : most));
  const devices = devicesOf(d);
  return {
    machine: machine.name,
    devices,
    microbatches: m,
    schedule: scheduleOf(d),
    stepSeconds,
    computeSeconds: run.busy[last] ?? 0,
    sendSeconds: run.sending[last] ?? 0,
    waitSeconds: (run.ends[last] ?? 0) - (run.busy[last] ?? 0) - (run.sending[last] ?? 0),
    gradientSeconds: ends[last]?.gradientSeconds ?? 0,
    updateSeconds: (ends[last]?.seconds ?? 0) - (ends[last]?.gradientSeconds ?? 0),
    bubbleShare: mean((_, s) => 1 - (run.busy[s] ?? 0) / run.seconds),
    exposedShare: passes.reduce((n, p) => n + p.exposedSeconds, 0) / passes.reduce((n, p) => n + p.seconds, 0),
    tokensPerSecondPerDevice: (d.batch * d.model.sequence) / stepSeconds / devices,
    modelUtilization: model / peak,
    hardwareUtilization: hardware / peak,
    modelFlopsPerSecond: model,
    hardwareFlopsPerSecond: hardware,
    memory,
    fitsMemory: memory.totalBytes <= machine.memory.bytes,
    stages: memories,
    wireBytes: wireBytes(d, stages, ends, send),
    linkSeconds: linkSeconds(d, stages),
    parameters: stages.reduce((n, s) => n + s.parameters, 0),
  };
}

function linkSeconds(d: Description, stages: readonly Stage[]): Record<string, number> {
  const m = microbatchesOf(d);
  return perKind(stages.flatMap(passesOf).map((p) => [p.linkSeconds, m / stages.length]));
}

function wireBytes(
  d: Description,
  stages: readonly Stage[],
  ends: readonly StepEnd[],
  send: HandingOn,
): Record<string, number> {
  const m = microbatchesOf(d);
  const total = perKind([
    ...stages.flatMap(passesOf).map((p) => [p.wireBytes, m / stages.length] as const),
    ...ends.map((end) => [end.wireBytes, 1 / stages.length] as const),
    [send.wireBytes, (2 * m * (d.pp * d.virtual - 1)) / stages.length],
  ]);
  return Object.fromEntries(Object.entries(total).filter(([, n]) => n > 0));
}

const passesOf = (stage: Stage): PassCost[] => stage.chunks.flatMap((c) => [c.forward, c.backward]);

/** Sums by kind of collective, each part as often as it runs. */
function perKind(parts: readonly (readonly [Readonly<Record<string, number>>, number])[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const [part, times] of parts)
    for (const [kind, n] of Object.entries(part)) total.set(kind, (total.get(kind) ?? 0) + n * times);
  return Object.fromEntries(total);
}
