/**
 * Along which manual axes the values of a shardMap body differ from device to device.
 *
 *   %x: data    %w: none    %y = dot_general %x, %w: data    %l = all_reduce %y over data: none
 *
 * A value that is the same everywhere and read where others differ gets a part of its cotangent on every device: here
 * the sum over data is owed for w, and for y nothing is.
 */
import type { Layout } from '../../../ir/layout.ts';
import type { AxisRef } from '../../../ir/mesh.ts';
import { joinedAxes } from '../../../ir/ops/collectives.ts';
import { type Block, isCollective, type Op, readFromOutside, type ValueId } from '../../../ir/program.ts';
import { returned } from '../live-values.ts';
import type { ScanAttrs } from '../primitives.ts';

export type Axes = readonly AxisRef[];
export const NONE: Axes = [];

export const without = (axes: Axes, gone: Axes): Axes =>
  axes.length === 0 || gone.length === 0 ? axes : axes.filter((a) => !gone.some((g) => g.name === a.name));
export const union = (a: Axes, b: Axes): Axes => (b.length === 0 ? a : [...without(a, b), ...b]);
const unionOf = (lists: readonly Axes[]): Axes => lists.reduce(union, NONE);
export const axesOf = (layout: Layout | undefined, manual: readonly string[]): Axes =>
  (layout?.dims ?? []).flatMap((d) => d.axes).filter((a) => manual.includes(a.name));

export class Variation {
  readonly mesh: string;
  /** Of values that nothing is known of. */
  private readonly otherwise: Axes;
  private readonly known = new Map<ValueId, Axes>();

  constructor(mesh: string, otherwise: Axes = NONE) {
    this.mesh = mesh;
    this.otherwise = otherwise;
  }

  of = (id: ValueId): Axes => this.known.get(id) ?? this.otherwise;

  set(ids: readonly ValueId[], axes: readonly (Axes | undefined)[]): void {
    ids.forEach((id, i) => this.known.set(id, axes[i] ?? NONE));
  }

  /** Looks at every op of a block whose parameters are known; `around` is what all that happens in it depends on. */
  block(block: Block, around: Axes = NONE): readonly Axes[] {
    for (const op of block.ops) {
      if (op.kind === 'return') continue;
      const results = this.results(op, around);
      this.set(
        op.results,
        op.results.map((_, i) => union(results[i] ?? NONE, around)),
      );
    }
    return returned(block).map((id) => union(this.of(id), around));
  }

  /** Axes along which devices do different things with what the op reads, or exchange it. */
  reach(op: Op): Axes {
    if (op.kind === 'optimization_barrier') return NONE;
    return unionOf([this.read(op), ...op.results.map(this.of)]);
  }

  private read(op: Op): Axes {
    const read = unionOf(op.operands.map(this.of));
    return isCollective(op) ? union(read, joinedAxes(op)) : read;
  }

  private results(op: Op, around: Axes): readonly Axes[] {
    const operands = op.operands.map(this.of);
    switch (op.kind) {
      case 'axis_index':
        return [joinedAxes(op)];
      case 'optimization_barrier':
        return operands;
      case 'all_reduce':
        return [without(operands[0] ?? NONE, joinedAxes(op))];
      case 'scan':
        return this.scan(op, operands, around);
      case 'while':
        return this.loop(op, operands, around);
      case 'case': {
        const within = union(operands[0] ?? NONE, around);
        const ends = op.regions.map((branch) => this.block(branch, within));
        return op.results.map((_, k) => union(within, unionOf(ends.map((e) => e[k] ?? NONE))));
      }
      case 'checkpoint':
      case 'custom_vjp': {
        const [region] = op.regions as [Block];
        this.set(region.params, operands);
        return this.block(region, around);
      }
      default: {
        const all = unionOf([this.read(op), ...readFromOutside(op.regions).map(this.of)]);
        return op.results.map(() => all);
      }
    }
  }

  /** A carry that differs after a turn differs before the next. */
  private scan(op: Op, operands: readonly Axes[], around: Axes): readonly Axes[] {
    const { carries } = op.attrs as ScanAttrs;
    const [region] = op.regions as [Block];
    for (let params = operands; ; ) {
      this.set(region.params, [NONE, ...params]);
      const ends = this.block(region, around);
      const next = params.map((p, k) => (k < carries ? union(p, ends[k] ?? NONE) : p));
      if (next.every((p, k) => p.length === params[k]?.length))
        return ends.map((e, k) => (k < carries ? (params[k] as Axes) : e));
      params = next;
    }
  }

  private loop(op: Op, operands: readonly Axes[], around: Axes): readonly Axes[] {
    const [condition, body] = op.regions as [Block, Block];
    for (let params = operands; ; ) {
      this.set(condition.params, params);
      this.set(body.params, params);
      const goesOn = unionOf(this.block(condition, around));
      const ends = this.block(body, around);
      const next = params.map((p, k) => unionOf([p, ends[k] ?? NONE, goesOn]));
      if (next.every((p, k) => p.length === params[k]?.length)) return params;
      params = next;
    }
  }
}

/** Of a manual computation's body, seen from where it stands. */
export function variationWithin(op: Op, body: Pick<Block, 'params' | 'ops'>, outer: Variation | undefined): Variation {
  const { in_layouts, manual_axes } = op.attrs as { in_layouts: readonly Layout[]; manual_axes: readonly string[] };
  const variation = new Variation(in_layouts[0]?.mesh ?? outer?.mesh ?? '');
  variation.set(
    body.params,
    op.operands.map((id, i) => union(outer?.of(id) ?? NONE, axesOf(in_layouts[i], manual_axes))),
  );
  variation.block(body);
  return variation;
}
