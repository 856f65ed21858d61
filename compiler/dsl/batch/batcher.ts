/** A traced block written again for a batch: values that depend on a mapped argument get a dim 0 more, the others stay. */
import { closedDim, type Layout, openDim } from '../../../ir/layout.ts';
import type { AxisRef } from '../../../ir/mesh.ts';
import { type Block, isCollective, type Op, type ValueId, readsOf } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { copyOp, Environment } from '../blocks.ts';
import { diagnosticAt } from '../errors.ts';
import { returned } from '../live-values.ts';
import type { CustomRule, ScanAttrs } from '../primitives.ts';
import { type Batched, batchRules, collective, elementwise, ensure, toFront } from './rules.ts';

export interface BatchOptions {
  readonly size: number;
  /** Mesh axis that the new dim lies on, in layouts asked for inside. */
  readonly axis: AxisRef | undefined;
}

export class Batcher {
  private readonly b: TypedBuilder;
  private readonly env: Environment;
  private readonly batched: Set<ValueId>;
  private readonly outer: ((id: ValueId) => boolean) | undefined;
  private readonly options: BatchOptions;

  /** `batched`: values of the block, by their names in it, that have the dim now. */
  constructor(
    b: TypedBuilder,
    env: Environment,
    batched: Iterable<ValueId>,
    options: BatchOptions,
    outer?: (id: ValueId) => boolean,
  ) {
    this.b = b;
    this.env = env;
    this.batched = new Set(batched);
    this.options = options;
    this.outer = outer;
  }

  isBatched = (id: ValueId): boolean => this.batched.has(id) || this.outer?.(id) === true;

  /** What the block returns, as it is now. */
  write(block: Block): Batched[] {
    for (const op of block.ops) if (op.kind !== 'return') this.op(op);
    return returned(block).map((id) => this.now(id));
  }

  private now = (id: ValueId): Batched => ({ id: this.env.get(id), batched: this.isBatched(id) });

  private op(op: Op): void {
    this.b.origin = op.origin;
    const reads = readsOf(op);
    if (!reads.some(this.isBatched)) return copyOp(this.b, op, this.env);
    switch (op.kind) {
      case 'scan':
        return this.scan(op);
      case 'case':
        return this.branches(op);
      case 'while':
        return this.loop(op);
      case 'checkpoint':
      case 'custom_vjp':
      case 'manual_computation':
        return this.inline(op);
      case 'optimization_barrier':
      case 'name':
      case 'stop_gradient':
        return this.eachAlone(op);
      case 'sharding_constraint':
        return this.constraint(op);
      default:
        return this.tensorOp(op);
    }
  }

  private define(op: Op, results: readonly ValueId[], flags: readonly boolean[] = op.results.map(() => true)): void {
    this.env.setAll(op.results, results);
    op.results.forEach((r, i) => {
      if (flags[i] === true) this.batched.add(r);
    });
  }

  private tensorOp(op: Op): void {
    const operands = op.operands.map(this.now);
    const on = { b: this.b, op, operands, size: this.options.size };
    const known = Object.hasOwn(batchRules, op.kind) ? batchRules[op.kind] : isCollective(op) ? collective : undefined;
    const made = (known ?? (this.isPointwise(op) ? elementwise : () => undefined))(on);
    if (made === undefined)
      throw diagnosticAt(op.origin.user, 'SH0900', `not supported yet: vmap of ${op.kind} in this form`, {
        cause: 'unsupported',
      });
    this.define(op, made);
  }

  /** By its factor rule: every dim of a result is the same dim of every operand of that rank. */
  private isPointwise(op: Op): boolean {
    const def = this.b.registry[op.kind];
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((id) => this.b.typeOf(id));
    const view = {
      kind: op.kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: types(op.operands),
      results: types(op.results),
    };
    return op.regions.length === 0 && def?.factors(view).elementwise === true;
  }

  private eachAlone(op: Op): void {
    const operands = op.operands.map(this.now);
    const types = operands.map(({ id }) => this.b.typeOf(id));
    const made = this.b.op(op.kind, idsOf(operands), types, op.origin, op.attrs);
    this.define(
      op,
      made,
      operands.map((x) => x.batched),
    );
  }

  private constraint(op: Op): void {
    const layout = this.withBatch(op.attrs.layout as Layout);
    const id = this.env.get(op.operands[0] as ValueId);
    this.define(op, this.b.op(op.kind, [id], [this.b.typeOf(id)], op.origin, { layout }));
  }

  /** The type with the batch as dim 0, where it has one. */
  private typeWith(id: ValueId, batched: boolean): TensorType {
    const { dtype, shape } = this.b.typeOf(id);
    return tensor(dtype, batched ? [this.options.size, ...shape] : shape);
  }

  private inside(region: Block, params: readonly ValueId[], flags: readonly boolean[]): Batched[] {
    const env = new Environment(this.env);
    env.setAll(region.params, params);
    const inner = region.params.filter((_, i) => flags[i] === true);
    return new Batcher(this.b, env, inner, this.options, this.isBatched).write(region);
  }

  /** Which of a region's parameters become batched, given that some results are fed back to them. */
  private settle(region: Block, flags: boolean[], fedBack: (result: number) => number | undefined): boolean[] {
    for (;;) {
      let ends: readonly Batched[] = [];
      this.b.region(() => {
        ends = this.inside(
          region,
          region.params.map((p, i) => this.b.param(this.typeWith(p, flags[i] === true))),
          flags,
        );
      });
      const late = ends.findIndex(
        (e, k) => e.batched && fedBack(k) !== undefined && flags[fedBack(k) as number] === false,
      );
      if (late < 0) return ends.map((e) => e.batched);
      flags[fedBack(late) as number] = true;
    }
  }

  private region(region: Block, flags: readonly boolean[], wanted: readonly boolean[], origin: Op['origin']): Block {
    return this.b.region(() => {
      const params = region.params.map((p, i) => this.b.param(this.typeWith(p, flags[i] === true)));
      const ends = this.inside(region, params, flags);
      const on = { b: this.b, size: this.options.size };
      this.b.op(
        'return',
        ends.map((e, k) => (wanted[k] === true ? ensure(on, e) : e.id)),
        [],
        origin,
      );
    });
  }

  private scan(op: Op): void {
    const { carries } = op.attrs as ScanAttrs;
    const [region] = op.regions as [Block];
    const operands = op.operands.map(this.now);
    const flags = [false, ...operands.map((x) => x.batched)];
    const ends = this.settle(region, flags, (k) => (k < carries ? k + 1 : undefined));
    const results = ends.map((flag, k) => (k < carries ? flags[k + 1] === true : flag));
    const block = this.region(region, flags, results, op.origin);
    const on = { b: this.b, size: this.options.size };
    // A scan slices dim 0, so the batch of xs and ys is dim 1 there.
    const given = operands.map((x, k) =>
      k < carries ? (flags[k + 1] === true ? ensure(on, x) : x.id) : x.batched ? this.swap(x.id) : x.id,
    );
    const types = op.results.map((r, k): TensorType => {
      const { dtype, shape } = this.b.typeOf(r);
      if (results[k] !== true) return tensor(dtype, shape);
      return tensor(
        dtype,
        k < carries ? [this.options.size, ...shape] : [shape[0] as number, this.options.size, ...shape.slice(1)],
      );
    });
    const made = this.b.op('scan', given, types, op.origin, op.attrs, [block]);
    this.define(
      op,
      made.map((id, k) => (k >= carries && results[k] === true ? this.swap(id) : id)),
      results,
    );
  }

  private swap(id: ValueId): ValueId {
    return toFront(this.b, id, 1);
  }

  private branches(op: Op): void {
    const selector = this.now(op.operands[0] as ValueId);
    if (selector.batched) return this.select(op, selector);
    const outcomes = op.regions.map((r) => this.settle(r, [], () => undefined));
    const results = op.results.map((_, k) => outcomes.some((o) => o[k] === true));
    const regions = op.regions.map((r) => this.region(r, [], results, op.origin));
    const types = op.results.map((r, k) => this.typeWith(r, results[k] === true));
    this.define(op, this.b.op('case', [selector.id], types, op.origin, op.attrs, regions), results);
  }

  /** Elements go different ways: every branch runs, each element takes its own. */
  private select(op: Op, selector: Batched): void {
    const on = { b: this.b, size: this.options.size };
    const outcomes = op.regions.map((r) => this.inside(r, [], []).map((e) => ensure(on, e)));
    const { dtype } = this.b.typeOf(selector.id);
    const last = outcomes.length - 1;
    const made = op.results.map((_, k) =>
      outcomes
        .map((o) => o[k] as ValueId)
        .reduceRight((otherwise, mine, i) => {
          if (i === last) return mine;
          const index = this.b.splat(i, this.b.typeOf(selector.id));
          const chosen =
            dtype === 'pred'
              ? selector.id
              : this.b.one('compare', [selector.id, index], { direction: 'EQ', compare_type: 'SIGNED' });
          return this.b.one('select', [this.spread(chosen, mine), mine, otherwise]);
        }),
    );
    this.define(op, made);
  }

  /** [batch] at the shape of another value. */
  private spread(id: ValueId, like: ValueId): ValueId {
    return this.b.one('broadcast_in_dim', [id], { dims: [0], shape: this.b.typeOf(like).shape });
  }

  /** Runs while any element goes on; those that are done keep their state. */
  private loop(op: Op): void {
    const [cond, body] = op.regions as [Block, Block];
    const operands = op.operands.map(this.now);
    const flags = operands.map((x) => x.batched);
    this.settle(body, flags, (k) => k);
    const alone = this.settle(cond, [...flags], () => undefined)[0] === true;
    if (alone) flags.fill(true);
    const on = { b: this.b, size: this.options.size };
    const given = operands.map((x, k) => (flags[k] === true ? ensure(on, x) : x.id));
    const regions = alone
      ? [this.anyGoesOn(cond, flags, op), this.whereItGoesOn(cond, body, flags, op)]
      : [this.region(cond, flags, [false], op.origin), this.region(body, flags, flags, op.origin)];
    const types = given.map((id) => this.b.typeOf(id));
    this.define(op, this.b.op('while', given, types, op.origin, op.attrs, regions), flags);
  }

  private anyGoesOn(cond: Block, flags: readonly boolean[], op: Op): Block {
    return this.b.region(() => {
      const params = cond.params.map((p) => this.b.param(this.typeWith(p, true)));
      const [goes] = this.inside(cond, params, flags) as [Batched];
      this.b.op('return', [this.b.reduce('or', goes.id, [0])], [], op.origin);
    });
  }

  private whereItGoesOn(cond: Block, body: Block, flags: readonly boolean[], op: Op): Block {
    const on = { b: this.b, size: this.options.size };
    return this.b.region(() => {
      const params = body.params.map((p) => this.b.param(this.typeWith(p, true)));
      const [goes] = this.inside(cond, params, flags) as [Batched];
      const ends = this.inside(body, params, flags).map((e) => ensure(on, e));
      this.b.op(
        'return',
        ends.map((id, k) => this.b.one('select', [this.spread(goes.id, id), id, params[k] as ValueId])),
        [],
        op.origin,
      );
    });
  }

  /** An op whose region is what it computes, on its operands. */
  private inline(op: Op): void {
    const [region] = op.regions as [Block];
    const operands = op.operands.map(this.now);
    const flags = operands.map((x) => x.batched);
    const found = this.settle(region, [...flags], () => undefined);
    const results = op.kind === 'custom_vjp' ? found.map(() => true) : found;
    const block = this.region(region, flags, results, op.origin);
    const types = op.results.map((r, k) => this.typeWith(r, results[k] === true));
    const attrs = this.regionAttrs(op, flags, results);
    this.define(op, this.b.op(op.kind, idsOf(operands), types, op.origin, attrs, [block]), results);
  }

  private regionAttrs(op: Op, flags: readonly boolean[], results: readonly boolean[]): Op['attrs'] {
    switch (op.kind) {
      case 'custom_vjp':
        return { rule: (op.attrs.rule as CustomRule).batched(flags, this.options) };
      case 'manual_computation': {
        const { in_layouts, out_layouts } = op.attrs as {
          in_layouts: readonly Layout[];
          out_layouts: readonly Layout[];
        };
        const wider = (layouts: readonly Layout[], which: readonly boolean[]): Layout[] =>
          layouts.map((layout, i) => (which[i] === true ? this.withBatch(layout) : layout));
        return { ...op.attrs, in_layouts: wider(in_layouts, flags), out_layouts: wider(out_layouts, results) };
      }
      default:
        return op.attrs;
    }
  }

  private withBatch(layout: Layout): Layout {
    const { axis } = this.options;
    return { ...layout, dims: [axis === undefined ? openDim() : closedDim([axis]), ...layout.dims] };
  }
}

const idsOf = (operands: readonly Batched[]): ValueId[] => operands.map((x) => x.id);
