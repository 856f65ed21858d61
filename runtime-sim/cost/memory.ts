/**
 * Peak live bytes of a per-device program in program order: arguments, values until their last use, and what loop
 * bodies hold while they run. Values that fusion keeps on chip take no memory; aliases share their operand's.
 */
import { internalError } from '../../ir/diagnostics.ts';
import { type Block, type Func, isStart, type Op, typeOf, type ValueId } from '../../ir/program.ts';
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

/** Buffers with a count of the values that share them. */
class Meter {
  peak = 0;
  picture: ReadonlyMap<ValueId, number> = new Map();
  private live = 0;
  private readonly func: Func;
  private readonly plans: ReadonlyMap<Block, BlockPlan>;
  private readonly traffic: Traffic;
  private readonly pictureAt: number;
  /**
   * value → the values whose buffers it keeps: its own, the one it aliases, or, for a value that fusion never writes,
   * everything it will be computed from.
   */
  private readonly buffers = new Map<ValueId, readonly ValueId[]>();
  private readonly holders = new Map<ValueId, number>();
  /** How many of a buffer's holders are results of loops still running: they do not read it before the loop ends. */
  private readonly waiting = new Map<ValueId, number>();

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
      if (!DONATED.test(this.func.paramAttrs[i] ?? '')) add(this.holders, p, 1);
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
      if (op.kind === 'while') this.openLoop(op, plan.onRead[next] ?? []);
      this.release(plan.onRead[next]);
    }
    if (op.kind === 'while') region.params.forEach((p, i) => this.keep(p, [op.results[i] as ValueId]));
    this.release(this.plans.get(region)?.unusedParams);
    return this.frame(region);
  }

  /** A loop works in place on carries that nobody else reads, and on those it never changes; others are copied. */
  private openLoop(op: Op, dying: readonly ValueId[]): void {
    const body = op.regions[1];
    const returned = body?.ops.at(-1)?.operands;
    op.results.forEach((r, i) => {
      const operand = op.operands[i] as ValueId;
      const owner = this.ownBuffer(operand);
      const unchanged = returned !== undefined && returned[i] === body?.params[i];
      const free = dying.includes(operand) && owner !== undefined && this.othersOf(owner) === 0;
      if (owner !== undefined && (unchanged || free)) this.keep(r, [operand]);
      else this.allocate(r);
      const held = this.ownBuffer(r);
      if (held !== undefined) add(this.waiting, held, 1);
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
      const sent = this.buffers.get(op.operands[i] as ValueId) ?? [];
      this.allocate(r);
      this.buffers.set(r, [r, ...sent]);
      for (const owner of sent) add(this.holders, owner, 1);
    });
  }

  private end(op: Op): void {
    op.results.forEach((r, i) => {
      const arrived = op.operands[i] as ValueId;
      this.buffers.set(r, [arrived]);
      add(this.holders, arrived, 1);
    });
  }

  private closeLoop(op: Op): void {
    for (const r of op.results) {
      const held = this.ownBuffer(r);
      if (held !== undefined) add(this.waiting, held, -1);
    }
  }

  /** An update whose input nobody reads afterwards happens in place. */
  private update(op: Op, dying: readonly ValueId[]): void {
    op.results.forEach((r, i) => {
      const input = op.operands[i] as ValueId;
      const owner = this.ownBuffer(input);
      if (dying.includes(input) && owner !== undefined && this.othersOf(owner) === 0) this.keep(r, [input]);
      else this.allocate(r);
    });
  }

  /** Holders of a buffer besides the one that asks and loops that wait for it. */
  private othersOf(owner: ValueId): number {
    return (this.holders.get(owner) ?? 0) - (this.waiting.get(owner) ?? 0) - 1;
  }

  /** The one buffer that a value lives in; undefined where fusion never writes it. */
  private ownBuffer(value: ValueId): ValueId | undefined {
    const kept = this.buffers.get(value);
    return kept?.length === 1 && this.traffic.isMaterialised(value) ? kept[0] : undefined;
  }

  private allocate(value: ValueId): void {
    if (this.buffers.has(value) || !this.traffic.isMaterialised(value)) return;
    this.buffers.set(value, [value]);
    add(this.holders, value, 1);
    this.live += byteSize(typeOf(this.func, value));
    this.note();
  }

  private keep(value: ValueId, sources: readonly ValueId[]): void {
    if (this.buffers.has(value)) return;
    const kept = [...new Set(sources.flatMap((s) => this.buffers.get(s) ?? []))];
    this.buffers.set(value, kept);
    for (const owner of kept) add(this.holders, owner, 1);
  }

  private release(values: readonly ValueId[] | undefined): void {
    for (const value of values ?? []) {
      for (const owner of this.buffers.get(value) ?? []) {
        add(this.holders, owner, -1);
        if (this.holders.get(owner) === 0) this.live -= byteSize(typeOf(this.func, owner));
      }
      this.buffers.delete(value);
    }
  }

  private note(): void {
    if (this.live > this.peak) this.peak = this.live;
    if (this.live < this.pictureAt || this.picture.size > 0) return;
    const owners = [...this.holders].filter(([, n]) => n > 0).map(([v]) => v);
    this.picture = new Map(owners.map((v) => [v, byteSize(typeOf(this.func, v))]));
  }

  private frame(block: Block): Frame {
    const plan = this.plans.get(block);
    if (plan === undefined) throw internalError('memory: a block has no liveness plan');
    return { block, plan, next: 0, region: 0 };
  }
}

function add(counts: Map<ValueId, number>, key: ValueId, n: number): void {
  counts.set(key, (counts.get(key) ?? 0) + n);
}
