/**
 * Peak live bytes of a per-device program in program order: arguments, values until their last use, and what loop
 * bodies hold while they run. Values that fusion keeps on chip take no memory; aliases share their operand's.
 */
import { internalError } from '../../ir/diagnostics.ts';
import { type Block, type Func, isStart, keepsCarry, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import { type BlockPlan, planLiveness } from '../liveness.ts';
import { type FusionKind, Traffic } from './traffic.ts';
import { isAlias } from './memory-roles.ts';

export interface MemoryPeak {
  readonly peakBytes: number;
  readonly argumentBytes: number;
  /** What is alive at the peak, largest first. */
  readonly alive: readonly { readonly value: ValueId; readonly bytes: number }[];
}

export function peakBytes(func: Func, fusion: FusionKind = 'chains'): number {
  const plans = planLiveness(func);
  const meter = new Meter(func, plans, new Traffic(func, plans.keys(), fusion));
  meter.run();
  return meter.peak;
}

/** With what is alive then. */
export function peakMemory(func: Func, fusion: FusionKind = 'chains'): MemoryPeak {
  const plans = planLiveness(func);
  const traffic = new Traffic(func, plans.keys(), fusion);
  const first = new Meter(func, plans, traffic);
  first.run();
  // A second run looks at what is alive when the peak is reached; taking the picture at every new peak is quadratic.
  const second = new Meter(func, plans, traffic, first.peak);
  second.run();
  const argumentBytes = func.body.params.reduce((n, p) => n + byteSize(typeOf(func, p)), 0);
  const alive = [...second.picture]
    .map(([value, bytes]) => ({ value, bytes }))
    .sort((a, b) => b.bytes - a.bytes || a.value - b.value);
  return { peakBytes: first.peak, argumentBytes, alive };
}

/** Live bytes after each op, in program order; loop bodies once. */
export function memoryTimeline(
  func: Func,
  fusion: FusionKind = 'chains',
): { readonly op: Op; readonly bytes: number }[] {
  const plans = planLiveness(func);
  const samples: { op: Op; bytes: number }[] = [];
  new Meter(func, plans, new Traffic(func, plans.keys(), fusion)).run((op, bytes) => samples.push({ op, bytes }));
  return samples;
}

interface Frame {
  readonly block: Block;
  readonly plan: BlockPlan;
  next: number;
  region: number;
}

/** Arguments that the caller gives up; all others keep their buffer through the step. */
const DONATED = /aliasing_output|buffer_donor/;

/** What values keep alive: the memory of one value, or, for a value that fusion never writes, all it will be computed from. */
interface Buffer {
  /** Whose memory it is; undefined for one made of others. */
  readonly owner: ValueId | undefined;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  /** How many values, and buffers made of others, keep it. */
  holders: number;
  /** How many of them are results of loops still running: they do not read it before the loop ends. */
  waiting: number;
}

/** Buffers are shared, not copied: what a chain of n unwritten values keeps is n buffers of two parts each. */
class Meter {
  peak = 0;
  picture: ReadonlyMap<ValueId, number> = new Map();
  private live = 0;
  private readonly func: Func;
  private readonly plans: ReadonlyMap<Block, BlockPlan>;
  private readonly traffic: Traffic;
  private readonly pictureAt: number;
  /** What each live value keeps; undefined for one that keeps nothing. */
  private readonly buffers = new Map<ValueId, Buffer | undefined>();
  /** Live buffers, by owner. */
  private readonly owned = new Map<ValueId, Buffer>();

  constructor(
    func: Func,
    plans: ReadonlyMap<Block, BlockPlan>,
    traffic: Traffic,
    pictureAt = Number.POSITIVE_INFINITY,
  ) {
    this.func = func;
    this.plans = plans;
    this.traffic = traffic;
    this.pictureAt = pictureAt;
  }

  /** `visit` hears of every op when it is done, in order; loops run once. */
  run(visit?: (op: Op, live: number) => void): void {
    this.func.body.params.forEach((p, i) => {
      this.allocate(p);
      const buffer = this.owned.get(p);
      if (buffer !== undefined && !DONATED.test(this.func.paramAttrs[i] ?? '')) buffer.holders++;
    });
    const stack: Frame[] = [this.frame(this.func.body)];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const op = top.block.ops[top.next];
      if (op === undefined) {
        stack.pop();
        continue;
      }
      const controls = op.kind === 'while' || op.kind === 'case';
      const region = controls ? op.regions[top.region] : undefined;
      if (region !== undefined) stack.push(this.open(op, top, region));
      else {
        this.execute(op, top, controls);
        visit?.(op, this.live);
      }
    }
  }

  private open(op: Op, frame: Frame, region: Block): Frame {
    const { plan, next } = frame;
    if (frame.region++ === 0) {
      if (op.kind === 'while') this.openLoop(op, new Set(plan.onRead[next]));
      this.release(plan.onRead[next]);
    }
    if (op.kind === 'while') region.params.forEach((p, i) => this.keep(p, [op.results[i] as ValueId]));
    this.release(this.plans.get(region)?.unusedParams);
    return this.frame(region);
  }

  /** A loop works in place on carries that nobody else reads, and on those it never changes; others are copied. */
  private openLoop(op: Op, dying: ReadonlySet<ValueId>): void {
    op.results.forEach((r, i) => {
      const operand = op.operands[i] as ValueId;
      const own = this.ownBuffer(operand);
      const free = own !== undefined && dying.has(operand) && othersOf(own) === 0;
      if (own !== undefined && (keepsCarry(op, i) || free)) this.keep(r, [operand]);
      else this.allocate(r);
      const held = this.ownBuffer(r);
      if (held !== undefined) held.waiting++;
    });
  }

  private execute(op: Op, frame: Frame, controls: boolean): void {
    const dying = frame.plan.onRead[frame.next] ?? [];
    if (isStart(op)) this.begin(op);
    else if (op.kind === 'collective_done') this.end(op);
    else if (isAlias(op, this.func)) this.alias(op);
    else if (op.kind === 'dynamic_update_slice' || op.kind === 'scatter') this.update(op, dying);
    else if (op.kind === 'while') this.closeLoop(op);
    else this.compute(op, dying);
    if (!controls) this.release(dying);
    this.release(frame.plan.onDone[frame.next]);
    frame.region = 0;
    frame.next++;
  }

  /** A fused op writes over what it reads last; one that is not written keeps what it will be computed from. */
  private compute(op: Op, dying: readonly ValueId[]): void {
    for (const r of op.results) if (!this.traffic.isMaterialised(r)) this.keep(r, op.operands);
    if (this.traffic.fuses(op)) this.release(dying);
    for (const r of op.results) this.allocate(r);
  }

  private alias(op: Op): void {
    op.results.forEach((r, i) => {
      const operand = op.operands[i] as ValueId;
      if (this.traffic.isMaterialised(r) && this.ownBuffer(operand) === undefined) this.allocate(r);
      else this.keep(r, [operand]);
    });
  }

  /** What is in flight holds its operands too. */
  private begin(op: Op): void {
    op.results.forEach((r, i) => {
      const sent = this.buffers.get(op.operands[i] as ValueId);
      this.allocate(r);
      const arriving = this.buffers.get(r);
      if (sent === undefined || arriving === undefined) return;
      sent.holders++;
      this.buffers.set(r, { owner: undefined, parts: [arriving, sent], bytes: 0, holders: 1, waiting: 0 });
    });
  }

  private end(op: Op): void {
    op.results.forEach((r, i) => {
      const arrived = this.owned.get(op.operands[i] as ValueId);
      if (arrived !== undefined) arrived.holders++;
      this.buffers.set(r, arrived);
    });
  }

  private closeLoop(op: Op): void {
    for (const r of op.results) {
      const held = this.ownBuffer(r);
      if (held !== undefined) held.waiting--;
    }
  }

  /** An update whose input nobody reads afterwards happens in place. */
  private update(op: Op, dying: readonly ValueId[]): void {
    op.results.forEach((r, i) => {
      const input = op.operands[i] as ValueId;
      const own = this.ownBuffer(input);
      if (own !== undefined && dying.includes(input) && othersOf(own) === 0) this.keep(r, [input]);
      else this.allocate(r);
    });
  }

  /** The one buffer that a value lives in; undefined where fusion never writes it. */
  private ownBuffer(value: ValueId): Buffer | undefined {
    const kept = this.buffers.get(value);
    return kept?.owner !== undefined && this.traffic.isMaterialised(value) ? kept : undefined;
  }

  private allocate(value: ValueId): void {
    if (this.buffers.has(value) || !this.traffic.isMaterialised(value)) return;
    const bytes = byteSize(typeOf(this.func, value));
    const buffer: Buffer = { owner: value, parts: [], bytes, holders: 1, waiting: 0 };
    this.buffers.set(value, buffer);
    this.owned.set(value, buffer);
    this.live += bytes;
    this.note();
  }

  private keep(value: ValueId, sources: readonly ValueId[]): void {
    if (this.buffers.has(value)) return;
    const parts: Buffer[] = [];
    for (const buffer of new Set(sources.map((s) => this.buffers.get(s)))) if (buffer !== undefined) parts.push(buffer);
    for (const part of parts) part.holders++;
    const made = parts.length > 1 ? { owner: undefined, parts, bytes: 0, holders: 1, waiting: 0 } : parts[0];
    this.buffers.set(value, made);
  }

  private release(values: readonly ValueId[] | undefined): void {
    for (const value of values ?? []) {
      const buffer = this.buffers.get(value);
      if (buffer !== undefined) this.drop(buffer);
      this.buffers.delete(value);
    }
  }

  private drop(held: Buffer): void {
    const dropped = [held];
    for (let buffer = dropped.pop(); buffer !== undefined; buffer = dropped.pop()) {
      if (--buffer.holders > 0) continue;
      this.live -= buffer.bytes;
      if (buffer.owner !== undefined) this.owned.delete(buffer.owner);
      for (const part of buffer.parts) dropped.push(part);
    }
  }

  private note(): void {
    if (this.live > this.peak) this.peak = this.live;
    if (this.live < this.pictureAt || this.picture.size > 0) return;
    this.picture = new Map([...this.owned].map(([v, buffer]) => [v, buffer.bytes]));
  }

  private frame(block: Block): Frame {
    const plan = this.plans.get(block);
    if (plan === undefined) throw internalError('memory: a block has no liveness plan');
    return { block, plan, next: 0, region: 0 };
  }
}

/** Holders of a buffer besides the one that asks and loops that wait for it. */
const othersOf = (buffer: Buffer): number => buffer.holders - buffer.waiting - 1;
