/** `--emit trace`: a pipeline's step as a Chrome trace (JSON), which ui.perfetto.dev opens. A thread per stage. */
import type { Plan } from './plan-cost.ts';

const NAMES = { F: 'forward', B: 'backward', W: 'weight gradients' } as const;

export function planTrace({ report, run, ends }: Plan): string {
  const micro = (seconds: number): number => Math.round(seconds * 1e9) / 1e3;
  const names = run.ends.map((_, stage) => ({
    name: 'thread_name',
    ph: 'M',
    pid: 1,
    tid: stage,
    args: { name: `stage ${stage}` },
  }));
  const spans = run.spans.map(({ stage, kind, microbatch, chunk, start, seconds }) => ({
    name: `${NAMES[kind]} ${microbatch}`,
    ph: 'X',
    pid: 1,
    tid: stage,
    ts: micro(start),
    dur: micro(seconds),
    cat: NAMES[kind],
    args: { microbatch, chunk },
  }));
  const last = ends.map(({ seconds }, stage) => ({
    name: 'gradients and update',
    ph: 'X',
    pid: 1,
    tid: stage,
    ts: micro(run.ends[stage] ?? 0),
    dur: micro(seconds),
    cat: 'update',
    args: {},
  }));
  const process = {
    name: 'process_name',
    ph: 'M',
    pid: 1,
    tid: 0,
    args: { name: `${report.schedule} on ${report.machine}` },
  };
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [process, ...names, ...spans, ...last] })}\n`;
}
