/**
 * A choice for every node, and what it costs in all. Each value is priced with the *set* of layouts in which it is wanted:
 * in program order, every new one from the nearest copy at hand. So a gather that three ops share is paid once, and a
 * copy in one layout may be the start of the next.
 */
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout, waysOf } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import type { ValueId } from '../../../ir/program.ts';
import { byteSize, type TensorType } from '../../../ir/types.ts';
import type { Candidate, Received } from '../candidates.ts';
import { type LayoutTable, noPath } from '../layout-table.ts';
import type { Plan } from '../reshard-plan.ts';
import { type Graph, isConstraint, type Node, type OpNode, type Place, type Use, type ValueNode } from './graph.ts';

/** Of an op its candidate, of a tie its layout. */
export type Choice = Candidate | Layout;

export class Solution {
  readonly graph: Graph;
  readonly table: LayoutTable;
  private readonly choices: (Choice | undefined)[];
  /** Price of the copies of each value. */
  private readonly prices: Float64Array;
  private readonly own: Float64Array;
  /** Price of a node on average, at the start: what is small is small beside it. */
  scale = 1;

  constructor(graph: Graph, table: LayoutTable) {
    this.graph = graph;
    this.table = table;
    this.choices = graph.nodes.map((n) => (n.kind === 'tie' ? n.propagated : undefined));
    this.prices = new Float64Array(graph.values.length);
    this.own = new Float64Array(graph.nodes.length);
  }

  /** Every node has its choice: prices it all. */
  settle(): number {
    this.graph.values.forEach((v, id) => {
      this.prices[id] = v === undefined || v.root !== v ? 0 : this.priceOf(v);
    });
    for (const node of this.graph.nodes) this.own[node.index] = this.ownPrice(node);
    const total = this.total();
    this.scale = Math.max(1e-12, total / Math.max(1, this.graph.nodes.length));
    return total;
  }

  total(): number {
    let sum = 0;
    for (const p of this.prices) sum += p;
    for (const p of this.own) sum += p;
    return sum;
  }

  /** Bytes that the ops write to a device's memory per step. */
  written(): number {
    let sum = 0;
    for (const n of this.graph.nodes) if (n.kind === 'op') sum += writtenBy(n, this.candidate(n)) * n.place.times;
    return sum;
  }

  candidate(node: OpNode): Candidate {
    const choice = this.choices[node.index];
    if (choice === undefined || !('assignment' in choice))
      throw internalError(`insert-reshards: ${node.op.kind} undecided`);
    return choice;
  }

  choice(node: Node): Choice {
    const choice = this.choices[node.index];
    if (choice === undefined) throw internalError('insert-reshards: undecided');
    return choice;
  }

  /** Without prices: while the first solution is made. */
  start(node: Node, choice: Choice): void {
    this.choices[node.index] = choice;
  }

  /** Sets a choice; gives the change of the total. */
  set(node: Node, choice: Choice): number {
    this.choices[node.index] = choice;
    let change = 0;
    for (const id of this.touched(node)) {
      const value = this.graph.values[id] as ValueNode;
      const price = this.priceOf(value);
      change += difference(price, this.prices[id] as number);
      this.prices[id] = price;
    }
    const own = this.ownPrice(node);
    change += own - (this.own[node.index] as number);
    this.own[node.index] = own;
    return change;
  }

  /** Roots whose price the node's choice is part of. */
  touched(node: Node): readonly ValueId[] {
    return this.graph.touched[node.index] as readonly ValueId[];
  }

  /** What the copies of a root cost. */
  price(v: ValueId): number {
    return this.prices[v] as number;
  }

  /** All that the node's choice is part of. */
  priceAround(node: Node): number {
    let price = this.own[node.index] as number;
    for (const v of this.touched(node)) price += this.prices[v] as number;
    return price;
  }

  /** What the neighbours' borders cost that an op needs. */
  haloOf(node: Node): number {
    return node.kind === 'tie' ? 0 : this.haloPriceOf(node, this.candidate(node));
  }

  /** Can all that these nodes ask for be had? */
  finite(nodes: readonly Node[]): boolean {
    return nodes.every((n) => this.touched(n).every((v) => Number.isFinite(this.prices[v] as number)));
  }

  /** The layout in which a value is made; undefined where it is made as wanted. */
  home(value: ValueNode): Layout | undefined {
    return value.maker === undefined ? undefined : given(this.choice(value.maker), value.slot);
  }

  wanted(use: Use): Layout {
    return taken(this.choice(use.node), use.slot);
  }

  private priceOf(value: ValueNode): number {
    if (value.uses.length === 0) return 0;
    const home = this.home(value);
    if (home === undefined) return this.priceAnew(value);
    let price = 0;
    // What no plan gives is impossible in a loop that never runs too.
    for (const { plan, times } of this.copiesOf(value, home))
      price += Number.isFinite(plan.price) ? plan.price * times : plan.price;
    return price;
  }

  /** The copies of all values that the node's choice is part of, and what they cost on the wire per device and step. */
  copiesAround(node: Node): CopiedValue[] {
    return this.touched(node).flatMap((v) => {
      const value = this.graph.values[v] as ValueNode;
      const home = this.home(value);
      const copies = home === undefined ? [] : this.copiesOf(value, home);
      return copies.map(({ plan, times }) => ({ value: v, plan, bytes: plan.bytes * times }));
    });
  }

  /** Likewise of the neighbours' borders. */
  haloBytes(node: Node): number {
    return node.kind === 'tie' ? 0 : this.haloPriceOf(node, this.candidate(node)) * node.place.times;
  }

  /** Copies made before the loops that read them, and what passes barriers less sharded than it might. */
  held(): HeldCopy[] {
    return [...this.heldByLoops(), ...this.heldByBarriers()];
  }

  private heldByLoops(): HeldCopy[] {
    return this.graph.values.flatMap((value) => {
      const home = value === undefined || value.root !== value ? undefined : this.home(value);
      if (value === undefined || home === undefined) return [];
      return this.copiesOf(value, home).flatMap(({ plan, use, times, inner }) => {
        if (use === undefined || inner === undefined) return [];
        // How often a loop of unknown length runs cannot be weighed.
        const more = inner > times ? inner - times : Number.POSITIVE_INFINITY;
        return [{ value: value.id, bytes: shardBytes(value.type, this.wanted(use)), saves: plan.price * more }];
      });
    });
  }

  private heldByBarriers(): HeldCopy[] {
    return [...this.graph.ties].flatMap(([op, ties]) => {
      if (op.kind !== 'optimization_barrier') return [];
      return ties.flatMap((tie, i) => {
        const value = this.graph.values[op.operands[i] as ValueId] as ValueNode;
        const layout = given(this.choice(tie), 0);
        const bytes = shardBytes(value.type, layout) - shardBytes(value.type, tie.propagated);
        if (bytes <= 0) return [];
        const { price } = this.table.plan(value, tie.propagated, layout);
        return [{ value: value.id, bytes, saves: price * value.place.times }];
      });
    });
  }

  /** Constraints whose copies are taken: the others ask for nothing that anyone needs. */
  constraintsTaken(): ReadonlySet<Node> {
    const taken = new Set<Node>();
    for (const value of this.graph.values) {
      if (value === undefined || value.root !== value || !value.uses.some((u) => isConstraint(u.node))) continue;
      const home = this.home(value);
      if (home !== undefined) this.copiesOf(value, home, taken);
    }
    return taken;
  }

  /**
   * May a copy made of the one value, of the same root, be where the other comes from in the layout wanted? From one order
   * of devices into another only where the function begins and ends: that step is XLA's.
   */
  serves({ of, layout }: CopyOf, value: ValueNode, want: Layout, depth: number): boolean {
    if (layout.mesh !== want.mesh && !(depth === 0 && this.mayCross(layout, value.root))) return false;
    return of === value || keepsTo(value, this.home(value), layout);
  }

  /** Arguments come in another order; results, once they go, do not come back. */
  private mayCross(layout: Layout, root: ValueNode): boolean {
    return layout.mesh === this.table.mesh.name || layout === this.home(root);
  }

  /** `constraints`: takes those whose copy is taken. */
  private copiesOf(value: ValueNode, home: Layout, constraints?: Set<Node>): Copied[] {
    const made: Copied[] = [];
    const first: Copy = { of: value, layout: home, at: value.place };
    const copies = [first];
    const take = (copy: Copy): void => {
      const { due } = copy;
      if (due === undefined) return;
      copy.due = undefined;
      take(due.from);
      if (due.plan.price > 0) made.push(due);
      constraints?.add(due.use.node);
    };
    for (const use of value.uses) {
      const want = this.wanted(use);
      if (want === home && this.serves(first, use.value, want, use.at.depth)) continue;
      const constraint = isConstraint(use.node);
      const [plan, from] = this.nearest(copies, use, want);
      if (plan === undefined || from === undefined) {
        made.push({ plan: noPath, times: use.at.times });
        continue;
      }
      if (!constraint) take(from);
      if (plan.price === 0 && !constraint) {
        readIn(use, from.made);
        continue;
      }
      const due: Due = { plan, times: use.at.times, from, use };
      readIn(use, due);
      if (!constraint) made.push(due);
      copies.push({ of: use.value, layout: want, at: use.at, made: due, due: constraint ? due : undefined });
    }
    return made;
  }

  /** From which copy the use has what it wants for least, what is still due for that copy counted. */
  private nearest(copies: readonly Copy[], use: Use, want: Layout): [Plan, Copy] | [] {
    let best: [Plan, Copy] | [] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const copy of copies) {
      if (!sees(use.at, copy.at) || !this.serves(copy, use.value, want, use.at.depth)) continue;
      if (copy !== copies[0] && this.graph.notHeld.has(use.value.root.id) && leavesLoop(use.place, copy.at)) continue;
      const plan = this.table.plan(use.value, copy.layout, want);
      const price = (plan.price === 0 ? 0 : plan.price * use.at.times) + dueFor(copy);
      if (best.length === 0 || price < least) [best, least] = [[plan, copy], price];
      if (price === 0) break;
    }
    return best;
  }

  /** At hand in every layout; but only zero is a sum that is still owed. */
  private priceAnew(value: ValueNode): number {
    const impossible = !value.zero && value.uses.some((u) => this.wanted(u).unreduced.length > 0);
    return impossible ? Number.POSITIVE_INFINITY : 0;
  }

  private ownPrice(node: Node): number {
    return node.kind === 'tie' ? 0 : this.ownPriceOf(node, this.candidate(node));
  }

  /** Halos, and the memory traffic and arithmetic that less sharded work would cause. */
  ownPriceOf(node: OpNode, c: Candidate): number {
    let price = this.haloPriceOf(node, c);
    price += this.table.prices.memory(writtenBy(node, c));
    if (node.repeatable.length > 0)
      price += this.table.prices.compute(node.flops / c.shards, (node.view.operands[0] as TensorType).dtype);
    return price * node.place.times;
  }

  private haloPriceOf(node: OpNode, c: Candidate): number {
    let price = 0;
    for (const received of c.halos) {
      const { operand } = received;
      const [type, layout] = [node.view.operands[operand] as TensorType, c.operands[operand] as Layout];
      price += haloPrice(this.table, type, layout, received);
    }
    return price;
  }
}

const shardBytes = (type: TensorType, layout: Layout): number => byteSize(type) / waysOf(layout);

const writtenBy = ({ view }: OpNode, { shards }: Candidate): number =>
  view.results.reduce((bytes, type) => bytes + byteSize(type), 0) / shards;

/** What a copy was made of, and in what layout. */
export interface CopyOf {
  readonly of: ValueNode;
  readonly layout: Layout;
}

/** A copy at hand. */
interface Copy extends CopyOf {
  readonly at: Place;
  /** None of what the value is made as. */
  readonly made?: Copied;
  /** Of a constraint: made where somebody takes it. */
  due?: Due | undefined;
}

interface Due extends Copied {
  readonly from: Copy;
  readonly use: Use;
}

/** A constraint keeps what it gives sharded as far as it says. */
export const keepsTo = (value: ValueNode, constraint: Layout | undefined, copy: Layout): boolean =>
  !value.keeps || constraint === undefined || waysOf(copy) >= waysOf(constraint);

const dueFor = ({ due }: Copy): number => (due === undefined ? 0 : due.plan.price * due.times + dueFor(due.from));

/** A copy that has to be made, so many times a step. */
interface Copied {
  readonly plan: Plan;
  readonly times: number;
  /** The first that wants it; none where there is no way. */
  readonly use?: Use;
  /** How often a step reads it in loops inside of where it is made; none where none does. */
  inner?: number;
}

const leavesLoop = (from: Place, to: Place): boolean => from.around !== to.around;

function readIn(use: Use, copy: Copied | undefined): void {
  if (copy?.use !== undefined && leavesLoop(use.place, copy.use.at))
    copy.inner = Math.max(copy.inner ?? 0, use.place.times);
}

/** A copy made before a loop or barrier that reads it. */
export interface HeldCopy {
  readonly value: ValueId;
  /** On a device. */
  readonly bytes: number;
  /** What it would cost more to make it where it is read. */
  readonly saves: number;
}

export interface CopiedValue {
  readonly value: ValueId;
  readonly plan: Plan;
  /** Of all times a step. */
  readonly bytes: number;
}

export const given = (choice: Choice, slot: number): Layout =>
  'assignment' in choice ? (choice.results[slot] as Layout) : choice;
export const taken = (choice: Choice, slot: number): Layout =>
  'assignment' in choice ? (choice.operands[slot] as Layout) : choice;

/** A copy made at `copy` is at hand at `use`. */
function sees(use: Place, copy: Place): boolean {
  let p: Place | undefined = use;
  while (p !== undefined && p.depth > copy.depth) p = p.parent;
  return p === copy;
}

export const difference = (now: number, before: number): number => (now === before ? 0 : now - before);

/** Elements along a dim of a shard, from others. */
function haloPrice(
  table: LayoutTable,
  type: TensorType,
  layout: Layout,
  { dim, elements, exchanges }: Received,
): number {
  const axes = dimAxes(layout, dim);
  const shard = byteSize(type) / waysOf(layout);
  const bytes = (shard * elements * axesSize(axes)) / (type.shape[dim] as number) / exchanges;
  return exchanges * table.prices.collective('collective_shift', bytes, bytes, axes);
}
