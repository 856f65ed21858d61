/** What one step of a per-device program costs on a machine. All figures are of one device and one step. */
import { internalError } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import { Places } from '../../ir/places.ts';
import { type Block, type CollectiveKind, isCollective, type Module, type Op, synchronous } from '../../ir/program.ts';
import type { Machine } from '../machine/machine.ts';
import { placementText, type PlacementWish } from '../machine/placement.ts';
import { type Timeline, timelineOf } from '../timeline/timeline.ts';
import { collectiveBytes } from './collective-bytes.ts';
import { CostModel, computes } from './cost-model.ts';
import { type MemoryPeak, peakMemory } from './memory.ts';
import { classOf, type OpClass } from './op-class.ts';
import { isMatrixOp } from './op-cost.ts';
import { recomputedOps } from './recompute.ts';

export interface CollectiveTotal {
  /** Executions in one step, loops times their trips. */
  readonly count: number;
  /** Wire bytes of one device. */
  readonly bytes: number;
  readonly seconds: number;
  /** Of these, the seconds that computing waited. */
  readonly exposedSeconds: number;
}

export interface ClassTotal {
  readonly count: number;
  readonly flops: number;
  /** To and from HBM. */
  readonly bytes: number;
  readonly seconds: number;
}

export interface PlaceTotal {
  /** `model.py:12`; empty for what no source line asked for. */
  readonly place: string;
  readonly computeSeconds: number;
  readonly exposedSeconds: number;
  readonly wireBytes: number;
}

export interface CostReport {
  readonly machine: string;
  /** How the mesh lies on the machine's torus; absent on switches. */
  readonly placement?: string;
  readonly collectives: Readonly<Partial<Record<CollectiveKind, CollectiveTotal>>>;
  readonly wireBytes: number;
  /** Arithmetic of one device: all ops, and matrix products alone. */
  readonly flops: number;
  readonly matrixFlops: number;
  /** Of the matrix products, those that the program has computed before (rematerialisation). */
  readonly recomputedFlops: number;
  readonly peakMemoryBytes: number;
  readonly argumentBytes: number;
  readonly memory: MemoryPeak;
  readonly fitsMemory: boolean;
  /** computeSeconds + exposedSeconds. */
  readonly stepSeconds: number;
  readonly computeSeconds: number;
  /** Of collectives, each on an idle network. */
  readonly commSeconds: number;
  /** What computing waited for links. */
  readonly exposedSeconds: number;
  /** Matrix products at peak rate over the step: all of them (hardware), and without recomputed ones (model). */
  readonly utilization: number;
  readonly modelUtilization: number;
  readonly links: Readonly<Record<string, { readonly bytes: number; readonly seconds: number }>>;
  readonly classes: Readonly<Partial<Record<OpClass, ClassTotal>>>;
  /** By source line, dearest first. */
  readonly places: readonly PlaceTotal[];
  /** Loops counted as one trip because their length is not known. */
  readonly loopsOfUnknownLength: number;
}

export interface Costed {
  readonly report: CostReport;
  readonly model: CostModel;
  readonly timeline: Timeline;
}

/** `module` is at the local or scheduled level. */
export function costOf(module: Module, registry: Registry, machine: Machine, wish: PlacementWish = {}): CostReport {
  return costed(module, registry, machine, wish).report;
}

/** The report with what it was made from. */
export function costed(module: Module, registry: Registry, machine: Machine, wish: PlacementWish = {}): Costed {
  if (module.level !== 'local' && module.level !== 'scheduled')
    throw internalError(`costOf needs per-device shapes, not level ${module.level}`);
  const model = new CostModel(module, registry, machine, wish);
  const timeline = timelineOf(model);
  const tally = new Tally(model, timeline);
  tally.run();
  const memory = peakMemory(model.func, machine.compute.fusion);
  const { seconds: stepSeconds, exposed } = timeline.body;
  const mesh = module.meshes[0];
  const share = (ideal: number): number => (stepSeconds === 0 ? 0 : ideal / stepSeconds);
  const report: CostReport = {
    machine: machine.name,
    ...(model.placement === undefined || mesh === undefined ? {} : { placement: placementText(mesh, model.placement) }),
    collectives: Object.fromEntries(tally.collectives),
    wireBytes: [...tally.collectives.values()].reduce((n, c) => n + c.bytes, 0),
    flops: tally.flops,
    matrixFlops: tally.matrixFlops,
    recomputedFlops: tally.recomputedFlops,
    peakMemoryBytes: memory.peakBytes,
    argumentBytes: memory.argumentBytes,
    memory,
    fitsMemory: memory.peakBytes <= machine.memory.bytes,
    stepSeconds,
    computeSeconds: stepSeconds - exposed,
    commSeconds: [...tally.collectives.values()].reduce((n, c) => n + c.seconds, 0),
    exposedSeconds: exposed,
    utilization: share(tally.idealSeconds),
    modelUtilization: share(tally.idealSeconds - tally.recomputedSeconds),
    links: Object.fromEntries(tally.links),
    classes: Object.fromEntries(tally.classes),
    places: tally.placeTotals(),
    loopsOfUnknownLength: timeline.loopsOfUnknownLength,
  };
  return { report, model, timeline };
}

/** Sums over ops. Wire bytes and counts take every branch, as XLA's meter does; seconds and flops take branches by weight. */
class Tally {
  flops = 0;
  matrixFlops = 0;
  recomputedFlops = 0;
  idealSeconds = 0;
  recomputedSeconds = 0;
  readonly collectives = new Map<CollectiveKind, CollectiveTotal>();
  readonly classes = new Map<OpClass, ClassTotal>();
  readonly links = new Map<string, { bytes: number; seconds: number }>();
  private readonly places = new Map<string, { compute: number; exposed: number; wire: number }>();
  private readonly model: CostModel;
  private readonly timeline: Timeline;
  private readonly again: ReadonlySet<Op>;
  private readonly placeOf: Places;

  constructor(model: CostModel, timeline: Timeline) {
    this.model = model;
    this.timeline = timeline;
    this.again = recomputedOps(model.func);
    this.placeOf = new Places(model.module.source);
  }

  run(): void {
    const todo: { block: Block; runs: number }[] = [{ block: this.model.func.body, runs: 1 }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { block, runs } = next;
      const times = this.timeline.times.get(block) ?? 0;
      const waits = this.timeline.blocks.get(block)?.waits;
      for (const op of block.ops) {
        if (op.kind === 'while' || op.kind === 'case') {
          const trips = op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1;
          for (const r of op.regions) todo.push({ block: r, runs: runs * trips });
        } else if (isCollective(synchronous(op))) this.collective(op, runs, times, (waits?.get(op) ?? 0) * times);
        else if (computes(op)) this.tensorOp(op, times);
      }
    }
  }

  placeTotals(): PlaceTotal[] {
    return [...this.places]
      .map(([place, p]) => ({
        place,
        computeSeconds: p.compute,
        exposedSeconds: p.exposed,
        wireBytes: p.wire,
      }))
      .sort((a, b) => b.computeSeconds + b.exposedSeconds - a.computeSeconds - a.exposedSeconds);
  }

  private collective(op: Op, runs: number, times: number, exposed: number): void {
    const { func, module } = this.model;
    const { kind, bytes } = collectiveBytes(synchronous(op), func, module.meshes);
    const { seconds, lanes } = this.model.collective(op);
    const known = this.collectives.get(kind) ?? { count: 0, bytes: 0, seconds: 0, exposedSeconds: 0 };
    this.collectives.set(kind, {
      count: known.count + runs,
      bytes: known.bytes + bytes * runs,
      seconds: known.seconds + seconds * times,
      exposedSeconds: known.exposedSeconds + exposed,
    });
    for (const use of lanes) {
      const link = this.links.get(use.lane) ?? { bytes: 0, seconds: 0 };
      this.links.set(use.lane, {
        bytes: link.bytes + use.bytes * times,
        seconds: link.seconds + seconds * times,
      });
    }
    const place = this.place(op);
    place.exposed += exposed;
    place.wire += bytes * runs;
  }

  private tensorOp(op: Op, times: number): void {
    const cost = this.model.tensorOp(op);
    this.flops += cost.flops * times;
    if (isMatrixOp(op.kind)) this.matrixFlops += cost.flops * times;
    this.idealSeconds += cost.idealSeconds * times;
    if (this.again.has(op)) {
      this.recomputedFlops += cost.flops * times;
      this.recomputedSeconds += cost.idealSeconds * times;
    }
    const known = this.classes.get(classOf(op)) ?? { count: 0, flops: 0, bytes: 0, seconds: 0 };
    this.classes.set(classOf(op), {
      count: known.count + times,
      flops: known.flops + cost.flops * times,
      bytes: known.bytes + cost.bytes * times,
      seconds: known.seconds + cost.seconds * times,
    });
    this.place(op).compute += cost.seconds * times;
  }

  private place(op: Op): { compute: number; exposed: number; wire: number } {
    const name = this.placeOf.of(op.origin);
    let place = this.places.get(name);
    if (place === undefined) this.places.set(name, (place = { compute: 0, exposed: 0, wire: 0 }));
    return place;
  }
}
