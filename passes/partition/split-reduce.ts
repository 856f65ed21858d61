/**
 * A reduction that picks elements (argmax) over a sharded dim is done on each shard first and then on what the shards
 * picked, so that a few elements move and not the tensor. What picks may pick again: the start value taking part twice
 * changes nothing, which no sum could say; known monoids owe their sums instead.
 *
 *   %i = reduce %x, %iota, … dims=[1] pick        // %x: f32[16,32] @{_, y}, y=4
 *   →  %a = reshape %x : f32[16,4,8] @{_, y, _} …
 *      %b = reduce %a … dims=[2] pick : f32[16,4] @{_, y}
 *      %i = reduce %b … dims=[1] pick
 */
import { FuncBuilder } from '../../ir/build.ts';
import { closedDim, type DimSharding, type Layout } from '../../ir/layout.ts';
import { axesSize } from '../../ir/mesh.ts';
import { onlyPicks } from '../../ir/ops/monoid.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type Origin,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { type TensorType, withShape } from '../../ir/types.ts';

export function splitReduce(module: Module): Module {
  const func = mainFunction(module);
  if (![...walkOps(func.body)].some((op) => splitDim(func, op) !== undefined)) return module;
  return { ...module, functions: [new Splitting(func).run()] };
}

/** Their regions are part of the program, and no reducers. */
const HOLDS_BLOCKS: ReadonlySet<string> = new Set(['while', 'case', 'manual_computation']);

/** The dim to split, if the op is such a reduction: over one dim, sharded evenly in its first operand. */
function splitDim(func: Func, op: Op): number | undefined {
  if (op.kind !== 'reduce' || op.results.length < 2) return undefined;
  const [dim, ...more] = op.attrs.dims as readonly number[];
  if (dim === undefined || more.length > 0 || !op.regions.every(onlyPicks)) return undefined;
  const { type, layout } = valueInfo(func, op.operands[0] as ValueId);
  const shards = axesSize(layout?.dims[dim]?.axes ?? []);
  const size = type.shape[dim] as number;
  return shards > 1 && size > shards && size % shards === 0 ? dim : undefined;
}

class Splitting {
  private readonly func: Func;
  private readonly builder: FuncBuilder;

  constructor(func: Func) {
    this.func = func;
    this.builder = new FuncBuilder(func.values);
  }

  run(): Func {
    const body = this.block(this.func.body);
    return { ...this.func, body, values: this.builder.values };
  }

  private block(block: Block): Block {
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(p);
      for (const op of block.ops) {
        const dim = splitDim(this.func, op);
        if (dim !== undefined) this.split(op, dim);
        else
          this.builder.push(HOLDS_BLOCKS.has(op.kind) ? { ...op, regions: op.regions.map((r) => this.block(r)) } : op);
      }
    });
  }

  private split(op: Op, dim: number): void {
    const n = op.results.length;
    const origin: Origin = { pass: 'split-reduce', from: [op.origin], reason: 'each shard picks first' };
    const layout = valueInfo(this.func, op.operands[0] as ValueId).layout as Layout;
    const shards = axesSize(layout.dims[dim]?.axes ?? []);
    const starts = op.operands.slice(n);
    const parts = op.operands.slice(0, n).map((v) => {
      const { type } = valueInfo(this.func, v);
      const shape = type.shape.flatMap((size, d) => (d === dim ? [shards, size / shards] : [size]));
      return this.made(
        'reshape',
        [v],
        [withShape(type, shape)],
        spliced(layout, dim, [layout.dims[dim] as DimSharding, closedDim()]),
        origin,
        { shape },
      )[0] as ValueId;
    });
    const types = parts.map(
      (v): TensorType =>
        withShape(
          this.builder.typeOf(v),
          this.builder.typeOf(v).shape.filter((_, d) => d !== dim + 1),
        ),
    );
    const picked = this.made(
      'reduce',
      [...parts, ...starts],
      types,
      layout,
      origin,
      { dims: [dim + 1] },
      this.copied(op),
    );
    this.builder.push({ ...op, operands: [...picked, ...starts], attrs: { dims: [dim] } });
  }

  private made(
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    layout: Layout,
    origin: Origin,
    attrs: Op['attrs'],
    regions: readonly Block[] = [],
  ): ValueId[] {
    const results = this.builder.op(kind, operands, types, origin, attrs, regions);
    for (const r of results) this.builder.setLayout(r, layout);
    return results;
  }

  /** The region once more, with values of its own. */
  private copied(op: Op): Block[] {
    const map = new Map<ValueId, ValueId>();
    const fresh = (v: ValueId): ValueId => {
      const made = this.builder.value(valueInfo(this.func, v).type);
      map.set(v, made);
      return made;
    };
    return op.regions.map((r) =>
      this.builder.region(() => {
        for (const p of r.params) this.builder.paramAt(fresh(p));
        for (const o of r.ops)
          this.builder.push({ ...o, operands: o.operands.map((v) => map.get(v) ?? v), results: o.results.map(fresh) });
      }),
    );
  }
}

const spliced = (layout: Layout, dim: number, by: readonly DimSharding[]): Layout => ({
  ...layout,
  dims: layout.dims.flatMap((d, i) => (i === dim ? by : [d])),
});
