/**
 * The order of one block, found from its end: an op is placed when all that read it are. A collective's done is placed at
 * once, its start when as much has been computed in between as its links take, and ops that do not depend on it fill the
 * time; where nothing does, the collective stays whole. Ops keep their order otherwise, and with it the memory the program was written for. O(ops · log ops).
 */
import { type Block, isCollective, type Op, type ValueId, type ValueInfo, readsOf } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import type { Pace } from './pace.ts';

export interface OverlapOptions {
  readonly pace: Pace;
  /** Bytes of results that may be in flight at a time. */
  readonly inFlight: number;
  /** Grows by the results of starts. */
  readonly values: ValueInfo[];
}

export function overlapBlock(block: Block, options: OverlapOptions): Op[] {
  return new Placing(block, options).run();
}

/** A collective whose done is placed and whose start is not. Times run backwards from the end of the block. */
interface Flight {
  readonly index: number;
  /** When its links have had their time. */
  readonly ready: number;
  readonly bytes: number;
  readonly inAir: readonly ValueId[];
  /** Where its done was placed, and what had been then: nothing in between means nothing was hidden. */
  readonly at: number;
  readonly computed: number;
  readonly sent: number;
}

class Placing {
  private readonly ops: readonly Op[];
  private readonly options: OverlapOptions;
  /** Per op: the ops that make what it reads, its regions included. */
  private readonly makers: readonly (readonly number[])[];
  /** Per op: readers not yet placed. */
  private readonly readers: number[];
  private readonly free = new Map<string, number>();
  /** Ops that may be placed, collectives apart: the sooner theirs is placed, the longer they have. */
  private readonly ready = new Heap();
  private readonly collectives = new Heap();
  private flights: Flight[] = [];
  private now = 0;
  private flying = 0;
  private computed = 0;
  private sent = 0;
  private readonly placed: (Op | undefined)[] = [];

  constructor(block: Block, options: OverlapOptions) {
    this.ops = block.ops;
    this.options = options;
    this.makers = makersOf(block);
    this.readers = block.ops.map(() => 0);
    for (const makers of this.makers) for (const m of makers) this.readers[m] = (this.readers[m] as number) + 1;
  }

  run(): Op[] {
    const last = this.ops.length - 1;
    // Nothing reads the terminator; it stays the end.
    this.ops.forEach((_, i) => {
      if (i !== last && this.readers[i] === 0) this.makeReady(i);
    });
    if (last >= 0) this.place(last);
    while (this.ready.size + this.collectives.size + this.flights.length > 0) this.step();
    return this.placed.toReversed().filter((op) => op !== undefined);
  }

  private step(): void {
    if (this.collectives.size > 0) return this.place(this.collectives.pop());
    const landed = this.flights.findIndex((f) => f.ready <= this.now);
    if (landed >= 0) this.start(landed);
    else if (this.ready.size > 0) this.place(this.ready.pop());
    else {
      const next = this.flights.reduce((best, f, i) => (f.ready < (this.flights[best] as Flight).ready ? i : best), 0);
      this.now = (this.flights[next] as Flight).ready;
      this.start(next);
    }
  }

  private place(index: number): void {
    const op = this.ops[index] as Op;
    const { pace, inFlight, values } = this.options;
    const seconds = pace.seconds(op);
    const bytes = isCollective(op) ? op.results.reduce((n, r) => n + byteSize((values[r] as ValueInfo).type), 0) : 0;
    if (isCollective(op) && seconds > 0 && this.flying + bytes <= inFlight) {
      this.done(op, index, seconds, bytes);
      return;
    }
    this.placed.push(op);
    this.now += seconds;
    this.computed += seconds;
    for (const use of pace.lanes(op)) this.free.set(use.lane, Math.max(this.free.get(use.lane) ?? 0, this.now));
    this.release(index);
  }

  /** Its links take it up when they are through with what comes after. */
  private done(op: Op, index: number, seconds: number, bytes: number): void {
    const { pace, values } = this.options;
    const lanes = pace.lanes(op);
    const begun = lanes.reduce((t, { lane }) => Math.max(t, this.free.get(lane) ?? 0), this.now);
    for (const { lane } of lanes) this.free.set(lane, begun + seconds);
    const inAir = op.results.map((r) => flightValue(values, r));
    const at = this.placed.push({ ...op, kind: 'collective_done', attrs: {}, operands: inAir }) - 1;
    const { computed } = this;
    this.flights.push({ index, ready: begun + seconds, bytes, inAir, at, computed, sent: ++this.sent });
    this.flying += bytes;
  }

  private start(at: number): void {
    const [flight] = this.flights.splice(at, 1) as [Flight];
    const op = this.ops[flight.index] as Op;
    if (flight.computed === this.computed && flight.sent === this.sent) {
      this.placed[flight.at] = undefined;
      this.placed.push(op);
    } else this.placed.push({ ...op, kind: `${op.kind}_start`, results: flight.inAir });
    this.flying -= flight.bytes;
    this.release(flight.index);
  }

  private release(index: number): void {
    for (const m of this.makers[index] as readonly number[]) {
      this.readers[m] = (this.readers[m] as number) - 1;
      if (this.readers[m] === 0) this.makeReady(m);
    }
  }

  private makeReady(index: number): void {
    (isCollective(this.ops[index] as Op) ? this.collectives : this.ready).push(index);
  }
}

/** In flight a value has no layout: nobody may look at it. */
function flightValue(values: ValueInfo[], result: ValueId): ValueId {
  const { type, name, origin } = values[result] as ValueInfo;
  return (values.push({
    type,
    ...(name === undefined ? {} : { name: `${name}.start` }),
    ...(origin === undefined ? {} : { origin }),
  }) - 1) as ValueId;
}

function makersOf(block: Block): number[][] {
  const madeBy = new Map<ValueId, number>();
  block.ops.forEach((op, i) => {
    for (const r of op.results) madeBy.set(r, i);
  });
  return block.ops.map((op) => {
    const makers = new Set<number>();
    for (const v of readsOf(op)) {
      const maker = madeBy.get(v);
      if (maker !== undefined) makers.add(maker);
    }
    return [...makers];
  });
}

/** Largest index first. */
class Heap {
  private readonly items: number[] = [];

  get size(): number {
    return this.items.length;
  }

  push(item: number): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if ((items[up] as number) >= item) break;
      items[at] = items[up] as number;
      at = up;
    }
    items[at] = item;
  }

  pop(): number {
    const { items } = this;
    const top = items[0] as number;
    const last = items.pop() as number;
    if (items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && (items[down + 1] as number) > (items[down] as number)) down++;
      if ((items[down] as number) <= last) break;
      items[at] = items[down] as number;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
