/**
 * Per-device collectives as StableHLO. Groups are lists of partition ids, which are device ids. A collective on several
 * dims is one collective on a reshaped array; one over no axes is nothing.
 */
import { unsupported } from '../diagnostics.ts';
import { devicePairs, groupsOf, type Pairs, shiftPairs } from '../device-groups.ts';
import type { Monoid } from '../layout.ts';
import type { OpAttrs } from '../attrs.ts';
import { axesKey } from '../axes.ts';
import { axesSize, type AxisRef, type Mesh } from '../mesh.ts';
import { layoutPairs } from '../permute.ts';
import type { Op } from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import { elementText } from './element-names.ts';
import { tensorText } from './print-op.ts';

type Emit = (text: string, name?: string) => string;
type Parts = readonly (readonly number[])[] | undefined;
const REDUCERS: Readonly<Record<Monoid, string>> = {
  sum: 'add',
  prod: 'multiply',
  max: 'maximum',
  min: 'minimum',
  and: 'and',
  or: 'or',
};

/** Numbers that are taken: one per collective of a program. */
export interface Channels {
  last: number;
}

export class CollectivePrinter {
  /** The mesh of the manual computation it prints into. */
  private readonly mesh: Mesh;
  private readonly emit: Emit;
  private readonly channels: Channels;
  private readonly groupsMemo = new Map<string, string>();

  constructor(mesh: Mesh, emit: Emit, channels: Channels) {
    this.mesh = mesh;
    this.emit = emit;
    this.channels = channels;
  }

  print(op: Pick<Op, 'kind' | 'attrs'>, value: string, from: TensorType, to: TensorType): string {
    const parts = op.attrs.groups as Parts;
    switch (op.kind) {
      case 'all_reduce':
        return this.allReduce(op.attrs as unknown as OpAttrs['all_reduce'], value, from);
      case 'all_gather':
        return this.allGather(op.attrs.axes as OpAttrs['all_gather']['axes'], parts, value, from, to);
      case 'reduce_scatter':
        return this.reduceScatter(op.attrs as unknown as OpAttrs['reduce_scatter'], value, from, to);
      case 'all_slice':
        return this.allSlice(op.attrs.axes as OpAttrs['all_slice']['axes'], value, from, to);
      case 'all_to_all':
        return this.allToAll(op.attrs.moves as OpAttrs['all_to_all']['moves'], parts, value, from);
      case 'collective_permute':
        return this.permute(op.attrs as unknown as OpAttrs['collective_permute'], value, from);
      case 'collective_shift':
        return this.pairs(shiftPairs(this.mesh, op.attrs as unknown as OpAttrs['collective_shift']), value, from);
      case 'device_permute':
        return this.pairs(devicePairs(this.mesh, op.attrs as unknown as OpAttrs['device_permute']), value, from);
      case 'collective_broadcast':
        return this.emit(
          `"stablehlo.collective_broadcast"(${value}) <{${this.handle()}, replica_groups = ${this.groups(op.attrs.axes as readonly AxisRef[], parts)}}> : (${tensorText(from)}) -> ${tensorText(to)}`,
        );
      default:
        throw unsupported(`exporting ${op.kind}`);
    }
  }

  /** i32[]: combined index of this device along the axes. */
  axisIndex(op: Pick<Op, 'attrs'>): string {
    return this.index(op.attrs.axes as readonly AxisRef[]);
  }

  private index(axes: readonly AxisRef[]): string {
    const scalar = 'tensor<i32>';
    const id = this.emit('stablehlo.partition_id : tensor<ui32>');
    const position = this.position(this.emit(`stablehlo.convert ${id} : (tensor<ui32>) -> ${scalar}`));
    const constant = (n: number): string => this.emit(`stablehlo.constant dense<${n}> : ${scalar}`);
    let total: string | undefined;
    for (const axis of axes) {
      const at = this.mesh.axes.findIndex((a) => a.name === axis.name);
      const size = this.mesh.axes[at]?.size ?? 1;
      const stride = this.mesh.axes.slice(at + 1).reduce((n, a) => n * a.size, 1) * (size / (axis.pre * axis.size));
      const divided =
        stride === 1 ? position : this.emit(`stablehlo.divide ${position}, ${constant(stride)} : ${scalar}`);
      const digit = this.emit(`stablehlo.remainder ${divided}, ${constant(axis.size)} : ${scalar}`);
      total =
        total === undefined
          ? digit
          : this.emit(
              `stablehlo.add ${this.emit(`stablehlo.multiply ${total}, ${constant(axis.size)} : ${scalar}`)}, ${digit} : ${scalar}`,
            );
    }
    return total ?? constant(0);
  }

  /** Where in the mesh a device stands: its id, unless the mesh has an order of its own. */
  private position(id: string): string {
    const { deviceIds } = this.mesh;
    if (deviceIds === undefined) return id;
    const places = new Array<number>(deviceIds.length).fill(0);
    deviceIds.forEach((device, position) => {
      places[device] = position;
    });
    const list = `tensor<${places.length}xi32>`;
    const table = this.emit(`stablehlo.constant dense<[${places.join(', ')}]> : ${list}`);
    const found = this.emit(
      `stablehlo.dynamic_slice ${table}, ${id}, sizes = [1] : (${list}, tensor<i32>) -> tensor<1xi32>`,
    );
    return this.emit(`stablehlo.reshape ${found} : (tensor<1xi32>) -> tensor<i32>`);
  }

  private allReduce({ axes, monoid, groups }: OpAttrs['all_reduce'], value: string, type: TensorType): string {
    if (axes.length === 0) return value;
    return this.emit(
      `"stablehlo.all_reduce"(${value}) <{replica_groups = ${this.groups(axes, groups)}, ${this.handle()}, use_global_device_ids}> (${this.reducer(monoid, type)}) : (${tensorText(type)}) -> ${tensorText(type)}`,
    );
  }

  /** One gathered dim directly; several through a leading dim: [g, …] → [g0, n0, g1, n1, …] → merged. */
  private allGather(
    axes: readonly (readonly AxisRef[])[],
    parts: Parts,
    value: string,
    from: TensorType,
    to: TensorType,
  ): string {
    const moved = axes.flatMap((a, d) => (a.length > 0 ? [d] : []));
    if (moved.length === 0) return value;
    if (moved.length === 1)
      return this.gather(value, from, to, moved[0] as number, axes[moved[0] as number] ?? [], parts);
    const all = axes.flat();
    const lead = tensor(from.dtype, [1, ...from.shape]);
    const gathered = tensor(from.dtype, [axesSize(all), ...from.shape]);
    const stacked = this.gather(this.reshape(value, from, lead), lead, gathered, 0, all);
    const counts = moved.map((d) => axesSize(axes[d] ?? []));
    const split = tensor(from.dtype, [...counts, ...from.shape]);
    const order = from.shape.flatMap((_, d) =>
      moved.includes(d) ? [moved.indexOf(d), counts.length + d] : [counts.length + d],
    );
    const spread = this.transpose(this.reshape(stacked, gathered, split), split, order);
    return this.reshape(spread.value, spread.type, to);
  }

  private gather(
    value: string,
    from: TensorType,
    to: TensorType,
    dim: number,
    axes: readonly AxisRef[],
    parts?: Parts,
  ): string {
    return this.emit(
      `"stablehlo.all_gather"(${value}) <{all_gather_dim = ${dim} : i64, ${this.handle()}, replica_groups = ${this.groups(axes, parts)}, use_global_device_ids}> : (${tensorText(from)}) -> ${tensorText(to)}`,
    );
  }

  private reduceScatter(
    { axes, monoid, groups }: OpAttrs['reduce_scatter'],
    value: string,
    from: TensorType,
    to: TensorType,
  ): string {
    const moved = axes.flatMap((a, d) => (a.length > 0 ? [d] : []));
    if (moved.length === 0) return value;
    if (moved.length === 1)
      return this.scatter(value, from, to, moved[0] as number, axes[moved[0] as number] ?? [], monoid, groups);
    const counts = moved.map((d) => axesSize(axes[d] ?? []));
    const split = tensor(
      from.dtype,
      from.shape.flatMap((n, d) =>
        moved.includes(d) ? [counts[moved.indexOf(d)] as number, n / (counts[moved.indexOf(d)] as number)] : [n],
      ),
    );
    const heads = moved.map((d) => d + moved.indexOf(d));
    const order = [...heads, ...split.shape.map((_, i) => i).filter((i) => !heads.includes(i))];
    const front = this.transpose(this.reshape(value, from, split), split, order);
    const stacked = tensor(from.dtype, [counts.reduce((a, b) => a * b, 1), ...to.shape]);
    const part = tensor(from.dtype, [1, ...to.shape]);
    return this.reshape(
      this.scatter(this.reshape(front.value, front.type, stacked), stacked, part, 0, axes.flat(), monoid),
      part,
      to,
    );
  }

  private scatter(
    value: string,
    from: TensorType,
    to: TensorType,
    dim: number,
    axes: readonly AxisRef[],
    monoid: Monoid,
    parts?: Parts,
  ): string {
    return this.emit(
      `"stablehlo.reduce_scatter"(${value}) <{${this.handle()}, replica_groups = ${this.groups(axes, parts)}, scatter_dimension = ${dim} : i64, use_global_device_ids}> (${this.reducer(monoid, from)}) : (${tensorText(from)}) -> ${tensorText(to)}`,
    );
  }

  private allSlice(axes: readonly (readonly AxisRef[])[], value: string, from: TensorType, to: TensorType): string {
    const starts = axes.map((a, d) => {
      if (a.length === 0) return this.emit('stablehlo.constant dense<0> : tensor<i32>');
      const width = this.emit(`stablehlo.constant dense<${to.shape[d]}> : tensor<i32>`);
      return this.emit(`stablehlo.multiply ${this.index(a)}, ${width} : tensor<i32>`);
    });
    return this.emit(
      `stablehlo.dynamic_slice ${[value, ...starts].join(', ')}, sizes = [${to.shape.join(', ')}] : (${[tensorText(from), ...starts.map(() => 'tensor<i32>')].join(', ')}) -> ${tensorText(to)}`,
    );
  }

  /**
   * One pair of dims directly; several as one collective over all their axes: the parts of all targets become a leading
   * dim, and what arrives there goes before the sources: [t0, t1, …] → [g0·g1, …] → all_to_all → [g0, s0, g1, s1, …].
   */
  private allToAll(given: OpAttrs['all_to_all']['moves'], groups: Parts, value: string, type: TensorType): string {
    const moves = given.filter((m) => m.axes.length > 0);
    const [move, ...more] = moves;
    if (move === undefined) return value;
    if (more.length === 0) {
      const g = groups?.[0]?.length ?? axesSize(move.axes);
      const { source, target } = move;
      const shape = type.shape.map((n, d) => (source === target ? n : d === target ? n / g : d === source ? n * g : n));
      return this.exchange(value, type, tensor(type.dtype, shape), source, target, move.axes, groups);
    }
    const counts = moves.map((m) => axesSize(m.axes));
    const rest = [...type.shape];
    const split: number[] = [];
    const heads = moves.map(() => 0);
    type.shape.forEach((_, d) => {
      moves.forEach((m, i) => {
        if (m.target !== d) return;
        heads[i] = split.push(counts[i] as number) - 1;
        rest[d] = (rest[d] as number) / (counts[i] as number);
      });
      split.push(rest[d] as number);
    });
    const parts = tensor(type.dtype, split);
    const order = [...heads, ...split.map((_, i) => i).filter((i) => !heads.includes(i))];
    const front = this.transpose(this.reshape(value, type, parts), parts, order);
    const stacked = tensor(type.dtype, [counts.reduce((a, b) => a * b, 1), ...rest]);
    const axes = moves.flatMap((m) => [...m.axes]);
    const arrived = this.exchange(this.reshape(front.value, front.type, stacked), stacked, stacked, 0, 0, axes);
    const spread = tensor(type.dtype, [...counts, ...rest]);
    // A later move of one source took the more major part of it.
    const places = rest.flatMap((_, d) => [
      ...moves.flatMap((m, i) => (m.source === d ? [i] : [])).reverse(),
      counts.length + d,
    ]);
    const joined = this.transpose(this.reshape(arrived, stacked, spread), spread, places);
    const shape = rest.map((n, d) => moves.reduce((e, m, i) => (m.source === d ? e * (counts[i] as number) : e), n));
    return this.reshape(joined.value, joined.type, tensor(type.dtype, shape));
  }

  private exchange(
    value: string,
    from: TensorType,
    to: TensorType,
    concat: number,
    split: number,
    axes: readonly AxisRef[],
    groups?: Parts,
  ): string {
    return this.emit(
      `"stablehlo.all_to_all"(${value}) <{${this.handle()}, concat_dimension = ${concat} : i64, replica_groups = ${this.groups(axes, groups)}, split_count = ${groups?.[0]?.length ?? axesSize(axes)} : i64, split_dimension = ${split} : i64}> : (${tensorText(from)}) -> ${tensorText(to)}`,
    );
  }

  private permute({ from, to }: OpAttrs['collective_permute'], value: string, type: TensorType): string {
    return this.pairs(layoutPairs(this.mesh, from, to), value, type);
  }

  private pairs(pairs: Pairs, value: string, type: TensorType): string {
    const list = pairs.length === 0 ? '' : `[${pairs.map(([s, t]) => `[${s}, ${t}]`).join(', ')}]`;
    return this.emit(
      `"stablehlo.collective_permute"(${value}) <{${this.handle()}, source_target_pairs = dense<${list}> : tensor<${pairs.length}x2xi64>}> : (${tensorText(type)}) -> ${tensorText(type)}`,
    );
  }

  // --- pieces -------------------------------------------------------------------------------------------------------

  private reshape(value: string, from: TensorType, to: TensorType): string {
    return from === to ? value : this.emit(`stablehlo.reshape ${value} : (${tensorText(from)}) -> ${tensorText(to)}`);
  }

  private transpose(value: string, type: TensorType, order: readonly number[]): { value: string; type: TensorType } {
    const to = tensor(
      type.dtype,
      order.map((d) => type.shape[d] as number),
    );
    return {
      type: to,
      value: this.emit(
        `stablehlo.transpose ${value}, dims = [${order.join(', ')}] : (${tensorText(type)}) -> ${tensorText(to)}`,
      ),
    };
  }

  private handle(): string {
    return `channel_handle = #stablehlo.channel_handle<handle = ${++this.channels.last}, type = 1>`;
  }

  private reducer(monoid: Monoid, type: TensorType): string {
    const scalar = `tensor<${elementText(type.dtype)}>`;
    return `{\n^bb0(%lhs: ${scalar}, %rhs: ${scalar}):\n  %sum = stablehlo.${REDUCERS[monoid]} %lhs, %rhs : ${scalar}\n  stablehlo.return %sum : ${scalar}\n}`;
  }

  /** `dense<[[0, 4], [1, 5]]> : tensor<2x2xi64>`; groups of different sizes are filled up with -1. */
  private groups(axes: readonly AxisRef[], parts?: Parts): string {
    const key = `${axesKey(axes)} ${JSON.stringify(parts)}`;
    let text = this.groupsMemo.get(key);
    if (text === undefined) {
      const groups = groupsOf(this.mesh, axes, parts);
      const width = Math.max(...groups.map((g) => g.length));
      const rows = groups.map((g) => `[${[...g, ...new Array<number>(width - g.length).fill(-1)].join(', ')}]`);
      text = `dense<[${rows.join(', ')}]> : tensor<${groups.length}x${width}xi64>`;
      this.groupsMemo.set(key, text);
    }
    return text;
  }
}
