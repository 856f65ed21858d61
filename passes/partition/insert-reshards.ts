/**
 * Decides (design §5.1): every op gets one factor assignment, every layout change becomes an explicit `reshard`.
 *
 *   %2 = dot %0 @{x, y}, %1 @{y, _}            // wanted @{x, _}
 *   →  %2 = dot %0, %1 @{x, _; unreduced=y}
 *      %3 = reshard %2 @{x, _}                 // one all-reduce, placed where its result is needed
 *
 * Starts from the propagated layouts and goes through the program once: for each op the candidate with the least wire
 * bytes (operands to what it needs, result to what propagation wants) among those that split the work most. A value
 * resharded once is at hand for all later users in scope.
 */
import type { FactorRule } from '../../ir/factors.ts';
import { FuncBuilder } from '../../ir/build.ts';
import { isSplat } from '../../ir/elements.ts';
import { internalError, unsupported } from '../../ir/diagnostics.ts';
import { dimAxes, type Layout, type Monoid } from '../../ir/layout.ts';
import { axesSize } from '../../ir/mesh.ts';
import { identityOf } from '../../ir/monoid.ts';
import {
  mainFunction,
  meshOf,
  type Block,
  type Elements,
  type Func,
  type Module,
  type Op,
  type Origin,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { type AnyOpDef, haloOfFactor, type OpView, type Registry, splitRule } from '../../ir/op.ts';
import { byteSize, type TensorType } from '../../ir/types.ts';
import { collectives } from '../../ir/ops/collectives.ts';
import { candidates, type Candidate, type OpShape } from './candidates.ts';
import { LayoutTable } from './layout-table.ts';
import { manualSide } from './manual-layouts.ts';
import { type Prices, wirePrices } from './prices.ts';

export function insertReshards(module: Module, registry: Registry, prices: Prices = wirePrices): Module {
  const func = mainFunction(module);
  const meshName = module.meshes[0]?.name;
  if (meshName === undefined) throw internalError('insert-reshards: the module has no mesh');
  const decider = new Decider(func, registry, new LayoutTable(meshOf(module, meshName), prices));
  return { ...module, level: 'resharded', functions: [decider.run()] };
}

/** A value of the new function in one layout. */
interface Copy {
  readonly id: ValueId;
  readonly layout: Layout;
}

class Decider {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly table: LayoutTable;
  private readonly builder = new FuncBuilder();
  /** Old value → the copies at hand. Inner scopes see the outer ones; what they add is dropped at their end. */
  private readonly copies = new Map<ValueId, Copy[]>();
  private readonly undo: ValueId[][] = [[]];
  private readonly uses: Uint32Array;
  /** Ops cheap enough to repeat in any layout instead of moving their result. */
  private readonly cheap = new Map<ValueId, Op>();
  private readonly choices = new Map<string, Candidate>();

  constructor(func: Func, registry: Registry, table: LayoutTable) {
    this.func = func;
    this.registry = registry;
    this.table = table;
    this.uses = countUses(func);
  }

  run(): Func {
    for (const id of this.func.body.params) {
      const layout = this.wanted(id);
      const info = valueInfo(this.func, id);
      this.bind(id, this.builder.param(info.type, { ...info, layout }), layout);
    }
    const resultLayouts = this.func.resultLayouts.map((l, i) =>
      this.table.even((this.func.resultTypes[i] as TensorType).shape, l as Layout),
    );
    this.block(this.func.body, resultLayouts);
    return this.builder.finish({ ...this.func, resultLayouts });
  }

  private block(block: Block, returned: readonly Layout[]): void {
    for (const op of block.ops) this.op(op, returned);
  }

  private op(op: Op, returned: readonly Layout[]): void {
    switch (op.kind) {
      case 'return':
        this.builder.push({
          ...op,
          operands: op.operands.map((v, i) =>
            this.get(v, returned[i] as Layout, op, 'the result is wanted in this layout'),
          ),
        });
        return;
      case 'sharding_constraint':
      case 'reshard':
        this.constraint(op);
        return;
      case 'while':
        this.loop(op);
        return;
      case 'case':
        this.branches(op);
        return;
      case 'optimization_barrier':
        this.barrier(op);
        return;
      case 'manual_computation':
        this.manual(op);
        return;
      case 'constant':
      case 'iota':
        this.source(op);
        return;
      default:
        this.tensorOp(op);
    }
  }

  private constraint(op: Op): void {
    const [operand, result] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const layout = this.wanted(result);
    this.bind(result, this.get(operand, layout, op, 'a sharding constraint asks for this layout'), layout);
  }

  /** Constants and iotas are made where and as they are needed. */
  private source(op: Op): void {
    const id = op.results[0] as ValueId;
    const { dtype } = valueInfo(this.func, id).type;
    if (op.kind !== 'constant' || isSplat((op.attrs.value as Elements).data, dtype)) this.cheap.set(id, op);
    else this.emit(op, [], [this.table.replicated(valueInfo(this.func, id).type.shape.length)]);
  }

  private tensorOp(op: Op): void {
    const def = this.registry[op.kind] ?? collectives[op.kind];
    if (def === undefined)
      throw unsupported(`op ${op.kind}`, op.origin.span === undefined ? {} : { span: op.origin.span });
    if (this.isCheapBroadcast(op)) {
      this.cheap.set(op.results[0] as ValueId, op);
      return;
    }
    const choice = this.choose(op, def);
    const operands = op.operands.map((v, i) =>
      this.get(v, choice.operands[i] as Layout, op, `${op.kind} computes with this layout`),
    );
    this.emit(op, operands, choice.results);
    for (const [i, id] of op.results.entries()) this.settle(op, id, choice.results[i] as Layout);
  }

  /** A sum owed to several users is paid once, here; with one user it waits for that user's choice. */
  private settle(op: Op, id: ValueId, layout: Layout): void {
    if (layout.unreduced.length === 0 || (this.uses[id] as number) <= 1) return;
    const want = this.wanted(id);
    this.get(id, want.unreduced.length > 0 ? this.table.reduced(want) : want, op, 'several ops use the sum');
  }

  private isCheapBroadcast(op: Op): boolean {
    const operand = op.operands[0];
    return (
      op.kind === 'broadcast_in_dim' &&
      operand !== undefined &&
      valueInfo(this.func, operand).type.shape.length === 0 &&
      (this.cheap.has(operand) || (this.copies.get(operand) ?? []).some((c) => c.layout.unreduced.length === 0))
    );
  }

  // --- loops and branches -------------------------------------------------------------------------------------------

  private loop(op: Op): void {
    const [cond, body] = [op.regions[0] as Block, op.regions[1] as Block];
    const carried = body.params.map((p) => this.wanted(p));
    const inits = op.operands.map((v, i) => this.get(v, carried[i] as Layout, op, 'the loop carries this layout'));
    const regions = [
      this.region(cond, carried, () => [this.table.replicated(0)]),
      this.region(body, carried, () => carried),
    ];
    this.emit(op, inits, carried, regions);
  }

  private branches(op: Op): void {
    const given = op.results.map((r) => this.wanted(r));
    const index = this.get(
      op.operands[0] as ValueId,
      this.table.replicated(0),
      op,
      'every device takes the same branch',
    );
    const rest = op.operands.slice(1).map((v) => this.get(v, this.wanted(v), op, 'branch operand'));
    const regions = op.regions.map((r) =>
      this.region(
        r,
        r.params.map((p) => this.wanted(p)),
        () => given,
      ),
    );
    this.emit(op, [index, ...rest], given, regions);
  }

  private barrier(op: Op): void {
    const taken = op.operands.map((v, i) => {
      const home = this.home(v, op);
      const layout = home.unreduced.length > 0 ? this.wanted(op.results[i] as ValueId) : home;
      return { layout, id: this.get(v, layout, op, 'optimization barrier') };
    });
    this.emit(
      op,
      taken.map((t) => t.id),
      taken.map((t) => t.layout),
    );
  }

  /** Operands are brought into the layouts it asks for; in its body only free axes are laid out. */
  private manual(op: Op): void {
    const body = op.regions[0] as Block;
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    const taken = manualSide(this.table, op, 'in_layouts', types(body.params));
    const given = manualSide(this.table, op, 'out_layouts', types((body.ops.at(-1) as Op).operands));
    const operands = op.operands.map((v, i) =>
      this.get(v, taken.outside[i] as Layout, op, 'the manual computation asks for this layout'),
    );
    const attrs = { ...op.attrs, in_layouts: taken.outside, out_layouts: given.outside };
    this.emit({ ...op, attrs }, operands, given.outside, [this.region(body, taken.inside, () => given.inside)]);
  }

  private region(block: Block, paramLayouts: readonly Layout[], returned: () => readonly Layout[]): Block {
    this.undo.push([]);
    const made = this.builder.region(() => {
      block.params.forEach((p, i) => {
        const layout = paramLayouts[i] as Layout;
        this.bind(p, this.builder.param(valueInfo(this.func, p).type, { ...valueInfo(this.func, p), layout }), layout);
      });
      this.block(block, returned());
    });
    for (const id of this.undo.pop() ?? []) this.copies.get(id)?.pop();
    return made;
  }

  // --- values -------------------------------------------------------------------------------------------------------

  /** The propagated layout, closed and even: what the value is wanted in. */
  private wanted(id: ValueId): Layout {
    const info = valueInfo(this.func, id);
    return info.layout === undefined
      ? this.table.replicated(info.type.shape.length)
      : this.table.even(info.type.shape, info.layout);
  }

  /** The layout in which the value was made. */
  private home(id: ValueId, op: Op): Layout {
    const first = this.copies.get(id)?.[0];
    if (first !== undefined) return first.layout;
    if (this.cheap.has(id)) return this.wanted(id);
    throw internalError(`insert-reshards: operand ${id} of ${op.kind} has no copy`);
  }

  /** Layouts to build candidates from: those at hand, then the propagated one. */
  private known(id: ValueId): Layout[] {
    if (this.cheap.has(id)) return [];
    const layouts = (this.copies.get(id) ?? []).map((c) => c.layout);
    const want = this.wanted(id);
    return layouts.includes(want) ? layouts : [...layouts, want];
  }

  private priceTo(id: ValueId, layout: Layout): number {
    if (this.cheap.has(id)) return 0;
    const type = valueInfo(this.func, id).type;
    let best = Number.POSITIVE_INFINITY;
    for (const copy of this.copies.get(id) ?? [])
      best = Math.min(best, this.table.plan(type, copy.layout, layout).price);
    return best;
  }

  /** The value in that layout: at hand, made anew, or resharded from the nearest copy. */
  private get(id: ValueId, layout: Layout, op: Op, reason: string): ValueId {
    const type = valueInfo(this.func, id).type;
    const copies = this.copies.get(id) ?? [];
    const exact = copies.find((c) => c.layout === layout);
    if (exact !== undefined) return exact.id;
    const cheap = this.cheap.get(id);
    if (cheap !== undefined) return this.remake(id, cheap, layout);
    let best: Copy | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const copy of copies) {
      const { price } = this.table.plan(type, copy.layout, layout);
      if (price < least) [best, least] = [copy, price];
    }
    if (best === undefined)
      throw internalError(`insert-reshards: no way to bring an operand of ${op.kind} into its layout`);
    const origin: Origin = { pass: 'insert-reshards', from: [op.origin], reason };
    const [made] = this.builder.op('reshard', [best.id], [type], origin, { layout });
    this.builder.setLayout(made as ValueId, layout);
    this.bind(id, made as ValueId, layout);
    return made as ValueId;
  }

  private remake(id: ValueId, op: Op, layout: Layout): ValueId {
    const operands = op.operands.map((v) =>
      this.get(v, this.table.replicated(valueInfo(this.func, v).type.shape.length), op, 'scalar operand'),
    );
    const made = this.builder.value(valueInfo(this.func, id).type, { ...valueInfo(this.func, id), layout });
    this.builder.push({ ...op, operands, results: [made] });
    this.bind(id, made, layout);
    return made;
  }

  private bind(old: ValueId, id: ValueId, layout: Layout): void {
    const copies = this.copies.get(old);
    if (copies === undefined) this.copies.set(old, [{ id, layout }]);
    else copies.push({ id, layout });
    this.undo.at(-1)?.push(old);
  }

  private emit(
    op: Op,
    operands: readonly ValueId[],
    layouts: readonly Layout[],
    regions: readonly Block[] = op.regions.map((r) => this.copyRegion(r)),
  ): void {
    const results = op.results.map((r, i) =>
      this.builder.value(valueInfo(this.func, r).type, { ...valueInfo(this.func, r), layout: layouts[i] as Layout }),
    );
    this.builder.push({ ...op, operands, results, regions });
    op.results.forEach((r, i) => this.bind(r, results[i] as ValueId, layouts[i] as Layout));
  }

  /** Reducers and comparators: scalars, the same on every device. */
  private copyRegion(block: Block): Block {
    const map = new Map<ValueId, ValueId>();
    const fresh = (v: ValueId): ValueId => {
      const { layout: _, ...info } = valueInfo(this.func, v);
      const made = this.builder.value(info.type, info);
      map.set(v, made);
      return made;
    };
    const read = (v: ValueId): ValueId =>
      map.get(v) ?? this.get(v, this.table.replicated(0), block.ops[0] as Op, 'used inside a reducer');
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(fresh(p));
      for (const op of block.ops)
        this.builder.push({ ...op, operands: op.operands.map(read), results: op.results.map(fresh) });
    });
  }

  // --- the choice ---------------------------------------------------------------------------------------------------

  private choose(op: Op, def: AnyOpDef): Candidate {
    const view = this.view(op);
    const signature = this.signature(op, view);
    const memo = this.choices.get(signature);
    if (memo !== undefined) return memo;
    const known = op.operands.map((v) => this.known(v));
    const wanted = op.results.map((r) => this.wanted(r));
    const all = candidates(this.table, this.opShape(op, def, view), known, wanted);
    const heavy = def.flops !== undefined && (op.kind === 'dot_general' || op.kind === 'convolution');
    const most = heavy ? Math.max(...all.map((c) => c.shards)) : 1;
    let best: Candidate | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of all) {
      if (heavy && candidate.shards < most) continue;
      const price = this.price(op, view, candidate, wanted);
      if (price < least) [best, least] = [candidate, price];
    }
    if (best === undefined) throw internalError(`insert-reshards: no candidate for ${op.kind}`);
    this.choices.set(signature, best);
    return best;
  }

  /** What it moves, plus the memory traffic that less sharded work would cause. */
  private price(op: Op, view: OpView, c: Candidate, wanted: readonly Layout[]): number {
    let price = 0;
    const seen = new Set<string>();
    op.operands.forEach((v, i) => {
      const layout = c.operands[i] as Layout;
      const key = `${v}:${this.table.id(layout)}`;
      if (!seen.has(key)) price += this.priceTo(v, layout);
      seen.add(key);
    });
    for (const [operand, dim, elements] of c.halos)
      price += this.haloPrice(view.operands[operand] as TensorType, c.operands[operand] as Layout, dim, elements);
    view.results.forEach((type, i) => {
      price += this.table.plan(type, c.results[i] as Layout, wanted[i] as Layout).price;
      price += this.table.prices.memory(byteSize(type) / c.shards);
    });
    return price;
  }

  /** So many elements along a dim of a shard, from its neighbours. */
  private haloPrice(type: TensorType, layout: Layout, dim: number, elements: number): number {
    const axes = dimAxes(layout, dim);
    const shard = byteSize(type) / layout.dims.reduce((n, d) => n * axesSize(d.axes), 1);
    const bytes = (shard * elements * axesSize(axes)) / (type.shape[dim] as number);
    return this.table.prices.collective('collective_shift', bytes, bytes, axes);
  }

  private view(op: Op): OpView {
    return {
      kind: op.kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: op.operands.map((v) => valueInfo(this.func, v).type),
      results: op.results.map((v) => valueInfo(this.func, v).type),
    };
  }

  private opShape(op: Op, def: AnyOpDef, view: OpView): OpShape {
    const rule: FactorRule = splitRule(def, view);
    const monoid = def.combiner?.(view) ?? null;
    const combiner = monoid !== null && startsAtIdentity(op, view, monoid, this.cheap) ? monoid : null;
    const narrowing =
      op.kind === 'convert' && byteSize(view.results[0] as TensorType) < byteSize(view.operands[0] as TensorType);
    const halo = (f: number, shards: number): readonly number[] | null => haloOfFactor(def, view, rule, f, shards);
    const shapes = { operands: view.operands.map((t) => t.shape), results: view.results.map((t) => t.shape) };
    const linear = narrowing ? [] : (def.linearity?.(view) ?? []);
    return { rule, combiner, halo, shapes, readsAlone: this.readsAlone(op), linear };
  }

  /** Ops with the same signature make the same choice. */
  private signature(op: Op, view: OpView): string {
    const layouts = op.operands.map((v) =>
      this.cheap.has(v)
        ? `c${splatText(this.cheap.get(v) as Op)}`
        : this.known(v)
            .map((l) => this.table.id(l))
            .join('.'),
    );
    const wanted = op.results.map((r) => this.table.id(this.wanted(r)));
    const types = [...view.operands, ...view.results].map((t) => `${t.dtype}${t.shape.join('x')}`);
    const same = op.operands.map((v) => op.operands.indexOf(v)).join('');
    return `${op.kind} ${types.join(',')} ${layouts.join(',')} ${wanted.join(',')} ${same} ${this.readsAlone(op)} ${attrsKey(op)}`;
  }

  private readsAlone(op: Op): boolean {
    return op.operands.every((v) => (this.uses[v] as number) <= 1 || this.cheap.has(v));
  }
}

/** A reduce whose start value is not the monoid's identity must not start on every shard. */
function startsAtIdentity(op: Op, view: OpView, monoid: Monoid, cheap: ReadonlyMap<ValueId, Op>): boolean {
  if (op.kind !== 'reduce' && op.kind !== 'reduce_window') return true;
  return op.operands.slice(op.operands.length / 2).every((v, i) => {
    const constant = cheap.get(v);
    const data = constant?.kind === 'constant' ? (constant.attrs.value as Elements).data : undefined;
    const { dtype } = view.results[i] as TensorType;
    return data !== undefined && data[0] === identityOf(monoid, dtype) && (data[1] ?? 0) === 0;
  });
}

/** A constant's one value: whether a reduction starts at its identity is part of the choice. */
function splatText(op: Op): string {
  const data = op.kind === 'constant' ? (op.attrs.value as Elements).data : undefined;
  return data !== undefined && data.length <= 2 ? data.join() : '';
}

/** Attributes, and the regions with their values numbered in order of definition. */
function attrsKey(op: Op): string {
  const number = new Map<ValueId, number>();
  const numbered = (v: ValueId): number => {
    const known = number.get(v);
    if (known !== undefined) return known;
    number.set(v, number.size);
    return number.size - 1;
  };
  const attrs = (o: Op): string => JSON.stringify(o.attrs, (_, v) => (typeof v === 'bigint' ? String(v) : v));
  const parts = [attrs(op)];
  for (const region of op.regions) {
    parts.push(region.params.map(numbered).join());
    for (const o of walkOps(region))
      parts.push(`${o.kind}(${o.operands.map(numbered).join()})${attrs(o)}${o.results.map(numbered).join()}`);
  }
  return parts.join(';');
}

function countUses(func: Func): Uint32Array {
  const uses = new Uint32Array(func.values.length);
  const stack: Block[] = [func.body];
  for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
    for (const op of block.ops) {
      for (const v of op.operands) uses[v] = (uses[v] as number) + 1;
      stack.push(...op.regions);
    }
  }
  return uses;
}
