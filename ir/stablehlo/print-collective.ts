/**
 * Per-device collectives as StableHLO. Groups are lists of partition ids, row-major over the mesh; a member's place in
 * its group is its combined index along the axes, first axis major. A collective on several dims is one collective on
 * a reshaped array.
 */
import { unsupported } from '../diagnostics.ts';
import type { Layout, Monoid } from '../layout.ts';
import type { OpAttrs } from '../attrs.ts';
import { axesIndex, axesSize, type AxisRef, deviceCount, type Mesh, overlaps } from '../mesh.ts';
import type { Op } from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import { elementText } from './element-names.ts';
import { tensorText } from './print-op.ts';

type Emit = (text: string, name?: string) => string;
const REDUCERS: Readonly<Record<Monoid, string>> = {
  sum: 'add',
  prod: 'multiply',
  max: 'maximum',
  min: 'minimum',
  and: 'and',
  or: 'or',
};

export class CollectivePrinter {
  private readonly mesh: Mesh;
  private readonly emit: Emit;
  private channel = 0;
  private readonly groupsMemo = new Map<string, string>();

  constructor(mesh: Mesh, emit: Emit) {
    this.mesh = mesh;
    this.emit = emit;
  }

  print(op: Op, value: string, from: TensorType, to: TensorType): string {
    switch (op.kind) {
      case 'all_reduce':
        return this.allReduce(op.attrs as unknown as OpAttrs['all_reduce'], value, from);
      case 'all_gather':
        return this.allGather(op.attrs.axes as OpAttrs['all_gather']['axes'], value, from, to);
      case 'reduce_scatter':
        return this.reduceScatter(op.attrs as unknown as OpAttrs['reduce_scatter'], value, from, to);
      case 'all_slice':
        return this.allSlice(op.attrs.axes as OpAttrs['all_slice']['axes'], value, from, to);
      case 'all_to_all':
        return this.allToAll(op.attrs.moves as OpAttrs['all_to_all']['moves'], value, from);
      case 'collective_permute':
        return this.permute(op.attrs as unknown as OpAttrs['collective_permute'], value, from);
      case 'collective_shift':
        return this.pairs(shiftPairs(this.mesh, op.attrs as unknown as OpAttrs['collective_shift']), value, from);
      default:
        throw unsupported(`exporting ${op.kind}`);
    }
  }

  /** i32[]: combined index of this device along the axes. */
  axisIndex(op: Op): string {
    return this.index(op.attrs.axes as readonly AxisRef[]);
  }

  private index(axes: readonly AxisRef[]): string {
    const scalar = 'tensor<i32>';
    const id = this.emit('stablehlo.partition_id : tensor<ui32>');
    const position = this.emit(`stablehlo.convert ${id} : (tensor<ui32>) -> ${scalar}`);
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

  private allReduce({ axes, monoid }: OpAttrs['all_reduce'], value: string, type: TensorType): string {
    return this.emit(
      `"stablehlo.all_reduce"(${value}) <{replica_groups = ${this.groups(axes)}, ${this.handle()}, use_global_device_ids}> (${this.reducer(monoid, type)}) : (${tensorText(type)}) -> ${tensorText(type)}`,
    );
  }

  /** One gathered dim directly; several through a leading dim: [g, …] → [g0, n0, g1, n1, …] → merged. */
  private allGather(axes: readonly (readonly AxisRef[])[], value: string, from: TensorType, to: TensorType): string {
    const moved = axes.flatMap((a, d) => (a.length > 0 ? [d] : []));
    if (moved.length === 1) return this.gather(value, from, to, moved[0] as number, axes[moved[0] as number] ?? []);
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

  private gather(value: string, from: TensorType, to: TensorType, dim: number, axes: readonly AxisRef[]): string {
    return this.emit(
      `"stablehlo.all_gather"(${value}) <{all_gather_dim = ${dim} : i64, ${this.handle()}, replica_groups = ${this.groups(axes)}, use_global_device_ids}> : (${tensorText(from)}) -> ${tensorText(to)}`,
    );
  }

  private reduceScatter(
    { axes, monoid }: OpAttrs['reduce_scatter'],
    value: string,
    from: TensorType,
    to: TensorType,
  ): string {
    const moved = axes.flatMap((a, d) => (a.length > 0 ? [d] : []));
    if (moved.length === 1)
      return this.scatter(value, from, to, moved[0] as number, axes[moved[0] as number] ?? [], monoid);
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
  ): string {
    return this.emit(
      `"stablehlo.reduce_scatter"(${value}) <{${this.handle()}, replica_groups = ${this.groups(axes)}, scatter_dimension = ${dim} : i64, use_global_device_ids}> (${this.reducer(monoid, from)}) : (${tensorText(from)}) -> ${tensorText(to)}`,
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

  private allToAll(moves: OpAttrs['all_to_all']['moves'], value: string, type: TensorType): string {
    let current = { value, type };
    for (const { axes, source, target } of moves) {
      const g = axesSize(axes);
      const shape = current.type.shape.map((n, d) => (d === target ? n / g : d === source ? n * g : n));
      const to = tensor(type.dtype, shape);
      const made = this.emit(
        `"stablehlo.all_to_all"(${current.value}) <{${this.handle()}, concat_dimension = ${source} : i64, replica_groups = ${this.groups(axes)}, split_count = ${g} : i64, split_dimension = ${target} : i64}> : (${tensorText(current.type)}) -> ${tensorText(to)}`,
      );
      current = { value: made, type: to };
    }
    return current.value;
  }

  private permute({ from, to }: OpAttrs['collective_permute'], value: string, type: TensorType): string {
    return this.pairs(permutePairs(this.mesh, from, to), value, type);
  }

  private pairs(pairs: readonly (readonly [number, number])[], value: string, type: TensorType): string {
    return this.emit(
      `"stablehlo.collective_permute"(${value}) <{${this.handle()}, source_target_pairs = dense<[${pairs.map(([s, t]) => `[${s}, ${t}]`).join(', ')}]> : tensor<${pairs.length}x2xi64>}> : (${tensorText(type)}) -> ${tensorText(type)}`,
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
    return `channel_handle = #stablehlo.channel_handle<handle = ${++this.channel}, type = 1>`;
  }

  private reducer(monoid: Monoid, type: TensorType): string {
    const scalar = `tensor<${elementText(type.dtype)}>`;
    return `{\n^bb0(%lhs: ${scalar}, %rhs: ${scalar}):\n  %sum = stablehlo.${REDUCERS[monoid]} %lhs, %rhs : ${scalar}\n  stablehlo.return %sum : ${scalar}\n}`;
  }

  /** `dense<[[0, 4], [1, 5]]> : tensor<2x2xi64>`: devices that differ in these axes only. */
  private groups(axes: readonly AxisRef[]): string {
    const key = axes.map((a) => `${a.name}:${a.pre}:${a.size}`).join('+');
    let text = this.groupsMemo.get(key);
    if (text === undefined) {
      const groups = groupsOf(this.mesh, axes);
      text = `dense<[${groups.map((g) => `[${g.join(', ')}]`).join(', ')}]> : tensor<${groups.length}x${groups[0]?.length ?? 0}xi64>`;
      this.groupsMemo.set(key, text);
    }
    return text;
  }
}

/** Groups of row-major positions that differ in these axes only, members by combined index. */
export function groupsOf(mesh: Mesh, axes: readonly AxisRef[]): number[][] {
  const rest = complement(mesh, axes);
  const groups = Array.from({ length: axesSize(rest) }, (): number[] => new Array<number>(axesSize(axes)).fill(0));
  for (let p = 0; p < deviceCount(mesh); p++)
    (groups[axesIndex(mesh, rest, p)] as number[])[axesIndex(mesh, axes, p)] = p;
  return groups;
}

/** (source, target) partition ids; a target without a source is left out and gets zeros. */
function shiftPairs(mesh: Mesh, { axes, by, flip }: OpAttrs['collective_shift']): [number, number][] {
  return groupsOf(mesh, axes).flatMap((group) =>
    group.flatMap((target, i): [number, number][] => {
      const source = group[(flip ? group.length - 1 - i : i) + by];
      return source === undefined ? [] : [[source, target]];
    }),
  );
}

/** (Sub-)axes of the mesh that these leave out. */
function complement(mesh: Mesh, axes: readonly AxisRef[]): AxisRef[] {
  return mesh.axes.flatMap(({ name, size }) => {
    const used = axes.filter((a) => a.name === name);
    const cuts = [...new Set([1, size, ...used.flatMap((a) => [a.pre, a.pre * a.size])])].sort((a, b) => a - b);
    const parts: AxisRef[] = [];
    for (let i = 0; i + 1 < cuts.length; i++)
      parts.push({ name, pre: cuts[i] as number, size: (cuts[i + 1] as number) / (cuts[i] as number) });
    return parts.filter((part) => !used.some((u) => overlaps(u, part)));
  });
}

/** (source, target) partition ids: the target's block under `to` is the one the source held under `from`. */
export function permutePairs(mesh: Mesh, from: Layout, to: Layout): [number, number][] {
  const [axesFrom, axesTo] = [from.dims.flatMap((d) => d.axes), to.dims.flatMap((d) => d.axes)];
  // Axes in neither layout keep their coordinate, so that sums still owed over them stay where they are.
  const kept = complement(mesh, [...axesFrom, ...axesTo]);
  const [freeFrom, freeTo] = [complement(mesh, [...axesFrom, ...kept]), complement(mesh, [...axesTo, ...kept])];
  const source = new Map<string, number>();
  const at = (p: number, axes: readonly AxisRef[], free: readonly AxisRef[]): string =>
    `${axesIndex(mesh, axes, p)}/${axesIndex(mesh, free, p)}/${axesIndex(mesh, kept, p)}`;
  const count = deviceCount(mesh);
  for (let p = 0; p < count; p++) source.set(at(p, axesFrom, freeFrom), p);
  return Array.from({ length: count }, (_, p) => [source.get(at(p, axesTo, freeTo)) as number, p]);
}
