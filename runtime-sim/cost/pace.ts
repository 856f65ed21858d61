/** What the scheduler (passes/schedule) asks of a machine: structurally its `Pace`, for the two folders do not know each other. */
import type { Registry } from '../../ir/op.ts';
import { type Func, isCollective, isStart, type Module, type Op } from '../../ir/program.ts';
import type { Machine } from '../machine/machine.ts';
import type { PlacementWish } from '../machine/placement.ts';
import { timelineOf, type Timeline } from '../timeline/timeline.ts';
import { CostModel, computes } from './cost-model.ts';
import { peakBytes } from './memory.ts';

export interface Pace {
  seconds(op: Op): number;
  lanes(op: Op): readonly { readonly lane: string; readonly seconds: number }[];
  stepSeconds(func: Func): number;
  peakBytes(func: Func): number;
  readonly memoryBytes: number;
}

export function paceOn(machine: Machine, registry: Registry, wish: PlacementWish = {}): (module: Module) => Pace {
  return (module) => new MachinePace(module, registry, machine, wish);
}

/** Models and timelines are made when they are asked for: what a machine has, and what a program needs of it, take neither. */
class MachinePace implements Pace {
  readonly memoryBytes: number;
  private readonly machine: Machine;
  private readonly made: () => CostModel;
  private known: { readonly model: CostModel; readonly timeline: Timeline } | undefined;

  constructor(module: Module, registry: Registry, machine: Machine, wish: PlacementWish) {
    this.machine = machine;
    this.memoryBytes = machine.memory.bytes;
    this.made = () => new CostModel(module, registry, machine, wish);
  }

  private get costs(): { readonly model: CostModel; readonly timeline: Timeline } {
    if (this.known === undefined) {
      const model = this.made();
      this.known = { model, timeline: timelineOf(model) };
    }
    return this.known;
  }

  seconds(op: Op): number {
    if (isCollective(op) || isStart(op)) return this.costs.model.collective(op).seconds;
    if (op.kind !== 'while' && op.kind !== 'case') return computes(op) ? this.costs.model.tensorOp(op).seconds : 0;
    return op.regions.reduce(
      (n, r) => n + this.costs.timeline.weight(op) * (this.costs.timeline.blocks.get(r)?.seconds ?? 0),
      0,
    );
  }

  lanes(op: Op): readonly { readonly lane: string; readonly seconds: number }[] {
    if (isCollective(op) || isStart(op)) {
      const { seconds, lanes } = this.costs.model.collective(op);
      return lanes.map(({ lane }) => ({ lane, seconds }));
    }
    const busy = new Map<string, number>();
    for (const r of op.kind === 'while' || op.kind === 'case' ? op.regions : [])
      for (const [lane, seconds] of this.costs.timeline.blocks.get(r)?.busy ?? [])
        busy.set(lane, (busy.get(lane) ?? 0) + seconds * this.costs.timeline.weight(op));
    return [...busy].map(([lane, seconds]) => ({ lane, seconds }));
  }

  stepSeconds(func: Func): number {
    return timelineOf(this.costs.model.of(func)).body.seconds;
  }

  peakBytes(func: Func): number {
    return peakBytes(func, this.machine.compute.fusion);
  }
}
