/**
 * A program too big to run, made small enough: same ops, same axes, same groups, smaller extents (docs/design.md §6).
 *
 * Dims that move together by the ops' factor rules form a class; a class shrinks to a small multiple of everything that
 * shards it. Classes that literals fix (partial slices, pads, concatenations, tables of constants) keep their extent.
 * Integer literals that count a class (a loop's bound, `index < 0 ? index + extent : index`) are rewritten with it.
 */
import { internalError } from '../ir/diagnostics.ts';
import { axesSize } from '../ir/mesh.ts';
import type { Registry } from '../ir/op.ts';
import {
  type Attrs,
  type Block,
  type Elements,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../ir/program.ts';
import { tripCountOf } from '../ir/loops.ts';
import { isInteger, type TensorType, withShape } from '../ir/types.ts';
import { DimClasses, type Shards } from './dim-classes.ts';
import { workOf } from './work.ts';

export interface Shrunk {
  readonly module: Module;
  /** Why some extents were kept, in words. */
  readonly pinned: readonly string[];
}

/** `module` is at the collective level: global shapes, layouts on every value. */
export function shrinkModule(module: Module, registry: Registry): Shrunk {
  const shrinker = new Shrinker(mainFunction(module), registry);
  const small = (lean: number): Module => ({ ...module, functions: [shrinker.at(lean)] });
  let shrunk = small(Number.POSITIVE_INFINITY);
  for (const lean of shrinker.shardCounts()) {
    if (workOf(shrunk, registry).flops <= WORK) break;
    shrunk = small(lean);
  }
  return { module: shrunk, pinned: shrinker.classes.reasons() };
}

/** FLOP on one device above which dims of many shards have one element a shard instead of two or three: seconds of simulation. */
const WORK = 3e8;

class Shrinker {
  readonly classes: DimClasses;
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly definitions = new Map<ValueId, Op>();
  private made = new Map<ValueId, Op>();
  /** Block parameter → the values that flow into it, and the loop it belongs to. */
  private readonly incoming = new Map<ValueId, { values: readonly ValueId[]; loop: Op; index: number }>();
  /** Constants that count a dim: op → [old extent, new extent]. */
  private readonly counts = new Map<Op, readonly [number, number]>();
  private readonly shards: Shards;
  private extents = new Map<number, number>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
    this.classes = new DimClasses(func.values.map((v) => v.type));
    for (const op of walkOps(func.body)) this.relate(op);
    this.shards = this.classes.shards((id) => shardsOf(func, id));
  }

  /** Those above one, largest first. */
  shardCounts(): number[] {
    return [...new Set(this.shards.values())].filter((n) => n > 1).toSorted((a, b) => b - a);
  }

  /** The function with one element a shard in dims of `lean` shards or more, in others two or three. */
  at(lean: number): Func {
    this.extents = this.classes.choose(this.shards, lean);
    this.counts.clear();
    this.made = new Map(this.definitions);
    for (const op of walkOps(this.func.body)) this.followIndices(op);
    const values = this.func.values.map((v, id) => ({ ...v, type: this.small(id as ValueId) }));
    const body = this.block(this.func.body);
    const returned = this.func.body.ops.at(-1)?.operands ?? [];
    const func: Func = {
      ...this.func,
      values,
      body,
      resultTypes: returned.map((v) => (values[v] as { type: TensorType }).type),
    };
    this.verify(func);
    return func;
  }

  // --- classes ------------------------------------------------------------------------------------------------------

  private relate(op: Op): void {
    for (const r of op.results) this.definitions.set(r, op);
    if (op.kind === 'return' || op.kind === 'axis_index') return;
    if (op.kind === 'while') return this.relateLoop(op);
    if (op.kind === 'case') {
      for (const region of op.regions)
        region.ops.at(-1)?.operands.forEach((v, i) => this.classes.joinAll(v, op.results[i] as ValueId));
      return;
    }
    if (op.kind === 'manual_computation') return this.relateManual(op);
    if (
      isCollective(op) ||
      op.kind === 'optimization_barrier' ||
      op.kind === 'reshard' ||
      op.kind === 'sharding_constraint'
    ) {
      op.results.forEach((r, i) => this.joinAlike(op.operands[i] as ValueId, r, 'a collective changes it'));
      return;
    }
    this.relateByRule(op);
    this.pinLiterals(op);
  }

  private relateLoop(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const next = body.ops.at(-1)?.operands ?? [];
    op.results.forEach((r, i) => {
      const sources = [op.operands[i] as ValueId, next[i] as ValueId];
      for (const v of [...sources, body.params[i] as ValueId, cond.params[i] as ValueId]) this.classes.joinAll(v, r);
      for (const p of [body.params[i], cond.params[i]])
        this.incoming.set(p as ValueId, { values: sources, loop: op, index: i });
    });
  }

  /** Dims that it splits keep their extents on both sides. */
  private relateManual(op: Op): void {
    const body = op.regions[0] as Block;
    const returned = body.ops.at(-1)?.operands ?? [];
    const why = 'a manual computation splits it';
    op.operands.forEach((v, i) => this.joinAlike(v, body.params[i] as ValueId, why));
    op.results.forEach((r, i) => this.joinAlike(returned[i] as ValueId, r, why));
  }

  /** Dims of equal extent are one class; the others stay as they are. */
  private joinAlike(a: ValueId, b: ValueId, why: string): void {
    valueInfo(this.func, a).type.shape.forEach((size, dim) => {
      if (size === this.extent(b, dim)) this.classes.join({ id: a, dim }, { id: b, dim });
      else for (const id of [a, b]) this.classes.pin(id, dim, why);
    });
  }

  private relateByRule(op: Op): void {
    const rule = this.registry[op.kind]?.factors(this.view(op));
    if (rule === undefined) throw internalError(`shrink: no rule for ${op.kind}`);
    const holders = new Map<number, { id: ValueId; dim: number }[]>();
    const visit = (ids: readonly ValueId[], tensors: typeof rule.operands): void =>
      ids.forEach((id, t) =>
        (tensors[t] ?? []).forEach((factors, dim) => {
          const real = factors.filter((f) => (rule.factors[f]?.size ?? 1) > 1);
          if (real.length > 1) this.classes.pin(id, dim, `${op.kind} splits or merges it`);
          for (const f of real) {
            if (real.length === 1) holders.set(f, [...(holders.get(f) ?? []), { id, dim }]);
            else for (const h of holders.get(f) ?? []) this.classes.pin(h.id, h.dim, `${op.kind} splits or merges it`);
          }
        }),
      );
    visit(op.operands, rule.operands);
    visit(op.results, rule.results);
    for (const [f, list] of holders) {
      const whole = list.filter((h) => this.extent(h.id, h.dim) === rule.factors[f]?.size);
      whole.forEach((h) => this.classes.join(whole[0] as typeof h, h));
      for (const h of list)
        if (!whole.includes(h) && this.extent(h.id, h.dim) > 1) {
          this.classes.pin(h.id, h.dim, `${op.kind} takes part of it`);
          for (const w of whole) this.classes.pin(w.id, w.dim, `${op.kind} takes part of it`);
        }
    }
    if (op.kind === 'reshape') this.pinPartnersOfSplits(op);
  }

  /** Both sides of a reshape that truly splits or merges keep their extents. */
  private pinPartnersOfSplits(op: Op): void {
    const [from, to] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const real = (id: ValueId): number[] => valueInfo(this.func, id).type.shape.filter((n) => n > 1);
    if (real(from).join() === real(to).join()) return;
    for (const id of [from, to])
      valueInfo(this.func, id).type.shape.forEach((_, d) => this.classes.pin(id, d, 'reshape splits or merges it'));
  }

  private pinLiterals(op: Op): void {
    const pinDims = (id: ValueId, dims: Iterable<number>, why: string): void => {
      for (const d of dims) this.classes.pin(id, d, why);
    };
    const all = (id: ValueId): number[] => valueInfo(this.func, id).type.shape.map((_, d) => d);
    switch (op.kind) {
      case 'constant':
        if ((op.attrs.value as Elements).data.length > 1)
          pinDims(op.results[0] as ValueId, all(op.results[0] as ValueId), 'a table of constants');
        return;
      case 'slice':
      case 'rotate':
      case 'pad':
      case 'concatenate':
      case 'reduce_window':
      case 'convolution':
      case 'select_and_scatter':
      case 'sort':
      case 'top_k':
      case 'fft':
        for (const v of [...op.operands.slice(0, JOINED.has(op.kind) ? undefined : 1), ...op.results]) {
          const [x, r] = [
            valueInfo(this.func, v).type.shape,
            valueInfo(this.func, op.operands[0] as ValueId).type.shape,
          ];
          const out = valueInfo(this.func, op.results[0] as ValueId).type.shape;
          pinDims(
            v,
            x.map((_, d) => d).filter((d) => r[d] !== out[d] || op.kind !== 'slice'),
            `${op.kind} names its extent`,
          );
        }
        return;
      default:
    }
  }

  // --- literals that count a dim ------------------------------------------------------------------------------------

  private followIndices(op: Op): void {
    const first = op.operands[0];
    if (first === undefined) return;
    if (op.kind === 'dynamic_slice' || op.kind === 'dynamic_update_slice') {
      const skip = op.kind === 'dynamic_slice' ? 1 : 2;
      op.operands.slice(skip).forEach((index, d) => this.trace(index, first, d));
    } else if (op.kind === 'gather') {
      for (const d of op.attrs.start_index_map as readonly number[]) this.trace(op.operands[1] as ValueId, first, d);
    } else if (op.kind === 'scatter') {
      for (const d of op.attrs.scatter_dims_to_operand_dims as readonly number[])
        this.trace(op.operands[op.results.length] as ValueId, first, d);
    }
  }

  /** Backwards from an index to the constants it is made with; through loop counters to their bounds. */
  private trace(index: ValueId, indexed: ValueId, dim: number): void {
    const [before, after] = [this.extent(indexed, dim), this.smallExtent(indexed, dim)];
    if (before === after) return;
    const seen = new Set<ValueId>();
    const stack = [index];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const flow = this.incoming.get(id);
      if (flow !== undefined) stack.push(...flow.values, ...this.boundOf(flow.loop, flow.index));
      const op = this.definitions.get(id);
      if (op === undefined || op.kind === 'while') {
        if (op?.kind === 'while') stack.push(op.regions[1]?.params[op.results.indexOf(id)] as ValueId);
        continue;
      }
      if (op.kind === 'constant') this.counts.set(op, [before, after]);
      else if (isCollective(op) || FOLLOWED.has(op.kind))
        stack.push(...op.operands.filter((v) => isIndexLike(valueInfo(this.func, v).type)));
    }
  }

  /** What a loop compares its i-th variable with. */
  private boundOf(loop: Op, index: number): ValueId[] {
    const cond = loop.regions[0] as Block;
    const param = cond.params[index] as ValueId;
    return cond.ops
      .filter((o) => o.kind === 'compare' && o.operands.includes(param))
      .flatMap((o) => o.operands.filter((v) => v !== param));
  }

  // --- rebuilding ---------------------------------------------------------------------------------------------------

  private block(block: Block): Block {
    return { params: block.params, ops: block.ops.map((op) => this.op(op)) };
  }

  private op(op: Op): Op {
    const regions = op.regions.map((r) => this.block(r));
    const attrs = this.attrs(op);
    const made: Op = { ...op, attrs, regions };
    for (const r of op.results) this.made.set(r, made);
    if (op.kind !== 'while') return made;
    const trips = tripCountOf({ operands: op.operands, regions }, this.made);
    return { ...made, attrs: trips === null ? {} : { trip_count: trips } };
  }

  private attrs(op: Op): Attrs {
    const [result] = op.results;
    const shape = result === undefined ? [] : this.small(result).shape;
    const first = op.operands[0];
    const follow = (sizes: readonly number[], id: ValueId): number[] =>
      sizes.map((s, d) => (s === this.extent(id, d) ? this.smallExtent(id, d) : s));
    switch (op.kind) {
      case 'constant':
        return { ...op.attrs, shape, value: this.literal(op) };
      case 'dynamic_slice':
        return { ...op.attrs, sizes: shape };
      case 'slice':
        return first === undefined
          ? op.attrs
          : { ...op.attrs, limit: follow(op.attrs.limit as readonly number[], first) };
      case 'gather':
        return first === undefined
          ? op.attrs
          : {
              ...op.attrs,
              slice_sizes: (op.attrs.slice_sizes as readonly number[]).map((s, d) =>
                s === 1 ? 1 : (follow([...Array(d).fill(-1), s], first)[d] as number),
              ),
            };
      default:
        return op.attrs.shape === undefined ? op.attrs : { ...op.attrs, shape };
    }
  }

  /** extent → new extent, extent - 1 → new extent - 1; a literal beyond the new extent that is neither cannot be kept. */
  private literal(op: Op): Elements {
    const elements = op.attrs.value as Elements;
    const count = this.counts.get(op);
    if (count === undefined) return elements;
    const [before, after] = count;
    const value = Number(elements.data[0]);
    const moved = value === before ? after : value === before - 1 ? after - 1 : value === -before ? -after : value;
    if (moved === value) return elements;
    const data = elements.data.slice(0, 1);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(moved);
    else data[0] = moved;
    return { data };
  }

  /** Shapes must follow from the ops themselves: what does not was not understood. */
  private verify(func: Func): void {
    for (const op of walkOps(func.body)) {
      const def = this.registry[op.kind];
      if (def === undefined) continue;
      const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
      const inferred = def.infer({ kind: op.kind, attrs: op.attrs, regions: op.regions, operands: types(op.operands) });
      if (inferred.some((t, i) => t !== types(op.results)[i]))
        throw internalError(`shrink: the shape of a ${op.kind} does not follow`);
    }
  }

  private view(op: Op): {
    kind: string;
    attrs: Attrs;
    regions: readonly Block[];
    operands: TensorType[];
    results: TensorType[];
  } {
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    return {
      kind: op.kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: types(op.operands),
      results: types(op.results),
    };
  }

  private extent(id: ValueId, dim: number): number {
    return valueInfo(this.func, id).type.shape[dim] as number;
  }

  private smallExtent(id: ValueId, dim: number): number {
    return this.extents.get(this.classes.of(id, dim)) ?? this.extent(id, dim);
  }

  private small(id: ValueId): TensorType {
    const { type } = valueInfo(this.func, id);
    return withShape(
      type,
      type.shape.map((_, d) => this.smallExtent(id, d)),
    );
  }
}

/** Ops all of whose operands' extents their attributes name. */
const JOINED: ReadonlySet<string> = new Set(['concatenate', 'convolution']);

/** Ops that index arithmetic is made of. */
const FOLLOWED: ReadonlySet<string> = new Set([
  'add',
  'subtract',
  'select',
  'compare',
  'convert',
  'broadcast_in_dim',
  'reshape',
  'clamp',
  'maximum',
  'minimum',
  'concatenate',
  'optimization_barrier',
]);
const isIndexLike = (type: TensorType): boolean => isInteger(type.dtype) || type.dtype === 'pred';

/** Shards of each dim of a value. */
function shardsOf(func: Func, id: ValueId): number[] {
  const { layout, type } = valueInfo(func, id);
  return type.shape.map((_, d) => axesSize(layout?.dims[d]?.axes ?? []));
}
