/**
 * Runs a per-device program on all devices of its mesh in lockstep. Data that is replicated is held and computed once,
 * so that 2,048 devices cost about what the distinct data costs (docs/design.md §6).
 */
import type { Precision, TensorArray } from '../ir/array.ts';
import { internalError, unsupported } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import { deviceCount } from '../ir/mesh.ts';
import { expectPaidBoundary } from '../ir/owed-at-boundary.ts';
import type { OpView, Registry } from '../ir/op.ts';
import {
  type Func,
  isCollective,
  mainFunction,
  meshOf,
  type Module,
  type Op,
  synchronous,
  type ValueId,
  valueInfo,
  readFromOutside,
} from '../ir/program.ts';
import { elementCount } from '../ir/types.ts';
import { type Choice, choicesOf, type Here, type Meaning, runFunction, type Scope } from './control-flow.ts';
import { DeviceGrid } from './device-grid.ts';
import { type Distributed, Sharder } from './distributed.ts';
import { Partitions } from './partition.ts';
import { definitionOf, kernelContext } from './region-call.ts';
import { runStacked } from './kernels/index.ts';
import { expectRoomFor, gibibytes, MEMORY_BUDGET, tooBig } from './memory/footprint.ts';
import { heapNow, onHeap, settled } from './memory/room.ts';
import { type Rows, rowOf, stackOf, takeRows } from './stacked.ts';
import { Places } from '../ir/places.ts';
import type { OnStep } from './steps.ts';
import type { ReductionOrder } from './reduction-order.ts';
import { SpmdCollectives } from './spmd-collectives.ts';
import { SpmdTransfers } from './spmd-transfers.ts';
import { HostLink } from './host-link.ts';
import { dataTypes, isHostTransfer } from '../ir/ops/host-transfers.ts';

export interface SpmdOptions {
  /** Global shapes of the results, where a dim does not divide by its shards. Default: shards × local extent. */
  readonly resultShapes?: readonly (readonly number[])[];
  /** Check at every value that devices hold what its layout claims (default true). */
  readonly checkClaims?: boolean;
  /** In what order collectives add (default: by rank). */
  readonly reductionOrder?: ReductionOrder;
  /** Hears of every value of main that has a layout, in the order of the run, with its global array on demand. */
  readonly onValue?: (id: ValueId, assembled: () => TensorArray) => void;
  readonly onStep?: OnStep | undefined;
}

export interface SpmdRun {
  /** Reassembled global arrays, and after them what the program fed out. */
  readonly results: TensorArray[];
  /** Results computed: one per op and distinct data. */
  readonly copiesComputed: number;
  readonly devices: number;
}

/** Global inputs to global results of a module at the local level. Throws ReplicaMismatch where replicas differ. */
export function runSpmd(
  module: Module,
  registry: Registry,
  inputs: readonly TensorArray[],
  precision: Precision,
  options: SpmdOptions = {},
): SpmdRun {
  if (module.level !== 'local' && module.level !== 'scheduled') {
    throw internalError(`runSpmd needs per-device shapes; the module is at level ${module.level}`);
  }
  expectRoomFor(module, devicesOf(module));
  const func = mainFunction(module);
  expectPaidBoundary(func);
  const grids = makeGrids(module);
  const partitions = new Partitions(devicesOf(module));
  const gridOf = (name: string): DeviceGrid => grids.get(meshOf(module, name).name) as DeviceGrid;
  const sharder = new Sharder(partitions, gridOf);
  const collectives = new SpmdCollectives(partitions, gridOf, registry, precision, options.reductionOrder);
  const link = new HostLink(precision);
  const meaning = new Lockstep({
    registry,
    precision,
    partitions,
    sharder,
    collectives,
    transfers: new SpmdTransfers(link, partitions, sharder),
    checkClaims: options.checkClaims ?? true,
    places: new Places(module.source),
    onValue: options.onValue,
    onStep: options.onStep,
  });
  const results = onHeap(() => {
    const values = runFunction(module, func, shardInputs(func, sharder, inputs), meaning);
    const whole = (v: Distributed, i: number): TensorArray =>
      settled(sharder.assemble(v, func.resultLayouts[i], options.resultShapes?.[i], `result ${i}`));
    return [...values.map(whole), ...link.sent];
  });
  return { results, copiesComputed: meaning.copiesComputed, devices: partitions.devices };
}

/** Devices of the module's meshes, which must agree; 1 without a mesh. */
export function devicesOf(module: Module): number {
  const counts = new Set(module.meshes.map(deviceCount));
  if (counts.size > 1) throw unsupported('meshes with different numbers of devices in one module');
  return [...counts][0] ?? 1;
}

function makeGrids(module: Module): Map<string, DeviceGrid> {
  return new Map(module.meshes.map((m) => [m.name, new DeviceGrid(m)]));
}

function shardInputs(func: Func, sharder: Sharder, inputs: readonly TensorArray[]): Distributed[] {
  const { params } = func.body;
  if (inputs.length !== params.length)
    throw internalError(`@${func.name} takes ${params.length} inputs, not ${inputs.length}`);
  return params.map((p, i) => {
    const { layout, type } = valueInfo(func, p);
    return sharder.shard(inputs[i] as TensorArray, layout, type.shape, `input ${i}`);
  });
}

interface Engine {
  readonly registry: Registry;
  readonly precision: Precision;
  readonly partitions: Partitions;
  readonly sharder: Sharder;
  readonly collectives: SpmdCollectives;
  readonly transfers: SpmdTransfers;
  readonly checkClaims: boolean;
  readonly places: Places;
  readonly onValue: SpmdOptions['onValue'];
  readonly onStep: OnStep | undefined;
}

class Lockstep implements Meaning<Distributed> {
  copiesComputed = 0;
  private readonly engine: Engine;
  private readonly captures = new Map<Op, readonly ValueId[]>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  op(op: Op, operands: readonly Distributed[], scope: Scope<Distributed>, here: Here): readonly Distributed[] {
    if (op.kind === 'axis_index') return [this.engine.collectives.axisIndex(op)];
    if (isHostTransfer(op)) return this.engine.transfers.run(op, operands, dataTypes(scope.code.view(op)), here.active);
    const collective = synchronous(op);
    if (isCollective(collective)) return operands.map((v) => this.engine.collectives.run(collective, v, here.active));
    return this.perCopy(op, operands, scope);
  }

  /** Where some devices are elsewhere, theirs are no values. */
  bind(value: Distributed, id: ValueId, scope: Scope<Distributed>, here: Here): Distributed {
    const info = valueInfo(scope.func, id);
    const { layout } = info;
    if (layout !== undefined && layout.unreduced.length === 0 && here.active === undefined)
      this.engine.onValue?.(id, () => settled(this.engine.sharder.assemble(value, layout, undefined, 'a value')));
    if (!this.engine.checkClaims || info.layout === undefined || value.partition.copies === 1) return value;
    if (here.active !== undefined) return value;
    const place = this.engine.places.of(info.origin);
    const what = `%${info.name ?? id}${info.origin?.pass === undefined ? '' : ` (made by ${info.origin.pass})`}${place === '' ? '' : ` at ${place}`}`;
    return this.engine.sharder.verify(value, info.layout, what);
  }

  keep({ stack }: Distributed): void {
    heapNow()?.keep(stack.data);
  }

  drop({ stack }: Distributed): void {
    heapNow()?.drop(stack.data);
  }

  settle(): void {
    heapNow()?.settle();
    this.engine.onStep?.();
  }

  choices(value: Distributed, here: Here, way: (steer: number) => number): readonly Choice[] {
    const { partition, stack } = value;
    const ways = Array.from({ length: partition.copies }, (_, copy) => way(Number(stack.data[copy])));
    if (here.active === undefined && ways.every((w) => w === ways[0])) return [{ way: ways[0] as number, here }];
    return choicesOf(
      partition.copyOf.map((copy) => ways[copy] as number),
      here,
    );
  }

  /** Device by device from the way it took: the copies of all ways side by side, and who holds which. */
  merge(ways: readonly { readonly value: Distributed; readonly here: Here }[]): Distributed {
    const { partitions } = this.engine;
    const stacks = ways.map((w) => w.value.stack);
    const first = stacks[0] as TensorArray;
    const all = stackOf(stacks.flatMap((s) => Array.from({ length: s.shape[0] as number }, (_, row) => rowOf(s, row))));
    const start = stacks.map((_, i) => stacks.slice(0, i).reduce((n, s) => n + (s.shape[0] as number), 0));
    const labels = Int32Array.from({ length: partitions.devices }, (_, device) => {
      const at = Math.max(
        0,
        ways.findIndex(({ here }) => here.active === undefined || here.active[device] === 1),
      );
      return (start[at] as number) + ((ways[at] as (typeof ways)[number]).value.partition.copyOf[device] as number);
    });
    const partition = partitions.of(labels);
    const rows = partition.firstDevice.map((d) => labels[d] as number);
    return { partition, stack: { ...takeRows(all, rows), dtype: first.dtype } };
  }

  enter(op: Op): never {
    throw internalError(`${op.kind} at the local level, where none is left`);
  }

  leave(op: Op): never {
    return this.enter(op);
  }

  /** What a manual computation says it replicates. */
  lay(op: Op, value: Distributed): Distributed {
    return this.engine.sharder.settle(value, op.attrs.layout as Layout, op);
  }

  /** On the copies of the common refinement of everything the op reads: all at once, or one by one. */
  private perCopy(op: Op, operands: readonly Distributed[], scope: Scope<Distributed>): Distributed[] {
    const { partitions, registry, precision } = this.engine;
    const captured = this.capturedBy(op);
    const read = [...operands, ...captured.map((id) => scope.values[id] as Distributed)];
    const partition = read.reduce((p, v) => partitions.refine(p, v.partition), partitions.whole);
    const rows = read.map(
      (v): Rows =>
        v.partition === partition
          ? { stack: v.stack }
          : { stack: v.stack, of: partitions.project(partition, v.partition) },
    );
    const view = scope.code.view(op);
    const { copies } = partition;
    expectRoom(view, copies);
    const stack =
      captured.length > 0
        ? undefined
        : runStacked(registry, { view, operands: rows, copies, precision, mayOverwrite: true });
    this.copiesComputed += copies;
    if (stack !== undefined) return [{ partition, stack }];
    const def = definitionOf(registry, op);
    const results: TensorArray[][] = op.results.map(() => []);
    for (let copy = 0; copy < copies; copy++) {
      const at = (i: number): TensorArray | undefined => {
        const source = rows[i];
        return source === undefined ? undefined : rowOf(source.stack, source.of?.[copy] ?? copy);
      };
      const context = kernelContext(registry, precision, scope.code, (id) =>
        at(operands.length + captured.indexOf(id)),
      );
      def
        .kernel(
          view,
          operands.map((_, i) => at(i) as TensorArray),
          context,
        )
        .forEach((array, i) => results[i]?.push(array));
    }
    return results.map((arrays) => ({ partition, stack: stackOf(arrays) }));
  }

  private capturedBy(op: Op): readonly ValueId[] {
    if (op.regions.length === 0) return [];
    let found = this.captures.get(op);
    if (found === undefined) this.captures.set(op, (found = readFromOutside(op.regions)));
    return found;
  }
}

/** Copies that no layout told of: on all devices a value may be larger than was foreseen. */
function expectRoom(view: OpView, copies: number): void {
  const bytes = view.results.reduce((n, t) => n + copies * 8 * elementCount(t), 0);
  if (bytes <= MEMORY_BUDGET) return;
  throw tooBig(`the result of ${view.kind} would take ${gibibytes(bytes)} over ${copies} distinct copies`);
}
