/**
 * Writes down what was decided: every op with its chosen layouts, every layout change as an explicit `reshard`. A value
 * resharded once is at hand for all later users in scope; what a loop only reads is resharded before it.
 */
import { FuncBuilder } from '../../ir/build.ts';
import { internalError } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import {
  type Block,
  type Func,
  type Op,
  type Origin,
  readFromOutside,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import { isConstraint, type Node, type TieNode, type ValueNode } from './decide/graph.ts';
import { type CopyOf, type Solution, given } from './decide/solution.ts';
import { manualSide } from './manual-layouts.ts';

export const writeReshards = (func: Func, solution: Solution): Func => new Writer(func, solution).run();

/** A value of the new function in one layout. */
interface Copy extends CopyOf {
  readonly id: ValueId;
}

class Writer {
  private readonly func: Func;
  private readonly solution: Solution;
  private readonly builder = new FuncBuilder();
  /** Old root → the copies at hand. Inner scopes see the outer ones; what they add is dropped at their end. */
  private readonly copies = new Map<ValueId, Copy[]>();
  private readonly undo: ValueId[][] = [[]];
  private readonly constraints: ReadonlySet<Node>;

  constructor(func: Func, solution: Solution) {
    this.func = func;
    this.solution = solution;
    this.constraints = solution.constraintsTaken();
  }

  run(): Func {
    for (const id of this.func.body.params) this.param(id, this.home(id));
    this.block(this.func.body);
    const last = this.func.body.ops.at(-1) as Op;
    return this.builder.finish({ ...this.func, resultLayouts: this.tied(last).map((t) => this.layoutOf(t)) });
  }

  private block(block: Block, returned?: readonly Layout[]): void {
    for (const op of block.ops) {
      if (op.kind === 'return') this.return(op, returned);
      else (STRUCTURES[op.kind] ?? plain)(this, op);
    }
  }

  private return(op: Op, returned: readonly Layout[] | undefined): void {
    const layouts = returned ?? this.tied(op).map((t) => this.layoutOf(t));
    const operands = op.operands.map((v, i) =>
      this.get(v, layouts[i] as Layout, op, 'the result is wanted in this layout'),
    );
    this.builder.push({ ...op, operands });
  }

  /** Made where its copy is taken; what it gives has the copies of its operand. */
  constraint(op: Op): void {
    if (!this.tied(op).some((t) => this.constraints.has(t))) return;
    this.get(
      op.operands[0] as ValueId,
      this.home(op.results[0] as ValueId),
      op,
      'a sharding constraint asks for this layout',
    );
  }

  /** A tensor op; constants and the like are made where they are wanted. */
  tensorOp(op: Op): void {
    const node = this.solution.graph.opNodes.get(op);
    if (node === undefined) {
      if (op.results.some((r) => this.solution.graph.values[r]?.cheap === undefined))
        this.emit(
          op,
          [],
          op.results.map((r) => this.home(r)),
        );
      return;
    }
    const choice = this.solution.candidate(node);
    const operands = op.operands.map((v, i) =>
      this.get(v, choice.operands[i] as Layout, op, `${op.kind} computes with this layout`),
    );
    this.emit(op, operands, choice.results);
  }

  // --- loops and branches -------------------------------------------------------------------------------------------

  loop(op: Op): void {
    const [cond, body] = [op.regions[0] as Block, op.regions[1] as Block];
    const trips = op.attrs.trip_count as number | undefined;
    const once = `read by every step of the loop${trips === undefined ? '' : ` (${trips})`}, made once before it`;
    const carried = this.tied(op).map((t) => this.layoutOf(t));
    const inits = op.operands.map((v, i) => this.get(v, carried[i] as Layout, op, 'the loop carries this layout'));
    for (const [v, use] of this.solution.graph.captured.get(op) ?? [])
      if (this.isTaken(use.node)) this.get(v, this.solution.wanted(use), op, once);
    const regions = this.withoutHeld(() => [this.region(cond, carried), this.region(body, carried, carried)]);
    this.emit(op, inits, carried, regions);
  }

  branches(op: Op): void {
    const ties = this.tied(op).map((t) => this.layoutOf(t));
    const operands = op.operands.map((v, i) =>
      this.get(v, ties[i] as Layout, op, 'every device takes the same branch'),
    );
    const given = ties.slice(op.operands.length);
    const regions = op.regions.map((r) =>
      this.region(
        r,
        r.params.map((p) => this.home(p)),
        given,
      ),
    );
    this.emit(op, operands, given, regions);
  }

  barrier(op: Op): void {
    const layouts = this.tied(op).map((t) => this.layoutOf(t));
    this.emit(
      op,
      op.operands.map((v, i) => this.get(v, layouts[i] as Layout, op, 'optimization barrier')),
      layouts,
    );
  }

  /** Operands are brought into the layouts it asks for; in its body only free axes are laid out. */
  manual(op: Op): void {
    const body = op.regions[0] as Block;
    const { table } = this.solution;
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    const taken = manualSide(table, op, 'in_layouts', types(body.params));
    const given = manualSide(table, op, 'out_layouts', types((body.ops.at(-1) as Op).operands));
    const operands = op.operands.map((v, i) =>
      this.get(v, taken.outside[i] as Layout, op, 'the manual computation asks for this layout'),
    );
    const attrs = { ...op.attrs, in_layouts: taken.outside, out_layouts: given.outside };
    this.emit({ ...op, attrs }, operands, given.outside, [this.region(body, taken.inside, given.inside)]);
  }

  /** Of values that are not held through loops, a loop sees what they are made as and no copy. */
  private withoutHeld(regions: () => Block[]): Block[] {
    const hidden = [...this.solution.graph.notHeld].flatMap((v) => {
      const copies = this.copies.get(v);
      return copies === undefined ? [] : [[v, copies] as const];
    });
    for (const [v, copies] of hidden) this.copies.set(v, copies.slice(0, 1));
    const made = regions();
    for (const [v, copies] of hidden) this.copies.set(v, copies);
    return made;
  }

  private region(block: Block, paramLayouts: readonly Layout[], returned?: readonly Layout[]): Block {
    this.undo.push([]);
    const made = this.builder.region(() => {
      block.params.forEach((p, i) => this.param(p, paramLayouts[i] as Layout));
      this.block(block, returned);
    });
    for (const id of this.undo.pop() ?? []) this.copies.get(id)?.pop();
    return made;
  }

  private param(id: ValueId, layout: Layout): void {
    const info = valueInfo(this.func, id);
    this.bind(this.valueOf(id), this.builder.param(info.type, { ...info, layout }), layout);
  }

  // --- values -------------------------------------------------------------------------------------------------------

  private isTaken(node: Node): boolean {
    return !isConstraint(node) || this.constraints.has(node);
  }

  private tied(op: Op): readonly TieNode[] {
    return this.solution.graph.ties.get(op) ?? [];
  }

  private layoutOf(tie: TieNode): Layout {
    return given(this.solution.choice(tie), 0);
  }

  /** The layout in which a value is made. */
  private home(id: ValueId): Layout {
    const value = this.solution.graph.values[id];
    const layout = value === undefined ? undefined : this.solution.home(value);
    if (layout === undefined) throw internalError(`insert-reshards: nothing makes value ${id}`);
    return layout;
  }

  private valueOf(id: ValueId): ValueNode {
    const value = this.solution.graph.values[id];
    if (value === undefined) throw internalError(`insert-reshards: nothing makes value ${id}`);
    return value;
  }

  /** The value in that layout: at hand, made anew, or resharded from the nearest copy. */
  private get(id: ValueId, layout: Layout, op: Op, reason: string): ValueId {
    const { table } = this.solution;
    const value = this.valueOf(id);
    const { root } = value;
    const { type, padding } = valueInfo(this.func, root.id);
    const copies = this.copies.get(root.id) ?? [];
    const depth = this.undo.length - 1;
    const serves = (c: Copy): boolean => this.solution.serves(c, value, layout, depth);
    const exact = copies.find((c) => c.layout === layout && serves(c));
    if (exact !== undefined) return exact.id;
    if (root.cheap !== undefined) return this.remake(root.id, root.cheap, layout);
    let best: Copy | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const copy of copies) {
      if (!serves(copy)) continue;
      const { price } = table.plan(root, copy.layout, layout);
      if (price < least) [best, least] = [copy, price];
    }
    if (best === undefined)
      throw internalError(`insert-reshards: no way to bring an operand of ${op.kind} into its layout`);
    const origin: Origin = { pass: 'insert-reshards', from: [op.origin], reason };
    const [made] = this.builder.op('reshard', [best.id], [type], origin, { layout }) as [ValueId];
    this.builder.setLayout(made, layout);
    this.builder.setPadding(made, padding);
    this.bind(value, made, layout);
    return made;
  }

  private remake(id: ValueId, op: Op, layout: Layout): ValueId {
    const operands = op.operands.map((v) => this.get(v, this.solution.table.replicated(0), op, 'scalar operand'));
    const info = valueInfo(this.func, id);
    const made = this.builder.value(info.type, { ...info, layout });
    this.builder.push({ ...op, operands, results: [made] });
    this.bind(this.valueOf(id), made, layout);
    return made;
  }

  private bind(of: ValueNode, id: ValueId, layout: Layout): void {
    const copies = this.copies.get(of.root.id);
    if (copies === undefined) this.copies.set(of.root.id, [{ id, of, layout }]);
    else copies.push({ id, of, layout });
    this.undo.at(-1)?.push(of.root.id);
  }

  private emit(
    op: Op,
    operands: readonly ValueId[],
    layouts: readonly Layout[],
    regions: readonly Block[] = op.regions.map((r) => this.reducer(r)),
  ): void {
    const results = op.results.map((r, i) =>
      this.builder.value(valueInfo(this.func, r).type, { ...valueInfo(this.func, r), layout: layouts[i] as Layout }),
    );
    this.builder.push({ ...op, operands, results, regions });
    op.results.forEach((r, i) => this.bind(this.valueOf(r), results[i] as ValueId, layouts[i] as Layout));
  }

  /** Reducers and comparators: scalars, the same on every device. What they read is made before them, for others too. */
  private reducer(block: Block): Block {
    const whole = this.solution.table.replicated(0);
    const read = (v: ValueId): ValueId => this.get(v, whole, block.ops[0] as Op, 'used inside a reducer');
    const map = new Map(readFromOutside([block]).map((v) => [v, read(v)]));
    const fresh = (v: ValueId): ValueId => {
      const { layout: _, ...info } = valueInfo(this.func, v);
      const made = this.builder.value(info.type, info);
      map.set(v, made);
      return made;
    };
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(fresh(p));
      for (const op of block.ops)
        this.builder.push({
          ...op,
          operands: op.operands.map((v) => map.get(v) as ValueId),
          results: op.results.map(fresh),
        });
    });
  }
}

const plain = (writer: Writer, op: Op): void => writer.tensorOp(op);

const STRUCTURES: Readonly<Record<string, (writer: Writer, op: Op) => void>> = {
  sharding_constraint: (w, op) => w.constraint(op),
  reshard: (w, op) => w.constraint(op),
  while: (w, op) => w.loop(op),
  case: (w, op) => w.branches(op),
  optimization_barrier: (w, op) => w.barrier(op),
  manual_computation: (w, op) => w.manual(op),
};
