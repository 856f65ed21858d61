/**
 * `--emit trace`: one step as a Chrome trace (JSON), which ui.perfetto.dev opens. All devices run the same program at the
 * same time, so one process stands for all; a thread computes, one is each link lane. Loops show their first trip, and the
 * others as one slice.
 */
import { Places } from '../../ir/places.ts';
import { isCollective, mainFunction, type Op, synchronous, valueInfo } from '../../ir/program.ts';
import { classOf } from '../cost/op-class.ts';
import type { Costed } from '../cost/report.ts';
import { occurrences } from './walk.ts';

interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M' | 'C';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, string | number>>;
}

export function chromeTrace({ model, timeline, report }: Costed): string {
  const { module } = model;
  const func = mainFunction(module);
  const places = new Places(module.source);
  const devices = module.meshes[0]?.axes.reduce((n, a) => n * a.size, 1) ?? 1;
  const lanes = ['compute', ...Object.keys(report.links).sort()];
  const events: TraceEvent[] = [
    named('process_name', 0, `${devices} devices, alike, on ${report.machine}`),
    ...lanes.map((lane, tid) => named('thread_name', tid, lane)),
  ];
  const spansOf = new Map([...timeline.blocks].map(([block, time]) => [block, groupByOp(time.spans)]));
  for (const { op, block, base, times } of occurrences(func.body, timeline)) {
    for (const span of spansOf.get(block)?.get(op) ?? []) {
      const name = func.values[op.results[0] ?? -1]?.name;
      events.push({
        name: isCollective(synchronous(op)) ? synchronous(op).kind : op.kind,
        ph: 'X',
        pid: 1,
        tid: lanes.indexOf(span.lane),
        ts: micro(base + span.start),
        dur: micro(span.seconds),
        cat: classOf(op),
        args: {
          ...(name === undefined ? {} : { value: `%${name}` }),
          ...textArg('source', places.of(op.origin)),
          ...textArg('why', op.origin.reason ?? ''),
          ...typeArg(op, func),
          ...(times === 1 ? {} : { times }),
        },
      });
      if (op.kind === 'while') events.push(...otherTrips(op, base + span.start, span.seconds, timeline));
    }
  }
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events })}\n`;
}

function otherTrips(op: Op, start: number, seconds: number, timeline: Costed['timeline']): TraceEvent[] {
  const trips = (op.attrs.trip_count as number | undefined) ?? 1;
  if (trips < 2) return [];
  const first = op.regions.reduce((n, r) => n + (timeline.blocks.get(r)?.seconds ?? 0), 0);
  const slice = { name: `${trips - 1} more trips`, ph: 'X', pid: 1, tid: 0, args: { trips } } as const;
  return [{ ...slice, ts: micro(start + first), dur: micro(Math.max(0, seconds - first)) }];
}

const micro = (seconds: number): number => Math.round(seconds * 1e9) / 1e3;
const named = (name: string, tid: number, text: string): TraceEvent => ({
  name,
  ph: 'M',
  pid: 1,
  tid,
  args: { name: text },
});
const textArg = (key: string, text: string): Record<string, string> => (text === '' ? {} : { [key]: text });

function typeArg(op: Op, func: ReturnType<typeof mainFunction>): Record<string, string> {
  const [result] = op.results;
  if (result === undefined) return {};
  const { type } = valueInfo(func, result);
  return { type: `${type.dtype}[${type.shape.join(',')}]` };
}

function groupByOp<T extends { readonly op: Op }>(list: readonly T[]): Map<Op, T[]> {
  const groups = new Map<Op, T[]>();
  for (const item of list) {
    const known = groups.get(item.op);
    if (known === undefined) groups.set(item.op, [item]);
    else known.push(item);
  }
  return groups;
}
