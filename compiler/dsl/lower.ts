/**
 * A traced function as a function of the IR: dead values left out, the forms of `primitives` written as ops.
 *
 *   %c, %ys = scan %c0, %xs (%i, %c, %x) → (%c1, %y)     length 4
 *   → %n, %c, %ys = while %0, %c0, %zeros cond … do (%i, %c, %buffer) {
 *       %x = reshape (dynamic_slice %xs, %i, …)
 *       …
 *       return %i + 1, %c1, dynamic_update_slice %buffer, %y, %i, … }
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import type { Block, Func, Op, ValueId } from '../../ir/program.ts';
import type { Registry } from '../../ir/op.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { tensor, type TensorType } from '../../ir/types.ts';
import { type Live, liveValues, returned } from './live-values.ts';
import { hasEffect, type ScanAttrs } from './primitives.ts';

const COUNTER = tensor('i32', []);

export function lower(func: Func, registry: Registry): Func {
  return new Lowering(func, registry).run();
}

class Lowering {
  private readonly func: Func;
  private readonly live: Live;
  private readonly b: TypedBuilder;
  /** Of each traced value, the one that stands for it now. */
  private readonly now: (ValueId | undefined)[];

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.live = liveValues(func.body);
    this.b = new TypedBuilder(registry);
    this.now = new Array<ValueId | undefined>(func.values.length);
  }

  run(): Func {
    const { func, b } = this;
    for (const p of func.body.params) this.param(p);
    this.ops(func.body);
    const end = func.body.ops.at(-1) as Op;
    b.op('return', this.read(end.operands), [], end.origin);
    const { name, isPublic, resultTypes, resultLayouts, paramAttrs, resultAttrs } = func;
    return b.finish({ name, isPublic, resultTypes, resultLayouts, paramAttrs, resultAttrs });
  }

  private read(ids: readonly ValueId[]): ValueId[] {
    return ids.map((id) => {
      const found = this.now[id];
      if (found === undefined) throw new Error(`value ${id} is used before it is made`);
      return found;
    });
  }

  private param(id: ValueId): void {
    const { type, ...info } = this.func.values[id] as Func['values'][number];
    this.now[id] = this.b.param(type, info);
  }

  private ops(block: Block): void {
    for (const op of block.ops) {
      if (op.kind === 'return') continue;
      if (op.results.some((r) => this.live.has(r)) || hasEffect(op)) this.op(op);
    }
  }

  private op(op: Op): void {
    this.b.origin = op.origin;
    switch (op.kind) {
      case 'scan':
        return this.scan(op);
      case 'case':
        return this.branches(op);
      case 'checkpoint':
      case 'custom_vjp':
        return this.inline(op);
      case 'manual_computation':
        return this.manual(op);
      case 'stop_gradient':
        return this.alias(op.results, op.operands);
      case 'name': {
        this.alias(op.results, op.operands);
        const id = this.now[op.results[0] as ValueId] as ValueId;
        return this.b.nameLike(id, { type: this.b.typeOf(id), name: String(op.attrs.name), origin: op.origin });
      }
      default:
        this.copy(op);
    }
  }

  private alias(ids: readonly ValueId[], to: readonly ValueId[]): void {
    ids.forEach((id, i) => {
      this.now[id] = this.now[to[i] as ValueId];
    });
  }

  private inline(op: Op): void {
    const [region] = op.regions as [Block];
    this.alias(region.params, op.operands);
    this.ops(region);
    this.alias(op.results, returned(region));
  }

  private copy(op: Op): void {
    const regions = op.regions.map((r) => this.region(r, returned(r)));
    this.made(op, op.kind, this.read(op.operands), op.results, op.attrs, regions);
  }

  private made(
    op: Op,
    kind: string,
    operands: readonly ValueId[],
    results: readonly ValueId[],
    attrs: Op['attrs'],
    regions: readonly Block[],
  ): void {
    const fresh = results.map((r) => {
      const { type, ...info } = this.func.values[r] as Func['values'][number];
      return (this.now[r] = this.b.value(type, info));
    });
    this.b.push({ kind, operands, results: fresh, attrs, regions, origin: op.origin });
  }

  private region(block: Block, results: readonly ValueId[]): Block {
    return this.b.region(() => {
      for (const p of block.params) this.param(p);
      this.ops(block);
      this.b.op('return', this.read(results), [], block.ops.at(-1)?.origin ?? {});
    });
  }

  /** Only the results that somebody reads. */
  private branches(op: Op): void {
    const kept = op.results.flatMap((r, k) => (this.live.has(r) ? [k] : []));
    const regions = op.regions.map((r) =>
      this.region(
        r,
        kept.map((k) => returned(r)[k] as ValueId),
      ),
    );
    this.made(
      op,
      'case',
      this.read(op.operands),
      kept.map((k) => op.results[k] as ValueId),
      op.attrs,
      regions,
    );
  }

  /** Only the operands and results that somebody reads. */
  private manual(op: Op): void {
    const [region] = op.regions as [Block];
    const { in_layouts, out_layouts } = op.attrs as unknown as OpAttrs['manual_computation'];
    const params = region.params.flatMap((p, i) => (this.live.has(p) ? [i] : []));
    const results = op.results.flatMap((r, k) => (this.live.has(r) ? [k] : []));
    const pick = <T>(list: readonly T[], places: readonly number[]): T[] => places.map((i) => list[i] as T);
    const body = { ...region, params: pick(region.params, params) };
    const attrs = { ...op.attrs, in_layouts: pick(in_layouts, params), out_layouts: pick(out_layouts, results) };
    const block = this.region(body, pick(returned(region), results));
    this.made(op, op.kind, this.read(pick(op.operands, params)), pick(op.results, results), attrs, [block]);
  }

  private scan(op: Op): void {
    const { carries, length, reverse } = op.attrs as ScanAttrs;
    const [region] = op.regions as [Block];
    const [counter, ...params] = region.params as [ValueId, ...ValueId[]];
    const ends = returned(region);
    const keptCarries = params.slice(0, carries).flatMap((p, k) => (this.isLive(p, op.results[k]) ? [k] : []));
    const keptYs = op.results.flatMap((r, k) => (k >= carries && this.live.has(r) ? [k] : []));
    const { b } = this;
    const starts = this.read(keptCarries.map((k) => op.operands[k] as ValueId));
    const buffers = keptYs.map((k) => b.splat(0, this.typeOf(op.results[k] as ValueId)));
    const slices = params.flatMap((p, k) =>
      k >= carries && this.live.has(p) ? [{ param: p, xs: op.operands[k] as ValueId }] : [],
    );
    const xs = this.read(slices.map((s) => s.xs));
    const types = [COUNTER, ...[...starts, ...buffers].map((id) => b.typeOf(id))];
    const cond = b.region(() => {
      const [i] = types.map((t) => b.param(t)) as [ValueId];
      b.op(
        'return',
        [b.one('compare', [i, b.splat(length, COUNTER)], { direction: 'LT', compare_type: 'SIGNED' })],
        [],
        op.origin,
      );
    });
    const body = b.region(() => {
      const i = b.param(COUNTER);
      for (const k of keptCarries) this.param(params[k] as ValueId);
      const filled = buffers.map((id) => b.param(b.typeOf(id)));
      const at = reverse ? b.one('subtract', [b.splat(length - 1, COUNTER), i]) : i;
      this.now[counter] = at;
      slices.forEach(({ param }, k) => {
        this.now[param] = sliceAt(b, xs[k] as ValueId, at);
      });
      this.ops(region);
      b.origin = op.origin;
      const carried = this.read(keptCarries.map((k) => ends[k] as ValueId));
      const written = this.read(keptYs.map((k) => ends[k] as ValueId)).map((y, k) =>
        writeAt(b, filled[k] as ValueId, y, at),
      );
      b.op('return', [b.one('add', [i, b.splat(1, COUNTER)]), ...carried, ...written], [], op.origin);
    });
    const operands = [b.splat(0, COUNTER), ...starts, ...buffers];
    const made = b.op('while', operands, types, op.origin, { trip_count: length }, [cond, body]).slice(1);
    [...keptCarries, ...keptYs].forEach((k, i) => {
      this.now[op.results[k] as ValueId] = made[i];
    });
  }

  private isLive(param: ValueId, result: ValueId | undefined): boolean {
    return this.live.has(param) || (result !== undefined && this.live.has(result));
  }

  private typeOf(id: ValueId): TensorType {
    return (this.func.values[id] as Func['values'][number]).type;
  }
}

/** `xs[i]`. */
export function sliceAt(b: TypedBuilder, xs: ValueId, i: ValueId): ValueId {
  const { shape } = b.typeOf(xs);
  const zero = b.splat(0, COUNTER);
  const sizes = [1, ...shape.slice(1)];
  const slice = b.one('dynamic_slice', [xs, i, ...shape.slice(1).map(() => zero)], { sizes });
  return b.one('reshape', [slice], { shape: shape.slice(1) });
}

/** `buffer` with `buffer[i] = y`. */
function writeAt(b: TypedBuilder, buffer: ValueId, y: ValueId, i: ValueId): ValueId {
  const { shape } = b.typeOf(y);
  const zero = b.splat(0, COUNTER);
  const update = b.one('reshape', [y], { shape: [1, ...shape] });
  return b.one('dynamic_update_slice', [buffer, update, i, ...shape.map(() => zero)]);
}
