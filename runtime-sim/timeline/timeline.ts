/**
 * One step of a per-device program in time: a lane for computing, a lane for each kind of link. All devices run the same
 * program, so one stands for all.
 *
 *   %s = all_gather_start %w        takes its links as soon as they are free
 *   %y = dot_general %x, %v         computes meanwhile
 *   %g = collective_done %s         waits for the links: what it waits is exposed
 *
 * Overlap is what starts and dones in the program allow; a collective without a start waits for itself. Links carry one
 * collective at a time. Loops are run once and counted by their trips; branches count by their weights, equal ones.
 */
import { internalError } from '../../ir/diagnostics.ts';
import { type Block, isCollective, isStart, type Op, type ValueId } from '../../ir/program.ts';
import type { CollectiveCost } from '../cost/collective-cost.ts';
import { type CostModel, computes } from '../cost/cost-model.ts';

/** What an op does from `start`, in seconds from the start of its block. */
export interface Span {
  readonly op: Op;
  /** `compute`, or links (`ici0`, `dcn`, `net1`, …). */
  readonly lane: string;
  readonly start: number;
  readonly seconds: number;
}

export interface BlockTime {
  readonly seconds: number;
  /** What computing waited for links. */
  readonly exposed: number;
  /** Per link lane: seconds in use. */
  readonly busy: ReadonlyMap<string, number>;
  readonly spans: readonly Span[];
  /** When each op begins. */
  readonly starts: ReadonlyMap<Op, number>;
  /** Seconds that computing waited, by the collective waited for. */
  readonly waits: ReadonlyMap<Op, number>;
}

export interface Timeline {
  readonly body: BlockTime;
  readonly blocks: ReadonlyMap<Block, BlockTime>;
  /** How often each block runs in a step; fractions for branches. */
  readonly times: ReadonlyMap<Block, number>;
  /** How often the regions of an op run each time it does. */
  weight(op: Op): number;
  readonly loopsOfUnknownLength: number;
}

export function timelineOf(cost: CostModel): Timeline {
  const { times, order, unknown } = countRuns(cost.func.body);
  const blocks = new Map<Block, BlockTime>();
  for (const block of order.toReversed()) blocks.set(block, new BlockRun(cost, blocks).run(block));
  return {
    body: blocks.get(cost.func.body) as BlockTime,
    blocks,
    times,
    weight: weightOf,
    loopsOfUnknownLength: unknown,
  };
}

/** Blocks, outer before inner, with how often each runs. Reducers and comparators are part of their op. */
function countRuns(body: Block): { times: Map<Block, number>; order: Block[]; unknown: number } {
  const times = new Map<Block, number>([[body, 1]]);
  const order: Block[] = [];
  let unknown = 0;
  for (const [block, n] of times) {
    order.push(block);
    for (const op of block.ops) {
      if (op.kind === 'while' && op.attrs.trip_count === undefined) unknown++;
      if (controls(op)) op.regions.forEach((r) => times.set(r, n * weightOf(op)));
    }
  }
  return { times, order, unknown };
}

const controls = (op: Op): boolean => op.kind === 'while' || op.kind === 'case';

/** A loop of unknown length counts once. */
const weightOf = (op: Op): number =>
  op.kind === 'case' ? 1 / op.regions.length : ((op.attrs.trip_count as number | undefined) ?? 1);

/** One pass over the ops of a block whose inner blocks are known. */
class BlockRun {
  private now = 0;
  private exposed = 0;
  private readonly cost: CostModel;
  private readonly inner: ReadonlyMap<Block, BlockTime>;
  private readonly free = new Map<string, number>();
  private readonly busy = new Map<string, number>();
  private readonly spans: Span[] = [];
  private readonly starts = new Map<Op, number>();
  private readonly waits = new Map<Op, number>();
  private readonly flying = new Map<ValueId, { op: Op; end: number }>();

  constructor(cost: CostModel, inner: ReadonlyMap<Block, BlockTime>) {
    this.cost = cost;
    this.inner = inner;
  }

  run(block: Block): BlockTime {
    for (const op of block.ops) {
      this.starts.set(op, this.now);
      this.step(op);
    }
    const { now: seconds, exposed, busy, spans, starts, waits } = this;
    return { seconds, exposed, busy, spans, starts, waits };
  }

  private step(op: Op): void {
    if (isStart(op)) this.begin(op);
    else if (op.kind === 'collective_done') this.end(op);
    else if (isCollective(op)) this.wait(op, this.send(op, this.cost.collective(op)));
    else if (controls(op)) this.nested(op);
    else if (computes(op)) this.compute(op, this.cost.tensorOp(op).seconds);
  }

  private compute(op: Op, seconds: number): void {
    if (seconds > 0) this.spans.push({ op, lane: 'compute', start: this.now, seconds });
    this.now += seconds;
  }

  private begin(op: Op): void {
    const end = this.send(op, this.cost.collective(op));
    for (const r of op.results) this.flying.set(r, { op, end });
  }

  private end(op: Op): void {
    for (const v of op.operands) {
      const flight = this.flying.get(v);
      if (flight === undefined) throw internalError('timeline: a collective is done that was not begun in its block');
      this.wait(flight.op, flight.end);
    }
  }

  /** On its links when all of them are free; gives the time it is through. */
  private send(op: Op, { seconds, lanes }: CollectiveCost): number {
    if (seconds === 0) return this.now;
    const start = lanes.reduce((t, { lane }) => Math.max(t, this.free.get(lane) ?? 0), this.now);
    for (const { lane } of lanes) {
      this.free.set(lane, start + seconds);
      this.busy.set(lane, (this.busy.get(lane) ?? 0) + seconds);
      this.spans.push({ op, lane, start, seconds });
    }
    return start + seconds;
  }

  private wait(op: Op, until: number): void {
    const seconds = until - this.now;
    if (seconds <= 0) return;
    this.now = until;
    this.exposed += seconds;
    this.waits.set(op, (this.waits.get(op) ?? 0) + seconds);
  }

  /**
   * Inner blocks run as they do alone, plus what their collectives wait for those already on the same links: no link
   * does the work of both at once.
   */
  private nested(op: Op): void {
    const weight = weightOf(op);
    const parts = op.regions.map((r) => this.inner.get(r) as BlockTime);
    const alone = parts.reduce((n, p) => n + weight * p.seconds, 0);
    const needed = new Map<string, number>();
    for (const p of parts)
      for (const [lane, seconds] of p.busy) needed.set(lane, (needed.get(lane) ?? 0) + weight * seconds);
    const late = [...needed].map(([lane, s]) => Math.max(0, (this.free.get(lane) ?? 0) - this.now) + s - alone);
    const extra = Math.max(0, ...late);
    this.spans.push({ op, lane: 'compute', start: this.now, seconds: alone + extra });
    this.now += alone + extra;
    this.exposed += extra + parts.reduce((n, p) => n + weight * p.exposed, 0);
    for (const [lane, seconds] of needed) {
      this.busy.set(lane, (this.busy.get(lane) ?? 0) + seconds);
      this.free.set(lane, Math.max(this.now, this.free.get(lane) ?? 0));
    }
  }
}
