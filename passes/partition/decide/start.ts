/**
 * The first solution: once through the program, from the propagated layouts. Each op takes the candidate that moves least:
 * operands from the copies at hand to what it needs, results to what propagation would have. A sum owed may wait.
 */
import { internalError } from '../../../ir/diagnostics.ts';
import type { Layout } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { Candidate } from '../candidates.ts';
import type { OpNode, TieNode, ValueNode } from './graph.ts';
import type { CandidateTable } from './options.ts';
import { keepsTo, type Solution } from './solution.ts';

export function startSolution(solution: Solution, known: CandidateTable): void {
  new Start(solution, known).run();
}

class Start {
  private readonly solution: Solution;
  private readonly known: CandidateTable;
  /** Layouts in which a value is at hand; the first is its own. */
  private readonly copies = new Map<ValueId, Layout[]>();
  private readonly chosen = new Map<string, Candidate>();

  constructor(solution: Solution, known: CandidateTable) {
    this.solution = solution;
    this.known = known;
  }

  run(): void {
    for (const node of this.solution.graph.nodes) {
      if (node.kind === 'op') this.op(node);
      else this.tie(node);
    }
  }

  private tie(node: TieNode): void {
    const layout = this.tieLayout(node);
    this.solution.start(node, layout);
    for (const v of node.reads) this.copied(v, layout);
    const before = node.constrains ? (this.copies.get(node.reads[0] as ValueId) ?? []) : [];
    for (const v of node.makes) {
      const serving = before.filter((l) => l !== layout && keepsTo(this.value(v), layout, l));
      this.copies.set(v, [layout, ...serving]);
    }
  }

  /** A barrier lets a value pass as it is. A sum that is asked to stay owed, but that nothing owes, is paid. */
  private tieLayout(node: TieNode): Layout {
    const { propagated } = node;
    if (
      propagated.unreduced.length > 0 &&
      node.reads.some((v) => this.priceTo(v, propagated) === Number.POSITIVE_INFINITY)
    )
      return this.solution.table.reduced(propagated);
    if (node.hard || node.what !== 'a barrier') return node.propagated;
    const home = this.copies.get(node.reads[0] as ValueId)?.[0];
    return home === undefined || home.unreduced.length > 0 ? node.propagated : home;
  }

  private op(node: OpNode): void {
    const choice = this.choose(node);
    this.solution.start(node, choice);
    node.reads.forEach((v, i) => this.copied(v, choice.operands[i] as Layout));
    node.makes.forEach((v, i) => {
      const layout = choice.results[i] as Layout;
      const value = this.value(v);
      const paid = layout.unreduced.length > 0 && value.uses.length > 1;
      this.copies.set(v, paid ? [layout, this.solution.table.reduced(value.propagated)] : [layout]);
    });
  }

  private choose(node: OpNode): Candidate {
    const operands = node.reads.map((v) => this.around(v));
    const results = node.makes.map((v) => [this.value(v).propagated]);
    const key = this.key(node, operands, results);
    let best = this.chosen.get(key);
    if (best !== undefined) return best;
    best = this.cheapest(node, operands, results) ?? this.cheapest(node, operands, results.map(this.paid), true);
    if (best === undefined) throw internalError(`insert-reshards: no candidate for ${node.op.kind}`);
    this.chosen.set(key, best);
    return best;
  }

  /** `paid`: what propagation would have owes a sum that this op cannot leave owed. */
  private cheapest(
    node: OpNode,
    operands: readonly (readonly Layout[])[],
    results: readonly (readonly Layout[])[],
    paid = false,
  ): Candidate | undefined {
    let best: Candidate | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of this.known.of(node, operands, results)) {
      const price = this.price(node, candidate, paid);
      if (price < least) [best, least] = [candidate, price];
    }
    return best;
  }

  private readonly paid = (layouts: readonly Layout[]): Layout[] => layouts.map((l) => this.solution.table.reduced(l));

  private around(v: ValueId): Layout[] {
    const value = this.value(v);
    if (value.cheap !== undefined) return [];
    return [...new Set([...(this.copies.get(v) ?? []), value.propagated])];
  }

  private key(node: OpNode, ...sides: readonly (readonly (readonly Layout[])[])[]): string {
    const { table } = this.solution;
    const ids = sides.map((side) => side.map((l) => l.map((x) => table.id(x)).join('.')).join()).join('>');
    return `${node.signature} ${ids}`;
  }

  private price(node: OpNode, c: Candidate, paid: boolean): number {
    const { table } = this.solution;
    // A loop that never runs costs nothing, per turn too.
    let price = this.solution.ownPriceOf(node, c) / Math.max(node.place.times, 1);
    const seen = new Set<string>();
    node.reads.forEach((v, i) => {
      const layout = c.operands[i] as Layout;
      const key = `${v}:${table.id(layout)}`;
      if (!seen.has(key)) price += this.priceTo(v, layout);
      seen.add(key);
    });
    node.makes.forEach((v, i) => {
      const value = this.value(v);
      const wanted = paid ? table.reduced(value.propagated) : value.propagated;
      price += table.plan(value, c.results[i] as Layout, wanted).price;
    });
    return price;
  }

  private priceTo(v: ValueId, layout: Layout): number {
    const value = this.value(v);
    if (value.cheap !== undefined) return value.zero || layout.unreduced.length === 0 ? 0 : Number.POSITIVE_INFINITY;
    let best = Number.POSITIVE_INFINITY;
    for (const copy of this.copies.get(v) ?? [])
      best = Math.min(best, this.solution.table.plan(value, copy, layout).price);
    return best;
  }

  private copied(v: ValueId, layout: Layout): void {
    const copies = this.copies.get(v);
    if (copies !== undefined && !copies.includes(layout)) copies.push(layout);
  }

  private value(v: ValueId): ValueNode {
    const value = this.solution.graph.values[v];
    if (value === undefined) throw internalError(`insert-reshards: value ${v} is used before it is made`);
    return value;
  }
}
