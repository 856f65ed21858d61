/** Runs a program as one device would: the meaning that every partitioned form must reproduce. */
import type { Precision, TensorArray } from '../ir/array.ts';
import { internalError, userError } from '../ir/diagnostics.ts';
import type { Layout, Monoid } from '../ir/layout.ts';
import { DTYPES } from '../ir/types.ts';
import type { AxisRef } from '../ir/mesh.ts';
import { joinedAxes } from '../ir/ops/collectives.ts';
import { dataTypes, isHostTransfer } from '../ir/ops/host-transfers.ts';
import type { Registry } from '../ir/op.ts';
import { isCollective, mainFunction, meshOf, type Module, type Op, type ValueId } from '../ir/program.ts';
import { type Choice, choicesOf, type Here, type Meaning, runFunction, type Scope } from './control-flow.ts';
import { runStacked } from './kernels/index.ts';
import { runManualCollective } from './manual-collectives.ts';
import { indexAlong, joinFrom, type ManualShards, shardsInside, splitInto } from './manual-shards.ts';
import { expectMeeting } from './meeting.ts';
import { expectRoomFor } from './memory/footprint.ts';
import { heapNow, onHeap, onto, settled } from './memory/room.ts';
import { HostLink } from './host-link.ts';
import { transferShards } from './shard-transfers.ts';
import { definitionOf, kernelContext } from './region-call.ts';
import { combineArrays } from './combine.ts';
import type { OnStep } from './steps.ts';
import { rowOf, stackOfOne } from './stacked.ts';

/**
 * Results of main on global arrays, at any level with global shapes (parsed … collective). Layouts mean nothing here:
 * reshards and a pass's collectives only say where data lies, so they are the identity, also on values whose sum is still
 * owed. Manual computations run shard by shard. After the results comes what the program fed out.
 */
export function runOneDevice(
  module: Module,
  registry: Registry,
  inputs: readonly TensorArray[],
  precision: Precision,
  watch: Watch = {},
): TensorArray[] {
  if (module.level === 'local' || module.level === 'scheduled') {
    throw internalError(`runOneDevice needs global shapes; the module is at level ${module.level}`);
  }
  expectRoomFor(module, 1);
  return onHeap(() => {
    const given = inputs.map((x) => [onto(x)]);
    const device = new OneDevice(module, registry, precision, watch);
    const results = runFunction(module, mainFunction(module), given, device);
    return [...results.map((shards) => settled(shards[0] as TensorArray)), ...device.link.sent];
  });
}

/** Who hears of values, and of every op that is done. */
export interface Watch {
  /** Changes floats that an op makes of integers, or a constant's. */
  readonly nudged?: ((made: TensorArray, op: Op) => TensorArray) | undefined;
  readonly onValue?: ((id: ValueId, value: TensorArray) => void) | undefined;
  readonly onStep?: OnStep | undefined;
}

/** A value: one array, or, inside manual computations, one per shard. */
type Shards = readonly TensorArray[];

class OneDevice implements Meaning<Shards> {
  private readonly module: Module;
  private readonly registry: Registry;
  private readonly precision: Precision;
  private readonly watch: Watch;
  readonly link: HostLink;

  constructor(module: Module, registry: Registry, precision: Precision, watch: Watch) {
    this.module = module;
    this.watch = watch;
    this.registry = registry;
    this.precision = precision;
    this.link = new HostLink(precision);
  }

  op(op: Op, operands: readonly Shards[], scope: Scope<Shards>, here: Here): readonly Shards[] {
    const { shards } = here;
    if (isCollective(op)) return shards === undefined ? operands : this.collective(op, operands, shards, here);
    if (op.kind === 'axis_index') return [axisIndices(op, shards)];
    if (isHostTransfer(op)) return transferShards(this.link, op, operands, dataTypes(scope.code.view(op)), here);
    const count = shards?.count ?? 1;
    const alike = op.regions.length === 0 && operands.every((v) => v.every((a) => a === v[0]));
    const results: TensorArray[][] = op.results.map(() => []);
    const nudged = op.kind === 'constant' || areIntegers(operands) ? this.watch.nudged : undefined;
    for (let shard = 0; shard < (alike ? 1 : count); shard++)
      this.onShard(op, operands, scope, shard, here).forEach((array, i) =>
        results[i]?.push(nudged?.(array, op) ?? array),
      );
    return alike ? results.map(([only]) => new Array<TensorArray>(count).fill(only as TensorArray)) : results;
  }

  /** Inside manual computations a value is several arrays: those are not told. */
  bind(value: Shards, id: ValueId, _: Scope<Shards>, here: Here): Shards {
    const { onValue } = this.watch;
    if (onValue !== undefined && here.shards === undefined && value[0] !== undefined) onValue(id, settled(value[0]));
    return value;
  }

  keep(value: Shards): void {
    for (const { data } of value) heapNow()?.keep(data);
  }

  drop(value: Shards): void {
    for (const { data } of value) heapNow()?.drop(data);
  }

  settle(): void {
    heapNow()?.settle();
    this.watch.onStep?.();
  }

  choices(value: Shards, here: Here, way: (steer: number) => number): readonly Choice[] {
    const ways = value.map((a) => way(Number(a.data[0])));
    return choicesOf(ways, here);
  }

  merge(ways: readonly { readonly value: Shards; readonly here: Here }[]): Shards {
    return (ways[0]?.value ?? []).map((array, shard) => {
      const taken = ways.find(({ here }) => here.active === undefined || here.active[shard] === 1);
      return taken?.value[shard] ?? array;
    });
  }

  enter(op: Op, operands: readonly Shards[], _: Scope<Shards>, here: Here): { inputs: readonly Shards[]; here: Here } {
    const { layouts, manual } = manualOf(op, 'in_layouts');
    const mesh = [...layouts, ...manualOf(op, 'out_layouts').layouts][0]?.mesh ?? this.module.meshes[0]?.name;
    const inside = shardsInside(here.shards, meshOf(this.module, mesh ?? ''), manual);
    const inputs = operands.map((v, i) => splitInto(inside, v, layouts[i] as Layout, manual, op));
    const { active } = here;
    if (active === undefined) return { inputs, here: { shards: inside } };
    const each = inside.count / active.length;
    const spread = Uint8Array.from({ length: inside.count }, (_, shard) => active[Math.floor(shard / each)] as number);
    return { inputs, here: { shards: inside, active: spread } };
  }

  leave(op: Op, results: readonly Shards[], inside: Here, outside: Here): readonly Shards[] {
    const { layouts, manual } = manualOf(op, 'out_layouts');
    const around = outside.shards?.count ?? 1;
    return results.map((v, i) => {
      const layout = layouts[i] as Layout;
      const combine = (a: TensorArray, b: TensorArray): TensorArray => this.combine(layout.monoid ?? 'sum', a, b);
      return joinFrom(inside.shards as ManualShards, v, layout, manual, around, op, combine);
    });
  }

  /** A pass's are over free axes, and only say where data lies. */
  private collective(op: Op, operands: readonly Shards[], shards: ManualShards, here: Here): readonly Shards[] {
    const axes = joinedAxes(op);
    const isManual = (a: AxisRef): boolean => shards.mesh.axes.some((m) => m.name === a.name);
    if (axes.length === 0 || !axes.some(isManual)) return operands;
    expectMeeting(op, shards.mesh, here.active);
    return operands.map((v) => runManualCollective(op, shards, v, (m, a, b) => this.combine(m, a, b)));
  }

  private combine(monoid: Monoid, a: TensorArray, b: TensorArray): TensorArray {
    return combineArrays(this.registry, this.precision, monoid, a, b);
  }

  private onShard(
    op: Op,
    operands: readonly Shards[],
    scope: Scope<Shards>,
    shard: number,
    here: Here,
  ): readonly TensorArray[] {
    const view = scope.code.view(op);
    const inputs = operands.map((v) => v[shard] as TensorArray);
    const call = {
      view,
      operands: inputs.map((x) => ({ stack: stackOfOne(x) })),
      copies: 1,
      precision: this.precision,
      mayOverwrite: here.shards === undefined,
    };
    const made = runStacked(this.registry, call);
    if (made !== undefined) return [rowOf(made, 0)];
    const context = kernelContext(this.registry, this.precision, scope.code, (id) => scope.values[id]?.[shard]);
    return definitionOf(this.registry, op).kernel(view, inputs, context);
  }
}

/** Numbers that floats may be rounded from; truth values are exact. */
const areIntegers = (operands: readonly Shards[]): boolean =>
  operands.length > 0 &&
  operands.every(([a]) => a !== undefined && ['signed', 'unsigned'].includes(DTYPES[a.dtype].class));

function axisIndices(op: Op, shards: ManualShards | undefined): Shards {
  const axes = op.attrs.axes as readonly AxisRef[];
  const index = (shard: number): number => (shards === undefined ? 0 : indexAlong(shards, axes, shard));
  const free = axes.find((a) => shards?.mesh.axes.some((m) => m.name === a.name) !== true);
  if (free !== undefined)
    throw userError('SH0231', `axis_index over ${free.name}, which is not manual here`, {
      span: op.origin.span,
      expected: 'axes of the manual computations around',
    });
  return Array.from({ length: shards?.count ?? 1 }, (_, shard) => ({
    dtype: 'i32',
    shape: [],
    data: Int32Array.of(index(shard)),
  }));
}

const manualOf = (
  op: Op,
  side: 'in_layouts' | 'out_layouts',
): { readonly layouts: readonly Layout[]; readonly manual: readonly string[] } => ({
  layouts: (op.attrs[side] as readonly Layout[] | undefined) ?? [],
  manual: op.attrs.manual_axes as readonly string[],
});
