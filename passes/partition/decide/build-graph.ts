/** A function at the propagated level as a graph of decisions. O(ops), with program order kept. */
import { axesKey } from '../../../ir/axes.ts';
import { internalError, unsupported } from '../../../ir/diagnostics.ts';
import { isSplat } from '../../../ir/elements.ts';
import { type Layout, waysOf } from '../../../ir/layout.ts';
import { collectives } from '../../../ir/ops/collectives.ts';
import type { Registry } from '../../../ir/op.ts';
import {
  type Block,
  type Elements,
  type Func,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
  readFromOutside,
} from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import type { OpShape } from '../candidates.ts';
import type { LayoutTable } from '../layout-table.ts';
import { manualSide } from '../manual-layouts.ts';
import { type DotWork, dotWork, noDot } from './dot-work.ts';
import type { Graph, Node, OpNode, Place, TieNode, Use, ValueNode } from './graph.ts';
import { unevenWork } from './uneven-work.ts';
import { isZero, opShape, signatureOf, viewOf, trueSizes } from './op-facts.ts';

/** `notHeld`: values whose copies are made in the loops, and behind the barriers, that read them. */
export const buildGraph = (
  func: Func,
  registry: Registry,
  table: LayoutTable,
  notHeld: ReadonlySet<ValueId> = new Set(),
): Graph => new GraphBuilder(func, registry, table, notHeld).run();

/** The propagated layout, closed and even. */
export function propagatedLayout(func: Func, table: LayoutTable, id: ValueId): Layout {
  const { type, layout } = valueInfo(func, id);
  return layout === undefined ? table.replicated(type.shape.length) : table.even(type.shape, layout);
}

type Making = { -readonly [K in keyof ValueNode]: ValueNode[K] } & { uses: Use[]; root: Making };

class GraphBuilder {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly table: LayoutTable;
  private readonly notHeld: ReadonlySet<ValueId>;
  private readonly nodes: Node[] = [];
  private readonly values: (Making | undefined)[] = [];
  private readonly opNodes = new Map<Op, OpNode>();
  private readonly ties = new Map<Op, TieNode[]>();
  private readonly captured = new Map<Op, [ValueId, Use][]>();
  private readonly readers: Uint32Array;
  /** Of ops that are annotated themselves, by result: in how many shards. */
  private readonly annotated: ReadonlyMap<ValueId, number>;
  private readonly signatures = new Map<string, number>();
  /** By signature: equal ops share what their candidates follow from. */
  private readonly shapes = new Map<number, OpShape>();
  private readonly nowhere: Place = { parent: undefined, times: 1, loop: undefined, around: undefined, depth: 0 };

  constructor(func: Func, registry: Registry, table: LayoutTable, notHeld: ReadonlySet<ValueId>) {
    this.func = func;
    this.registry = registry;
    this.table = table;
    this.notHeld = notHeld;
    this.readers = countUses(func);
    this.annotated = annotatedWays(func);
  }

  run(): Graph {
    const place: Place = { parent: undefined, times: 1, loop: undefined, around: undefined, depth: 0 };
    for (const p of this.func.body.params) this.tie({ what: 'argument', makes: [[p, place]] });
    const results = this.func.resultLayouts.map((l, i) =>
      this.table.even((this.func.resultTypes[i] as TensorType).shape, l as Layout),
    );
    this.block(this.func.body, place, results);
    const { nodes, values, opNodes, ties, captured } = this;
    const rootOf = (v: ValueId): ValueId => (values[v] as Making).root.id;
    const touched = nodes.map((n) => [...new Set([...n.reads, ...n.makes].map(rootOf))]);
    return { nodes, values, touched, opNodes, ties, captured, notHeld: this.notHeld };
  }

  /** `returned`: layouts asked of what the block gives back; none where its op ties it. */
  private block(block: Block, place: Place, returned?: readonly Layout[]): void {
    for (const op of block.ops) {
      if (op.kind !== 'return') this.op(op, place);
      else if (returned !== undefined)
        this.ties.set(
          op,
          op.operands.map((v, i) =>
            this.tie({ what: 'the result', layout: returned[i] as Layout, reads: [[v, place]] }),
          ),
        );
    }
  }

  private op(op: Op, place: Place): void {
    const tied = STRUCTURES[op.kind]?.(this, op, place);
    if (tied !== undefined) this.ties.set(op, tied);
    else if (op.kind === 'constant' || op.kind === 'iota') this.source(op, place);
    else if (this.isCheapBroadcast(op)) {
      this.makeCheap(op, place);
      this.ties.set(op, [this.whole(op.operands[0] as ValueId, place, 'a scalar to repeat')]);
    } else this.tensorOp(op, place);
  }

  // --- structures ---------------------------------------------------------------------------------------------------

  constraint(op: Op, place: Place): TieNode[] {
    const [operand, result] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const layout = propagatedLayout(this.func, this.table, result);
    Object.assign(this.entry(result), { root: this.entry(operand).root, keeps: op.attrs.of_op !== true });
    const sides = { reads: [[operand, place]], makes: [[result, place]] } as const;
    return [this.tie({ what: 'a sharding constraint', layout, constrains: true, ...sides })];
  }

  loop(op: Op, place: Place): TieNode[] {
    const [cond, body] = op.regions as readonly [Block, Block];
    const times = place.times * ((op.attrs.trip_count as number | undefined) ?? 1);
    const inside: Place = { parent: place, times, loop: op, around: op, depth: place.depth + 1 };
    this.captured.set(op, []);
    const back = (body.ops.at(-1) as Op).operands;
    const ties = op.operands.map((v, i) =>
      this.tie({
        what: 'the loop',
        reads: [[v, place]],
        later: [back[i] as ValueId],
        makes: [
          [body.params[i] as ValueId, inside],
          [cond.params[i] as ValueId, inside],
          [op.results[i] as ValueId, place],
        ],
      }),
    );
    this.block(cond, inside, [this.table.replicated(0)]);
    this.block(body, inside);
    ties.forEach((node, i) => this.use(back[i] as ValueId, node, 1, inside));
    return ties;
  }

  branches(op: Op, place: Place): TieNode[] {
    const operands = op.operands.map((v, i) =>
      i === 0
        ? this.whole(v, place, 'every device takes the same branch')
        : this.tie({ what: 'a branch', layout: propagatedLayout(this.func, this.table, v), reads: [[v, place]] }),
    );
    const places = op.regions.map((): Place => ({ ...place, parent: place, loop: undefined, depth: place.depth + 1 }));
    op.regions.forEach((r, i) => {
      for (const p of r.params) this.tie({ what: 'a branch', hard: true, makes: [[p, places[i] as Place]] });
      this.block(r, places[i] as Place);
    });
    const results = op.results.map((r, i) =>
      this.tie({
        what: 'a branch',
        reads: op.regions.map((b, k) => [b.ops.at(-1)?.operands[i] as ValueId, places[k] as Place]),
        makes: [[r, place]],
      }),
    );
    return [...operands, ...results];
  }

  barrier(op: Op, place: Place): TieNode[] {
    return op.operands.map((v, i) => {
      const layout = this.notHeld.has(v) ? propagatedLayout(this.func, this.table, v) : undefined;
      return this.tie({ what: 'a barrier', layout, reads: [[v, place]], makes: [[op.results[i] as ValueId, place]] });
    });
  }

  /** Operands in the layouts it asks for; in its body only free axes are laid out. */
  manual(op: Op, place: Place): TieNode[] {
    const body = op.regions[0] as Block;
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    const taken = manualSide(this.table, op, 'in_layouts', types(body.params));
    const given = manualSide(this.table, op, 'out_layouts', types((body.ops.at(-1) as Op).operands));
    const what = 'the manual computation';
    const operands = op.operands.map((v, i) =>
      this.tie({ what, layout: taken.outside[i] as Layout, reads: [[v, place]] }),
    );
    const inside: Place = { ...place, parent: place, loop: undefined, depth: place.depth + 1 };
    body.params.forEach((p, i) => this.tie({ what, layout: taken.inside[i] as Layout, makes: [[p, inside]] }));
    this.block(body, inside, given.inside);
    const results = op.results.map((r, i) =>
      this.tie({ what, layout: given.outside[i] as Layout, makes: [[r, place]] }),
    );
    return [...operands, ...results];
  }

  private tie({ what, layout, hard, constrains = false, reads = [], later = [], makes = [] }: NewTie): TieNode {
    const first = makes[0] ?? reads[0];
    if (first === undefined) throw internalError('insert-reshards: a tie of nothing');
    const node: TieNode = {
      kind: 'tie',
      index: this.nodes.length,
      what,
      constrains,
      hard: hard ?? (layout !== undefined || reads.length === 0 || makes.length === 0),
      propagated: layout ?? propagatedLayout(this.func, this.table, first[0]),
      reads: [...reads.map(([v]) => v), ...later],
      makes: makes.map(([v]) => v),
    };
    this.nodes.push(node);
    makes.forEach(([v, place], slot) => this.make(v, node, slot, place));
    reads.forEach(([v, place], slot) => this.use(v, node, slot, place));
    return node;
  }

  private whole(v: ValueId, place: Place, what: string): TieNode {
    return this.tie({ what, layout: this.table.replicated(0), reads: [[v, place]] });
  }

  // --- tensor ops ---------------------------------------------------------------------------------------------------

  /** Constants and iotas are made where and as they are wanted; tables of constants once, whole. */
  private source(op: Op, place: Place): void {
    const id = op.results[0] as ValueId;
    const { type } = valueInfo(this.func, id);
    if (op.kind === 'iota' || isSplat((op.attrs.value as Elements).data, type.dtype)) this.makeCheap(op, place);
    else
      this.ties.set(op, [
        this.tie({ what: 'a constant', layout: this.table.replicated(type.shape.length), makes: [[id, place]] }),
      ]);
  }

  private isCheapBroadcast(op: Op): boolean {
    const [operand] = op.operands;
    return op.kind === 'broadcast_in_dim' && valueInfo(this.func, operand as ValueId).type.shape.length === 0;
  }

  private tensorOp(op: Op, place: Place): void {
    const def = this.registry[op.kind] ?? collectives[op.kind];
    if (def === undefined) throw unsupported(`op ${op.kind}`, { span: op.origin.span });
    const cheap = (v: ValueId): Op | undefined => this.values[v]?.cheap;
    const view = viewOf(this.func, op);
    const readsAlone = op.operands.every((v) => (this.readers[v] as number) <= 1 || cheap(v) !== undefined);
    const signature = this.interned(signatureOf(op, view, cheap, readsAlone));
    let shape = this.shapes.get(signature);
    if (shape === undefined) this.shapes.set(signature, (shape = opShape(op, def, view, cheap, readsAlone)));
    const propagated = (v: ValueId): Layout => propagatedLayout(this.func, this.table, v);
    const layouts = [op.operands.map(propagated), op.results.map(propagated)] as const;
    const heavy = op.kind === 'dot_general' || op.kind === 'convolution';
    const { repeatable, spare } = heavy
      ? dotWork(shape.rule, trueSizes(this.func, op), ...layouts, this.table.freeAxes)
      : noDot;
    const asked = heavy ? this.annotated.get(op.results[0] as ValueId) : undefined;
    const special = `${spare === undefined ? '' : ` ${spareKey(spare)}`}${asked === undefined ? '' : ` asked ${asked}`}`;
    const node: OpNode = {
      kind: 'op',
      index: this.nodes.length,
      op,
      view,
      place,
      shape: { ...shape, spare, movable: op.kind === 'dot_general' ? this.table.freeAxes : [] },
      signature: special === '' ? signature : this.interned(`${signature}${special}`),
      heavy,
      asked,
      repeatable,
      uneven: heavy ? unevenWork(this.func, op, shape.rule, ...layouts) : undefined,
      flops: def.flops?.(view) ?? 0,
      reads: op.operands,
      makes: op.results,
    };
    this.nodes.push(node);
    this.opNodes.set(op, node);
    op.operands.forEach((v, slot) => this.use(v, node, slot, place));
    for (const v of readFromOutside(op.regions)) this.whole(v, place, 'used inside a reducer');
    op.results.forEach((v, slot) => this.make(v, node, slot, place));
  }

  private interned(signature: string): number {
    const known = this.signatures.get(signature) ?? this.signatures.size;
    this.signatures.set(signature, known);
    return known;
  }

  // --- values -------------------------------------------------------------------------------------------------------

  private makeCheap(op: Op, place: Place): void {
    const id = op.results[0] as ValueId;
    const value = this.entry(id);
    Object.assign(value, { place, cheap: op, zero: isZero(op, (v) => this.values[v]?.cheap) });
  }

  private make(v: ValueId, maker: Node, slot: number, place: Place): void {
    Object.assign(this.entry(v), { maker, slot, place });
  }

  private use(v: ValueId, node: Node, slot: number, place: Place): void {
    const value = this.entry(v);
    const { root } = value;
    const here = root.cheap !== undefined || this.notHeld.has(root.id);
    const at = here ? place : outermost(root.place, place);
    const use: Use = { value, node, slot, place, at };
    value.uses.push(use);
    if (root !== value) root.uses.push(use);
    for (let p: Place | undefined = place; p !== undefined && p !== at; p = p.parent)
      if (p.loop !== undefined && p.parent === at) this.captured.get(p.loop)?.push([v, use]);
  }

  private entry(id: ValueId): Making {
    const known = this.values[id];
    if (known !== undefined) return known;
    const fresh = {
      id,
      type: valueInfo(this.func, id).type,
      extents: this.table.extentsOf(valueInfo(this.func, id)),
      maker: undefined,
      slot: 0,
      place: this.nowhere,
      uses: [],
      keeps: false,
      cheap: undefined,
      zero: false,
      propagated: propagatedLayout(this.func, this.table, id),
    };
    const value: Making = Object.assign(fresh, { root: fresh as unknown as Making });
    this.values[id] = value;
    return value;
  }
}

interface NewTie {
  readonly what: string;
  readonly layout?: Layout | undefined;
  readonly hard?: boolean;
  readonly constrains?: boolean;
  readonly reads?: readonly (readonly [ValueId, Place])[];
  /** Read too, but not before the body that makes them has been looked at. */
  readonly later?: readonly ValueId[];
  readonly makes?: readonly (readonly [ValueId, Place])[];
}

const STRUCTURES: Readonly<Record<string, (b: GraphBuilder, op: Op, place: Place) => TieNode[]>> = {
  sharding_constraint: (b, op, place) => b.constraint(op, place),
  reshard: (b, op, place) => b.constraint(op, place),
  while: (b, op, place) => b.loop(op, place),
  case: (b, op, place) => b.branches(op, place),
  optimization_barrier: (b, op, place) => b.barrier(op, place),
  manual_computation: (b, op, place) => b.manual(op, place),
};

/** Where a copy of a value made at `from` is made for a use at `to`: out of loops, but not out of branches around them. */
function outermost(from: Place, to: Place): Place {
  if (to.depth <= from.depth) return to;
  const between: Place[] = [];
  for (let p = to; p.depth > from.depth; p = p.parent as Place) between.push(p);
  let at = from;
  for (const p of between.toReversed()) {
    if (p.loop !== undefined) break;
    at = p;
  }
  return at;
}

const spareKey = ({ factor, axes }: NonNullable<DotWork['spare']>): string => `${factor}:${axesKey(axes)}`;

/** It asks for nothing. */
const isOpen = ({ dims }: Layout): boolean => dims.every((d) => d.open && d.axes.length === 0);

function annotatedWays(func: Func): Map<ValueId, number> {
  const found = new Map<ValueId, number>();
  for (const { kind, attrs, operands } of walkOps(func.body))
    if (kind === 'sharding_constraint' && attrs.of_op === true && !isOpen(attrs.layout as Layout))
      found.set(operands[0] as ValueId, waysOf(attrs.layout as Layout));
  return found;
}

function countUses(func: Func): Uint32Array {
  const uses = new Uint32Array(func.values.length);
  for (const op of walkOps(func.body)) for (const v of op.operands) uses[v] = (uses[v] as number) + 1;
  return uses;
}
