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
import type { Layout } from '../../layout.ts';
import { isFullAxis, type Mesh } from '../../mesh.ts';
import { type Block, type Op, type ValueId, walkOps, readsOf } from '../../program.ts';
import type { Annotation } from './annotations.ts';

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
    const members = new Map<number, number[]>();
    for (const i of [...this.parent.keys()].sort((a, b) => a - b)) {
      const root = this.root(i);
      members.set(root, [...(members.get(root) ?? []), i]);
    }
    const placed = new Map([...members.values()].map((m) => [this.placeOf(m), m]));
    return this.ops.flatMap((op, i) => {
      const group = placed.get(i);
      if (group !== undefined) return [this.computation(group)];
      if (this.parent.has(i)) return [];
      return isExit(op) ? [this.asItIs(op)] : [op];
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
    const at = members.find((i) => isExit(this.ops[i] as Op)) ?? (members.at(-1) as number);
    const late = members.find((i) => i > at && isEntry(this.ops[i] as Op));
    if (late !== undefined)
      throw unsupported(`a value that enters by @${ENTER} after another has left`, {
        span: (this.ops[late] as Op).origin.span,
      });
    return at;
  }

  private computation(members: readonly number[]): Op {
    const ops = members.map((i) => this.ops[i] as Op);
    const [entries, exits] = [ops.filter(isEntry), ops.filter(isExit)];
    const inLayouts = entries.map((op) => this.layoutOf(op.operands[0] as ValueId, op));
    const [mesh] = inLayouts.map((l) => l.mesh);
    const inner = ops.filter((op) => !isEntry(op) && !isExit(op));
    const origin = (entries[0] as Op).origin;
    const body = this.withConstants(new Set(entries.flatMap((op) => op.results)), inner);
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
      operands: entries.map((op) => op.operands[0] as ValueId),
      results: exits.map((op) => op.results[0] as ValueId),
      attrs: {
        in_layouts: inLayouts,
        out_layouts: exits.map((op) => this.annotated(op)),
        manual_axes: this.manualAxes(entries[0] as Op, exits[0], mesh),
      },
      regions: [{ params: entries.flatMap((op) => [...op.results]), ops: [...body, returned] }],
      origin,
    };
  }

  private layoutOf(value: ValueId, op: Op): Layout {
    const maker = this.maker.get(value);
    const made = maker === undefined ? undefined : this.ops[maker];
    const layout = made?.kind === 'sharding_constraint' ? (made.attrs.layout as Layout) : this.builder.layoutOf(value);
    if (layout === undefined)
      throw userError('SH0225', `what enters by @${ENTER} has no sharding`, {
        span: op.origin.span,
        expected: 'a @Sharding call before it, which says how it is cut',
      });
    return layout;
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

  /** The region's ops, with copies of the constants that they read from outside. */
  private withConstants(params: ReadonlySet<ValueId>, inner: readonly Op[]): Op[] {
    const made = new Set([...params, ...inner.flatMap((op) => op.results)]);
    const copies = new Map<ValueId, ValueId>();
    const body: Op[] = [];
    for (const op of inner) {
      for (const v of readsOf(op)) if (!made.has(v)) this.copyConstant(v, copies, body, op);
      body.push(rename(op, copies));
    }
    return body;
  }

  /** Constants and what is computed from them alone, operands first. */
  private copyConstant(value: ValueId, copies: Map<ValueId, ValueId>, body: Op[], user: Op): void {
    const stack = [value];
    for (let v = stack.at(-1); v !== undefined; v = stack.at(-1)) {
      const maker = copies.has(v) ? undefined : this.maker.get(v);
      if (maker === undefined) {
        if (!copies.has(v))
          throw userError('SH0225', 'a value of the whole program is read between the shards', {
            span: user.origin.span,
            expected: `what enters does so by @${ENTER}`,
          });
        stack.pop();
        continue;
      }
      const op = this.ops[maker] as Op;
      const missing = op.operands.filter((o) => !copies.has(o));
      if (missing.length > 0) stack.push(...missing);
      else {
        const results = op.results.map((r) => this.builder.value(this.builder.typeOf(r), { origin: op.origin }));
        op.results.forEach((r, i) => copies.set(r, results[i] as ValueId));
        body.push({ ...rename(op, copies), results });
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
