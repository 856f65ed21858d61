/**
 * What stands between `@SPMDFullToShardShape` and `@SPMDShardToFullShape` was written per device (`shard_map`): it
 * becomes the region of a `manual_computation`.
 *
 *   %1 = custom_call @SPMDFullToShardShape(%0) : (8x4) -> 4x4     // %0 @{x, _}
 *   %2 = tanh %1 : 4x4
 *   %3 = custom_call @SPMDShardToFullShape(%2) : (4x4) -> 8x4     // annotated {x, _}
 *   →  %3 = manual_computation(%0) in=[{x, _}] out=[{x, _}] manual={x} (%1) { %2 = tanh %1; return %2 }
 */
import type { FuncBuilder } from '../../build.ts';
import { unsupported, userError } from '../../diagnostics.ts';
import { copyOp } from '../../copy-ops.ts';
import { isWhole, type Layout, replicatedLayout } from '../../layout.ts';
import { isFullAxis, type Mesh } from '../../mesh.ts';
import { type Block, type Op, type ValueId, walkOps, readsOf } from '../../program.ts';
import type { Annotation } from './annotations.ts';
import { type Crossings, separated } from './reentered.ts';

const ENTER = 'SPMDFullToShardShape';
const LEAVE = 'SPMDShardToFullShape';
const isEntry = (op: Op): boolean => op.attrs.target === ENTER;
const isExit = (op: Op): boolean => op.attrs.target === LEAVE;

export function manualRegions(block: Block, builder: FuncBuilder, meshes: readonly Mesh[]): Block {
  if (![...walkOps(block)].some((op) => isEntry(op) || isExit(op))) return block;
  const regions = (op: Op): Op =>
    op.regions.length === 0 ? op : { ...op, regions: op.regions.map((r) => manualRegions(r, builder, meshes)) };
  const ops = block.ops.map(regions);
  const flat = ops.some((op) => isEntry(op) || isExit(op));
  return { ...block, ops: flat ? new Conversion(ops, builder, meshes).run() : ops };
}

class Conversion {
  private readonly ops: readonly Op[];
  private readonly builder: FuncBuilder;
  private readonly meshes: readonly Mesh[];
  private readonly maker = new Map<ValueId, number>();
  /** Op index → its region's number; union-find. Ops outside have none. */
  private readonly parent = new Map<number, number>();
  private readonly constants = new Set<ValueId>();
  /** Ops that stand in a region. */
  private readonly used = new Set<number>();

  constructor(ops: readonly Op[], builder: FuncBuilder, meshes: readonly Mesh[]) {
    this.ops = ops;
    this.builder = builder;
    this.meshes = meshes;
    ops.forEach((op, i) => {
      for (const r of op.results) this.maker.set(r, i);
    });
  }

  run(): Op[] {
    this.ops.forEach((op, i) => this.join(op, i));
    this.findConstants();
    const members = new Map<number, number[]>();
    for (const i of [...this.parent.keys()].sort((a, b) => a - b)) {
      const root = this.root(i);
      members.set(root, [...(members.get(root) ?? []), i]);
    }
    const groups = [...members.values()].flatMap((m) => (this.late(m) === undefined ? [m] : separated(m, this.at)));
    const placed = new Map(groups.map((m) => [this.placeOf(m), m]));
    return this.ops.flatMap((op, i) => {
      const group = placed.get(i);
      if (group !== undefined) return [this.computation(this.ownOps(group))];
      if (this.parent.has(i)) return [];
      return isExit(op) ? [this.asItIs(op)] : [op];
    });
  }

  private get at(): Crossings {
    return { ops: this.ops, maker: this.maker, isEntry, isExit };
  }

  /** What is computed from constants alone. */
  private findConstants(): void {
    this.ops.forEach((op, i) => {
      if (!this.parent.has(i) && readsOf(op).every((v) => this.constants.has(v)))
        for (const r of op.results) this.constants.add(r);
    });
  }

  /** An op that stands in several regions is copied into all but the first. */
  private ownOps(members: readonly number[]): Op[] {
    const names = new Map<ValueId, ValueId>();
    return members.map((i) => {
      const op = this.ops[i] as Op;
      if (this.used.has(i)) return copyOp(op, names, this.builder.values);
      this.used.add(i);
      return rename(op, names);
    });
  }

  /** An op that reads a value of a region is in it, up to and with what leaves it. */
  private join(op: Op, index: number): void {
    if (isEntry(op)) this.parent.set(index, index);
    if (isEntry(op)) return;
    for (const v of readsOf(op)) {
      const maker = this.maker.get(v);
      if (maker === undefined || !this.parent.has(maker) || isExit(this.ops[maker] as Op)) continue;
      if (!this.parent.has(index)) this.parent.set(index, index);
      this.parent.set(this.root(index), this.root(maker));
    }
  }

  /** What never entered is the same on all devices around: JAX has `axis_index` leave so, as a number of its own. */
  private asItIs(op: Op): Op {
    const [from, to] = [op.operands[0], op.results[0]].map((v) => this.builder.typeOf(v as ValueId));
    if (from === undefined || from !== to)
      throw userError('SH0225', `@${LEAVE} without the @${ENTER} that its operand comes from`, {
        span: op.origin.span,
      });
    return { ...op, kind: 'reshape', attrs: { shape: from.shape } };
  }

  private root(index: number): number {
    let at = index;
    for (let up = this.parent.get(at); up !== undefined && up !== at; up = this.parent.get(at)) at = up;
    return at;
  }

  /** Where the first value leaves: everything that enters must stand before. */
  private placeOf(members: readonly number[]): number {
    const late = this.late(members);
    if (late !== undefined)
      throw unsupported(`a value that enters by @${ENTER} after another has left`, {
        span: (this.ops[late] as Op).origin.span,
      });
    return this.firstExit(members);
  }

  private firstExit(members: readonly number[]): number {
    return members.find((i) => isExit(this.ops[i] as Op)) ?? (members.at(-1) as number);
  }

  private late(members: readonly number[]): number | undefined {
    const at = this.firstExit(members);
    return members.find((i) => i > at && isEntry(this.ops[i] as Op));
  }

  private computation(ops: readonly Op[]): Op {
    const [entries, exits] = [ops.filter(isEntry), ops.filter(isExit)];
    const inLayouts = entries.map((op) => this.layoutOf(op.operands[0] as ValueId, op));
    const [mesh] = inLayouts.map((l) => l.mesh);
    const inner = ops.filter((op) => !isEntry(op) && !isExit(op));
    const origin = (entries[0] as Op).origin;
    const { body, whole } = this.withOutside(new Set(entries.flatMap((op) => op.results)), inner);
    const read = [...whole.keys()];
    if (mesh === undefined && read.length > 0) throw this.readBetween(read[0] as ValueId, inner[0] as Op);
    const returned: Op = {
      kind: 'return',
      operands: exits.map((op) => op.operands[0] as ValueId),
      results: [],
      attrs: {},
      regions: [],
      origin,
    };
    return {
      kind: 'manual_computation',
      operands: [...entries.map((op) => op.operands[0] as ValueId), ...read],
      results: exits.map((op) => op.results[0] as ValueId),
      attrs: {
        in_layouts: [
          ...inLayouts,
          ...read.map((v) => replicatedLayout(mesh as string, this.builder.typeOf(v).shape.length)),
        ],
        out_layouts: exits.map((op) => this.annotated(op)),
        manual_axes: this.manualAxes(entries[0] as Op, exits[0], mesh),
      },
      regions: [{ params: [...entries.flatMap((op) => op.results), ...whole.values()], ops: [...body, returned] }],
      origin,
    };
  }

  private layoutOf(value: ValueId, op: Op): Layout {
    const layout = this.placed(value);
    if (layout === undefined)
      throw userError('SH0225', `what enters by @${ENTER} has no sharding`, {
        span: op.origin.span,
        expected: 'a @Sharding call before it, which says how it is cut',
      });
    return layout;
  }

  /** As the text lays it out. */
  private placed(value: ValueId): Layout | undefined {
    const made = this.ops[this.maker.get(value) ?? -1];
    if (made !== undefined && isExit(made)) return this.annotated(made);
    return made?.kind === 'sharding_constraint' ? (made.attrs.layout as Layout) : this.builder.layoutOf(value);
  }

  private annotated(op: Op): Layout {
    const layout = (op.attrs.crossing as Annotation | undefined)?.layout;
    if (layout === undefined)
      throw userError('SH0225', `@${LEAVE} has no mhlo.sharding`, {
        span: op.origin.span,
        expected: 'how the shards are put together',
      });
    return layout;
  }

  /** Those of what enters, but for those that are manual around it: of what leaves. */
  private manualAxes(entry: Op, exit: Op | undefined, meshName: string | undefined): string[] {
    const mesh = this.meshes.find((m) => m.name === meshName);
    const { manual } = (entry.attrs.crossing ?? {}) as Annotation;
    if (mesh === undefined || manual === undefined)
      throw userError('SH0225', `@${ENTER} is not annotated as manual`, {
        span: entry.origin.span,
        expected: 'mhlo.sharding = "{manual}", or a manual subgroup in last_tile_dims',
      });
    const around = ((exit?.attrs.crossing ?? {}) as Annotation).manual ?? [];
    const free = (a: { readonly name: string }): boolean => around === 'all' || !around.some((o) => o.name === a.name);
    if (manual === 'all') return mesh.axes.filter(free).map((a) => a.name);
    if (!manual.every((a) => isFullAxis(mesh, a)))
      throw unsupported('a manual subgroup over a part of a mesh axis', { span: entry.origin.span });
    return manual.filter(free).map((a) => a.name);
  }

  /** The region's ops, with copies of the constants that they read from outside, and what else is whole on every device. */
  private withOutside(
    params: ReadonlySet<ValueId>,
    inner: readonly Op[],
  ): { readonly body: Op[]; readonly whole: ReadonlyMap<ValueId, ValueId> } {
    const made = new Set([...params, ...inner.flatMap((op) => op.results)]);
    const names = new Map<ValueId, ValueId>();
    const whole = new Map<ValueId, ValueId>();
    const body: Op[] = [];
    for (const op of inner) {
      for (const v of readsOf(op)) {
        if (made.has(v) || names.has(v)) continue;
        if (this.constants.has(v)) this.copyConstant(v, names, body);
        else {
          const layout = this.placed(v);
          if (layout !== undefined && !isWhole(layout)) throw this.readBetween(v, op);
          whole.set(v, this.builder.value(this.builder.typeOf(v), { origin: op.origin }));
          names.set(v, whole.get(v) as ValueId);
        }
      }
      body.push(rename(op, names));
    }
    return { body, whole };
  }

  private readBetween(value: ValueId, user: Op): Error {
    const name = this.builder.values[value]?.name;
    return userError('SH0225', `${name ?? 'a value'}, which is sharded, is read between the shards as it is`, {
      span: user.origin.span,
      expected: `what is sharded enters by @${ENTER}`,
    });
  }

  /** Constants and what is computed from them alone, operands first. */
  private copyConstant(value: ValueId, names: Map<ValueId, ValueId>, body: Op[]): void {
    const stack = [value];
    for (let v = stack.at(-1); v !== undefined; v = stack.at(-1)) {
      const op = this.ops[this.maker.get(v) as number] as Op;
      const missing = names.has(v) ? [] : readsOf(op).filter((o) => !names.has(o));
      if (missing.length > 0) stack.push(...missing);
      else {
        if (!names.has(v)) body.push(copyOp(op, names, this.builder.values));
        stack.pop();
      }
    }
  }
}

function rename(op: Op, names: ReadonlyMap<ValueId, ValueId>): Op {
  if (names.size === 0) return op;
  const regions = op.regions.map((r) => ({ ...r, ops: r.ops.map((o) => rename(o, names)) }));
  return { ...op, operands: op.operands.map((v) => names.get(v) ?? v), regions };
}
