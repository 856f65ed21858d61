/** Prices of one per-device program on one machine: the mesh placed on it, and what each op takes. */
import type { Mesh } from '../../ir/mesh.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import {
  type Block,
  type Func,
  isCollective,
  isStructural,
  mainFunction,
  type Module,
  type Op,
  synchronous,
  typeOf,
} from '../../ir/program.ts';
import { planLiveness } from '../liveness.ts';
import type { Machine } from '../machine/machine.ts';
import { type Placement, placeMesh, type PlacementWish } from '../machine/placement.ts';
import { type CollectiveCost, type Load, loadCost, loadKey, loadOf } from './collective-cost.ts';
import { type OpCost, opCost } from './op-cost.ts';
import { estimate } from './torus-cost.ts';
import { Traffic } from './traffic.ts';

const NO_TRAFFIC: CollectiveCost = { seconds: 0, lanes: [] };

export class CostModel {
  readonly module: Module;
  readonly func: Func;
  readonly machine: Machine;
  readonly placement: Placement | undefined;
  readonly traffic: Traffic;
  private readonly registry: Registry;
  private readonly costs = new Map<string, CollectiveCost>();

  /** `module` is at the local level or below. */
  constructor(
    module: Module,
    registry: Registry,
    machine: Machine,
    wish: PlacementWish = {},
    placement: Placement | undefined = placementOf(module, machine, wish),
  ) {
    this.module = module;
    this.func = mainFunction(module);
    this.machine = machine;
    this.registry = registry;
    this.placement = placement;
    this.traffic = new Traffic(this.func, planLiveness(this.func).keys(), machine.compute.fusion);
  }

  /** The same mesh, placed the same way, under another body. */
  of(func: Func): CostModel {
    return new CostModel({ ...this.module, functions: [func] }, this.registry, this.machine, {}, this.placement);
  }

  /** Of a collective or its start. */
  collective(op: Op): CollectiveCost {
    const load = loadOf(synchronous(op), this.func, this.module.meshes);
    if (load === undefined) return NO_TRAFFIC;
    const key = loadKey(load);
    let cost = this.costs.get(key);
    if (cost === undefined) this.costs.set(key, (cost = loadCost(load, this.machine, this.placement)));
    return cost;
  }

  tensorOp(op: Op): OpCost {
    const view: OpView = {
      kind: op.kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: op.operands.map((v) => typeOf(this.func, v)),
      results: op.results.map((v) => typeOf(this.func, v)),
    };
    return opCost(view, this.traffic.bytesOf(op), this.traffic.fuses(op), this.registry, this.machine);
  }
}

function placementOf(module: Module, machine: Machine, wish: PlacementWish): Placement | undefined {
  const [mesh] = module.meshes;
  return mesh === undefined ? undefined : placeFor(mesh, machine, dearest(loadsOf(module)), wish);
}

type Times = { readonly load: Load; readonly times: number };

/** Enough to tell placements apart. */
const dearest = (loads: readonly Times[]): Times[] =>
  loads.toSorted((a, b) => b.times * b.load.whole - a.times * a.load.whole).slice(0, 32);

/** Is it an op that computes, or moves data on its device? */
export const computes = (op: Op): boolean => !isStructural(op) && op.kind !== 'axis_index';

/** The placement that these loads, each so many times, take least time on; undefined where there is nothing to place. */
export function placeFor(
  mesh: Mesh,
  { network }: Machine,
  loads: readonly Times[],
  wish: PlacementWish = {},
): Placement | undefined {
  if (network.kind !== 'torus') return undefined;
  const price = (placement: Placement): number =>
    loads.reduce((sum, { load, times }) => sum + times * estimate(load, network, placement), 0);
  return placeMesh(mesh, network, price, wish);
}

/** Distinct loads of a program with how often each runs, loops times their trips. */
function loadsOf(module: Module): { load: Load; times: number }[] {
  const func = mainFunction(module);
  const found = new Map<string, { load: Load; times: number }>();
  const todo: { block: Block; times: number }[] = [{ block: func.body, times: 1 }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const op of next.block.ops) {
      const trips = (op.attrs.trip_count as number | undefined) ?? 1;
      for (const block of op.regions) todo.push({ block, times: next.times * trips });
      const collective = synchronous(op);
      const load = isCollective(collective) ? loadOf(collective, func, module.meshes) : undefined;
      if (load === undefined) continue;
      const key = loadKey(load);
      const known = found.get(key);
      if (known === undefined) found.set(key, { load, times: next.times });
      else known.times += next.times;
    }
  }
  return [...found.values()];
}
