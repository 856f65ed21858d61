/** What one step of a per-device program costs on a machine. */
import { internalError } from '../../ir/diagnostics.ts';
import type { Mesh } from '../../ir/mesh.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import {
  type Block,
  type CollectiveKind,
  type Func,
  isCollective,
  isStructural,
  mainFunction,
  type Module,
  type Op,
  typeOf,
} from '../../ir/program.ts';
import { planLiveness } from '../liveness.ts';
import { collectiveBytes } from './collective-bytes.ts';
import { collectiveSeconds } from './collective-time.ts';
import type { Machine } from './machine.ts';
import { type MemoryPeak, peakMemory } from './memory.ts';
import { opCost } from './op-cost.ts';
import { Traffic } from './traffic.ts';

export interface CollectiveTotal {
  /** Executions in one step, loops times their trips. */
  readonly count: number;
  /** Wire bytes of one device. */
  readonly bytes: number;
  readonly seconds: number;
}

export interface CostReport {
  readonly machine: string;
  readonly collectives: Readonly<Partial<Record<CollectiveKind, CollectiveTotal>>>;
  readonly wireBytes: number;
  /** Arithmetic of one device: all ops, and matrix products alone. */
  readonly flops: number;
  readonly matrixFlops: number;
  readonly peakMemoryBytes: number;
  readonly argumentBytes: number;
  readonly memory: MemoryPeak;
  readonly fitsMemory: boolean;
  /** computeSeconds + commSeconds: nothing overlaps. */
  readonly stepSeconds: number;
  readonly computeSeconds: number;
  readonly commSeconds: number;
  /** Matrix products at peak rate over the step. */
  readonly utilization: number;
  /** Loops counted as one trip because their length is not known. */
  readonly loopsOfUnknownLength: number;
}

/** `module` is at the local level. Loops count `trip_count` times; every branch of a case counts, as XLA's meter does. */
export function costOf(module: Module, registry: Registry, machine: Machine): CostReport {
  if (module.level !== 'local' && module.level !== 'scheduled')
    throw internalError(`costOf needs per-device shapes, not level ${module.level}`);
  const func = mainFunction(module);
  const tally = new Tally(func, module.meshes, registry, machine);
  tally.run();
  const memory = peakMemory(func);
  const stepSeconds = tally.computeSeconds + tally.commSeconds;
  return {
    machine: machine.name,
    collectives: Object.fromEntries(tally.collectives),
    wireBytes: [...tally.collectives.values()].reduce((n, c) => n + c.bytes, 0),
    flops: tally.flops,
    matrixFlops: tally.matrixFlops,
    peakMemoryBytes: memory.peakBytes,
    argumentBytes: memory.argumentBytes,
    memory,
    fitsMemory: memory.peakBytes <= machine.hbmBytes,
    stepSeconds,
    computeSeconds: tally.computeSeconds,
    commSeconds: tally.commSeconds,
    utilization: stepSeconds === 0 ? 0 : tally.idealSeconds / stepSeconds,
    loopsOfUnknownLength: tally.loopsOfUnknownLength,
  };
}

class Tally {
  flops = 0;
  matrixFlops = 0;
  computeSeconds = 0;
  commSeconds = 0;
  idealSeconds = 0;
  loopsOfUnknownLength = 0;
  readonly collectives = new Map<CollectiveKind, CollectiveTotal>();
  private readonly func: Func;
  private readonly meshes: readonly Mesh[];
  private readonly registry: Registry;
  private readonly machine: Machine;
  private readonly traffic: Traffic;

  constructor(func: Func, meshes: readonly Mesh[], registry: Registry, machine: Machine) {
    this.func = func;
    this.meshes = meshes;
    this.registry = registry;
    this.machine = machine;
    this.traffic = new Traffic(func, planLiveness(func).keys());
  }

  run(): void {
    const todo: { block: Block; times: number }[] = [{ block: this.func.body, times: 1 }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { block, times } = next;
      for (const op of block.ops) {
        if (op.kind === 'while' || op.kind === 'case') {
          const trips = op.kind === 'while' ? this.trips(op) : 1;
          for (const r of op.regions) todo.push({ block: r, times: times * trips });
        } else if (isCollective(op)) this.collective(op, times);
        else if (!isStructural(op) && op.kind !== 'axis_index') this.tensorOp(op, times);
      }
    }
  }

  private trips(op: Op): number {
    const count = op.attrs.trip_count as number | undefined;
    if (count === undefined) this.loopsOfUnknownLength++;
    return count ?? 1;
  }

  private collective(op: Op, times: number): void {
    const { kind, bytes } = collectiveBytes(op, this.func, this.meshes);
    const seconds = collectiveSeconds(op, this.func, this.meshes, this.machine) * times;
    const total = this.collectives.get(kind) ?? { count: 0, bytes: 0, seconds: 0 };
    this.collectives.set(kind, {
      count: total.count + times,
      bytes: total.bytes + bytes * times,
      seconds: total.seconds + seconds,
    });
    this.commSeconds += seconds;
  }

  private tensorOp(op: Op, times: number): void {
    const view: OpView = {
      kind: op.kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: op.operands.map((v) => typeOf(this.func, v)),
      results: op.results.map((v) => typeOf(this.func, v)),
    };
    const cost = opCost(view, this.traffic.bytesOf(op), this.registry, this.machine);
    this.flops += cost.flops * times;
    if (op.kind === 'dot_general' || op.kind === 'convolution') this.matrixFlops += cost.flops * times;
    this.computeSeconds += cost.seconds * times;
    this.idealSeconds += cost.idealSeconds * times;
  }
}
