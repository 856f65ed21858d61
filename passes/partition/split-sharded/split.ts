/** What a two-step form of an op is written with. */
import type { FuncBuilder } from '../../../ir/build.ts';
import { splatElements } from '../../../ir/elements.ts';
import { closedDim, type DimSharding, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import type { Registry } from '../../../ir/op.ts';
import {
  type Attrs,
  type Block,
  type Func,
  type Op,
  type Origin,
  type ValueId,
  type ValueInfo,
  valueInfo,
} from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';

export interface SplitContext {
  info(value: ValueId): ValueInfo;
  maker(value: ValueId): Op | undefined;
  readers(value: ValueId): readonly Op[];
}

export type End = 'first' | 'last';
export const otherEnd = (end: End): End => (end === 'first' ? 'last' : 'first');

/** What stands for a value's first elements along a dim, or its last, and how many less it has. */
export interface Shortened {
  readonly value: ValueId;
  readonly dim: number;
  readonly end: End;
  readonly by: number;
}

/** Looks at an op; gives what writes it in two steps, or undefined where it stays. */
export type Split = (op: Op, ctx: SplitContext) => ((w: SplitWriter) => void) | undefined;

/** Shards of a dim that divides by them, each of more than one element; else 1. */
export function evenShards({ type, layout }: ValueInfo, dim: number): number {
  const shards = axesSize(layout?.dims[dim]?.axes ?? []);
  const size = type.shape[dim] as number;
  return size > shards && size % shards === 0 ? shards : 1;
}

export class SplitWriter {
  private readonly builder: FuncBuilder;
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly op: Op;
  private readonly origin: Origin;
  private readonly shortened: Map<ValueId, Shortened>;

  constructor(builder: FuncBuilder, func: Func, registry: Registry, op: Op, shortened: Map<ValueId, Shortened>) {
    this.builder = builder;
    this.shortened = shortened;
    this.func = func;
    this.registry = registry;
    this.op = op;
    this.origin = {
      pass: 'split-sharded',
      from: [op.origin],
      reason: `${op.kind}: each shard does its own part first`,
    };
  }

  typeOf(value: ValueId): TensorType {
    return this.builder.typeOf(value);
  }

  layoutOf(value: ValueId): Layout {
    return this.builder.layoutOf(value) as Layout;
  }

  /** New values in this layout. */
  made(
    kind: string,
    operands: readonly ValueId[],
    attrs: Attrs,
    layout: Layout,
    regions: readonly Block[] = [],
  ): ValueId[] {
    const types = this.inferred(kind, operands, attrs, regions);
    const results = this.builder.op(kind, operands, types, this.origin, attrs, regions);
    for (const r of results) this.builder.setLayout(r, layout);
    return results;
  }

  one(kind: string, operands: readonly ValueId[], attrs: Attrs, layout: Layout): ValueId {
    return this.made(kind, operands, attrs, layout)[0] as ValueId;
  }

  /** The op that gives results `from` … `to` of the one being split. */
  gives(kind: string, operands: readonly ValueId[], attrs: Attrs, index: number, regions: readonly Block[] = []): void {
    const [result] = this.op.results.slice(index, index + 1) as [ValueId];
    this.builder.push({ kind, operands, results: [result], attrs, regions, origin: this.op.origin });
  }

  /** The op being split itself, on other operands. */
  again(operands: readonly ValueId[], attrs: Attrs): void {
    this.builder.push({ ...this.op, operands, attrs });
  }

  /** Readers of a result, which see its first elements only, or its last, read them there. */
  standsFor(result: ValueId, value: ValueId, dim: number, end: End): void {
    const by = this.extent(result, dim) - this.extent(value, dim);
    this.shortened.set(result, { value, dim, end, by });
  }

  splat(value: number | bigint, type: TensorType, layout: Layout): ValueId {
    const { dtype, shape } = type;
    return this.one('constant', [], { value: { data: splatElements(dtype, value) }, dtype, shape }, layout);
  }

  /** [… n …] as [… shards, n / shards …], the shards where the dim's were. */
  inShards(value: ValueId, dim: number, shards: number): ValueId {
    const { shape } = this.typeOf(value);
    const layout = this.layoutOf(value);
    const split = shape.flatMap((n, d) => (d === dim ? [shards, n / shards] : [n]));
    const dims = layout.dims.flatMap((held, d) => (d === dim ? [held, closedDim()] : [held]));
    return this.one('reshape', [value], { shape: split }, { ...layout, dims });
  }

  /** The op's regions once more, with values of their own. */
  copiedRegions(): Block[] {
    const map = new Map<ValueId, ValueId>();
    const fresh = (v: ValueId): ValueId => {
      const made = this.builder.value(valueInfo(this.func, v).type);
      map.set(v, made);
      return made;
    };
    return this.op.regions.map((r) =>
      this.builder.region(() => {
        for (const p of r.params) this.builder.paramAt(fresh(p));
        for (const o of r.ops)
          this.builder.push({ ...o, operands: o.operands.map((v) => map.get(v) ?? v), results: o.results.map(fresh) });
      }),
    );
  }

  /** The op's region on whole arrays instead of scalars. */
  regionOn(inputs: readonly ValueId[], layout: Layout): ValueId[] {
    const [region] = this.op.regions as readonly [Block];
    const { shape } = this.typeOf(inputs[0] as ValueId);
    const whole = new Map<ValueId, ValueId>(region.params.map((p, i) => [p, inputs[i] as ValueId]));
    const spread = (v: ValueId): ValueId => this.one('broadcast_in_dim', [v], { dims: [], shape }, layout);
    const read = (v: ValueId): ValueId => {
      const known = whole.get(v) ?? spread(v);
      whole.set(v, known);
      return known;
    };
    for (const o of region.ops) {
      if (o.kind === 'return') return o.operands.map(read);
      if (o.kind === 'constant') {
        const scalar = { ...layout, dims: [] };
        whole.set(o.results[0] as ValueId, spread(this.one('constant', [], o.attrs, scalar)));
      } else
        this.made(o.kind, o.operands.map(read), o.attrs, layout).forEach((r, i) =>
          whole.set(o.results[i] as ValueId, r),
        );
    }
    return [];
  }

  /** A comparator with one more operand, which says what is padding and so comes last. */
  withPaddingLast(): Block {
    const [region] = this.copiedRegions() as [Block];
    const pred = tensor('pred', []);
    return this.builder.region(() => {
      for (const p of region.params) this.builder.paramAt(p);
      const [a, b] = [this.builder.param(pred), this.builder.param(pred)] as [ValueId, ValueId];
      const one = (kind: string, operands: readonly ValueId[], attrs: Attrs = {}): ValueId =>
        this.builder.op(kind, operands, [pred], this.origin, attrs)[0] as ValueId;
      for (const op of region.ops) {
        if (op.kind !== 'return') this.builder.push(op);
        else {
          const same = one('compare', [a, b], { direction: 'EQ', compare_type: 'UNSIGNED' });
          this.builder.push({ ...op, operands: [one('select', [same, op.operands[0] as ValueId, b])] });
        }
      }
    });
  }

  private extent(value: ValueId, dim: number): number {
    return this.typeOf(value).shape[dim] as number;
  }

  private inferred(
    kind: string,
    operands: readonly ValueId[],
    attrs: Attrs,
    regions: readonly Block[],
  ): readonly TensorType[] {
    const operandTypes = operands.map((v) => this.typeOf(v));
    return this.registry[kind]?.infer({ kind, attrs, regions, operands: operandTypes }) ?? [];
  }
}

/** The layout with one dim put otherwise. */
export const withDim = (layout: Layout, dim: number, by: readonly DimSharding[]): Layout => ({
  ...layout,
  dims: layout.dims.flatMap((held, d) => (d === dim ? by : [held])),
});
