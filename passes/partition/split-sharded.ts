/**
 * Ops over a sharded dim that shards can do in two steps: each does its own part, then a few elements of each go on. A
 * file each in split-sharded/: reductions that pick (argmax), scans (cumsum), top_k. The dim is made two, shards and what
 * a shard holds; everything else is left to insert-reshards.
 *
 *   %i = reduce %x, %iota, … dims=[1] pick        // %x: f32[16,32] @{_, y}, y=4
 *   →  %a = reshape %x : f32[16,4,8] @{_, y, _} …
 *      %b = reduce %a … dims=[2] pick : f32[16,4] @{_, y}
 *      %i = reduce %b … dims=[1] pick
 */
import { FuncBuilder } from '../../ir/build.ts';
import type { Registry } from '../../ir/op.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { blocksIn, type Uses, usesOf } from '../../ir/uses.ts';
import { splitReduce } from './split-sharded/reduce.ts';
import { splitScan } from './split-sharded/scan.ts';
import { splitSort } from './split-sharded/sort.ts';
import { otherEnd, type Shortened, type Split, SplitWriter } from './split-sharded/split.ts';
import { splitTopK } from './split-sharded/top-k.ts';

const SPLITS: Readonly<Record<string, Split>> = {
  reduce: splitReduce,
  reduce_window: splitScan,
  sort: splitSort,
  top_k: splitTopK,
};

/** Their regions are part of the program, and no reducers. */
const HOLDS_BLOCKS: ReadonlySet<string> = new Set(['while', 'case', 'manual_computation']);

export function splitSharded(module: Module, registry: Registry): Module {
  const func = mainFunction(module);
  const splitting = new Splitting(func, registry);
  if (![...walkOps(func.body)].some((op) => splitting.writes(op) !== undefined)) return module;
  return { ...module, functions: [splitting.run()] };
}

class Splitting {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly builder: FuncBuilder;
  private readonly uses: Uses;
  private readonly shortened = new Map<ValueId, Shortened>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
    this.builder = new FuncBuilder(func.values);
    this.uses = usesOf(blocksIn(func.body));
  }

  run(): Func {
    const body = this.block(this.func.body);
    return { ...this.func, body, values: this.builder.values };
  }

  /** What writes the op in two steps; undefined where it is not split. */
  writes(op: Op): ((w: SplitWriter) => void) | undefined {
    if (!Object.hasOwn(SPLITS, op.kind)) return undefined;
    return SPLITS[op.kind]?.(op, {
      info: (v) => valueInfo(this.func, v),
      maker: (v) => this.uses.makers.get(v),
      readers: (v) => this.uses.readersOf(v),
    });
  }

  private block(block: Block): Block {
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(p);
      for (const op of block.ops) {
        const write = this.writes(op);
        if (write !== undefined) write(new SplitWriter(this.builder, this.func, this.registry, op, this.shortened));
        else this.push(op);
      }
    });
  }

  private push(op: Op): void {
    const short = this.shortened.get(op.operands[0] as ValueId);
    if (HOLDS_BLOCKS.has(op.kind)) this.builder.push({ ...op, regions: op.regions.map((r) => this.block(r)) });
    else if (short === undefined) this.builder.push(op);
    else if (op.kind === 'reverse') this.reversed(op, short);
    else this.builder.push(readingShort(op, short));
  }

  private reversed(op: Op, short: Shortened): void {
    const { builder } = this;
    const [value] = builder.op('reverse', [short.value], [builder.typeOf(short.value)], op.origin, op.attrs);
    const layout = builder.layoutOf(short.value);
    if (layout !== undefined) builder.setLayout(value as ValueId, layout);
    const end = (op.attrs.dims as readonly number[]).includes(short.dim) ? otherEnd(short.end) : short.end;
    this.shortened.set(op.results[0] as ValueId, { ...short, value: value as ValueId, end });
  }
}

/** A slice or a pad of what stands for one end of its operand. */
function readingShort(op: Op, { value, dim, end, by }: Shortened): Op {
  const moved = (attr: string, n: number): readonly number[] =>
    (op.attrs[attr] as readonly number[]).map((x, d) => (d === dim ? x + n : x));
  const operands = [value, ...op.operands.slice(1)];
  if (op.kind === 'pad') return { ...op, operands, attrs: { ...op.attrs, high: moved('high', by) } };
  const from = end === 'first' ? 0 : -by;
  return { ...op, operands, attrs: { ...op.attrs, start: moved('start', from), limit: moved('limit', from) } };
}
