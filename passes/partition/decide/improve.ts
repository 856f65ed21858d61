/**
 * Makes a solution cheaper until nothing helps: sweeps backward and forward over the nodes; a change is kept only if the
 * total drops. Where one node alone cannot gain, its neighbours may follow it: an elementwise chain between two dots
 * changes its layout as a whole or not at all.
 */
import type { Layout } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { Node, OpNode, ValueNode } from './graph.ts';
import { type CandidateTable, carries, opOptions, rearrangedOptions, tieOptions, owesWithin } from './options.ts';
import { type Choice, difference, given, type Solution, taken } from './solution.ts';

const MOST_SWEEPS = 6;
/** Options tried of those that no layout suggests. */
const MOST_REARRANGED = 4;
/** They have to save this part of what moves around the dot: a few bytes are not worth a plan of more collectives. */
const LEAST_REARRANGED = 0.2;
/** Nodes that may follow one. */
const MOST_FOLLOWERS = 48;
/** Smaller drops of the total are rounding. */
const LEAST_GAIN = 1e-7;
/** A follower may lose this part of what is at stake with the value it follows: what its memory traffic is worth. */
const SLACK = 0.02;
/** At last so many times that: who follows the follower may win more back. */
const LEAP = 3;

/** Gives the total. Never more than it was. */
export function improve(solution: Solution, known: CandidateTable): number {
  const improver = new Improver(solution, known, { cuts: false, slack: SLACK });
  const { nodes } = solution.graph;
  sweep(nodes, (n) => improver.better(n));
  if (sweep(nodes.filter(isMovable), (n) => improver.rearranged(n))) sweep(nodes, (n) => improver.better(n));
  const cutting = new Improver(solution, known, { cuts: true, slack: SLACK });
  sweep(nodes, (n) => cutting.better(n));
  const leaping = new Improver(solution, known, { cuts: true, slack: LEAP });
  if (sweep(nodes, (n) => leaping.better(n))) sweep(nodes, (n) => cutting.better(n));
  return solution.total();
}

/** Backward and forward, until nothing changes; whether anything did. */
function sweep(nodes: readonly Node[], better: (node: Node) => boolean): boolean {
  for (let n = 0; n < MOST_SWEEPS; n++) {
    const order = n % 2 === 0 ? nodes.toReversed() : nodes;
    let changed = false;
    for (const node of order) changed = better(node) || changed;
    if (!changed) return n > 0;
  }
  return true;
}

/** A dot: it may be split along axes that no layout around suggests. */
const isMovable = (node: Node): node is OpNode => node.kind === 'op' && node.shape.movable.length > 0;

/** It may stay as it is while a change goes on from one neighbour to the next. */
const passesOn = (node: Node): boolean => node.kind === 'op' && carries(node);

/** Who may follow. */
interface Following {
  /** Also who takes a copy from which those of others are cut. */
  readonly cuts: boolean;
  /** Who loses no more than this part of what is at stake. */
  readonly slack: number;
}

class Improver {
  private readonly solution: Solution;
  private readonly known: CandidateTable;
  private readonly follow: Following;
  /** What was tried in vain, by what it looked like. */
  private readonly vain = new Set<string>();

  constructor(solution: Solution, known: CandidateTable, follow: Following) {
    this.solution = solution;
    this.known = known;
    this.follow = follow;
  }

  /** Changes the node, with others, where that makes the whole cheaper. */
  better(node: Node): boolean {
    if (node.kind === 'tie' && node.hard) return false;
    if (!this.costs(node)) return false;
    return this.tried(this.lookOf(node), node, this.gain(), () => this.options(node));
  }

  /** Likewise a dot, to what no layout around it suggests. */
  rearranged(node: Node): boolean {
    if (!isMovable(node) || !this.costs(node)) return false;
    const least = Math.max(this.gain(), LEAST_REARRANGED * this.solution.priceAround(node));
    return this.tried(`rearranged ${this.lookOf(node)}`, node, least, () => this.nearest(node));
  }

  /** `least`: what has to be gained. */
  private tried(key: string, node: Node, least: number, optionsOf: () => readonly Choice[]): boolean {
    if (this.vain.has(key)) return false;
    const before = this.solution.choice(node);
    const options = optionsOf().filter((o) => o !== before);
    if (this.alone(node, before, options, least)) return true;
    const leading = passesOn(node) ? [...options, before] : options;
    for (const option of leading) if (this.together(node, option, least)) return true;
    this.vain.add(key);
    return false;
  }

  /** The few rearranged options that lose least while nothing follows. */
  private nearest(node: OpNode): Choice[] {
    const before = this.solution.choice(node);
    const priced = rearrangedOptions(node, this.solution, this.known).map((option) => {
      this.solution.set(node, option);
      return { option, price: this.solution.priceAround(node) };
    });
    this.solution.set(node, before);
    return priced
      .sort((a, b) => a.price - b.price)
      .slice(0, MOST_REARRANGED)
      .map((p) => p.option);
  }

  private costs(node: Node): boolean {
    if (node.kind === 'tie' && owesWithin(node, this.solution)) return true;
    return this.solution.haloOf(node) > 0 || this.solution.touched(node).some((v) => this.solution.price(v) > 0);
  }

  private alone(node: Node, before: Choice, options: readonly Choice[], least: number): boolean {
    const best = this.leastChange(node, before, options);
    if (best === undefined || !(best.change < -least)) return false;
    this.solution.set(node, best.option);
    return true;
  }

  private leastChange(node: Node, before: Choice, options: readonly Choice[]): Changed | undefined {
    let best: Changed | undefined;
    const start = this.solution.priceAround(node);
    for (const option of options) {
      this.solution.set(node, option);
      const change = difference(this.solution.priceAround(node), start);
      if (best === undefined || change < best.change) best = { option, change };
    }
    if (options.length > 0) this.solution.set(node, before);
    return best;
  }

  /** The node and all who then follow; undone where the total does not drop. */
  private together(node: Node, option: Choice, least: number): boolean {
    const undo: [Node, Choice][] = [[node, this.solution.choice(node)]];
    let change = this.solution.set(node, option);
    if (!Number.isFinite(change)) change = Number.MAX_VALUE;
    const moved = new Set<Node>([node]);
    const left = [...this.solution.touched(node)];
    for (let v = left.pop(); v !== undefined && moved.size < MOST_FOLLOWERS; v = left.pop()) {
      for (const next of this.unhappy(v, moved)) {
        const before = this.solution.choice(next);
        const best = this.leastChange(next, before, this.following(next, v));
        if (best === undefined || !(best.change <= this.follow.slack * this.atStake(v))) continue;
        undo.push([next, before]);
        moved.add(next);
        this.solution.set(next, best.option);
        change = change === Number.MAX_VALUE ? change : change + best.change;
        left.push(...this.solution.touched(next));
      }
    }
    const kept = this.solution.finite(undo.map(([n]) => n)) && this.changeSince(undo, change) < -least;
    if (!kept) for (const [n, choice] of undo.toReversed()) this.solution.set(n, choice);
    return kept;
  }

  /** Price of a value's copies; where they are free slices, that of an average node. */
  private atStake(v: ValueId): number {
    return Math.min(Math.max(this.solution.price(v), this.solution.scale), 1e300);
  }

  /** The change, worked out once more where an impossible state lay between. */
  private changeSince(undo: readonly (readonly [Node, Choice])[], change: number): number {
    if (change !== Number.MAX_VALUE) return change;
    const now = undo.map(([n]) => this.solution.choice(n));
    const after = this.solution.total();
    for (const [n, choice] of undo.toReversed()) this.solution.set(n, choice);
    const before = this.solution.total();
    undo.forEach(([n], i) => this.solution.set(n, now[i] as Choice));
    return after - before;
  }

  /** Nodes around a value with copies, though they be free slices: its maker, and who wants it otherwise than it is made. */
  private unhappy(v: ValueId, moved: ReadonlySet<Node>): Node[] {
    const value = this.solution.graph.values[v] as ValueNode;
    const home = this.solution.home(value);
    const users = value.uses.filter((u) => this.solution.wanted(u) !== home).map((u) => u.node);
    const around = value.maker === undefined ? users : [...users, value.maker];
    return [...new Set(around)].filter((n) => !moved.has(n) && !(n.kind === 'tie' && n.hard));
  }

  /** Options in which the node takes the value as it is made (or a copy that others' are cut from), or makes it as wanted. */
  private following(node: Node, v: ValueId): readonly Choice[] {
    const value = this.solution.graph.values[v] as ValueNode;
    const home = this.solution.home(value);
    const before = this.solution.choice(node);
    const wants = new Set(value.uses.filter((u) => u.node !== node).map((u) => this.solution.wanted(u)));
    const free = (l: Layout, want: Layout): boolean => this.solution.table.plan(value, l, want).price === 0;
    const serves = (l: Layout): boolean => l === home || (this.follow.cuts && [...wants].every((w) => free(l, w)));
    const fits = (o: Choice): boolean =>
      (o !== before || passesOn(node)) &&
      ((value.maker === node && wants.has(given(o, value.slot))) ||
        value.uses.some((u) => u.node === node && serves(taken(o, u.slot))));
    const options = this.options(node);
    // What it asks for cannot be had of this value any more: anything else is an answer.
    return Number.isFinite(this.solution.price(value.root.id)) ? options.filter(fits) : options;
  }

  private options(node: Node): readonly Choice[] {
    return node.kind === 'op' ? opOptions(node, this.solution, this.known) : tieOptions(node, this.solution);
  }

  private gain(): number {
    return LEAST_GAIN * this.solution.scale;
  }

  /** The node and its neighbours with their layouts: equal looks are tried once. */
  private lookOf(node: Node): string {
    const { table, graph } = this.solution;
    const id = (l: Layout | undefined): string => (l === undefined ? '' : String(table.id(l)));
    const side = (v: ValueId): string => {
      const value = graph.values[v] as ValueNode;
      const uses = value.uses.map((u) => `${nameOf(u.node)}${u.slot}:${id(this.solution.wanted(u))}`);
      return `${value.maker === undefined ? '' : nameOf(value.maker)}=${id(this.solution.home(value))}[${uses.join()}]`;
    };
    return `${nameOf(node)}|${[...node.reads, ...node.makes].map(side).join('|')}`;
  }
}

interface Changed {
  readonly option: Choice;
  readonly change: number;
}

const nameOf = (node: Node): string => (node.kind === 'op' ? String(node.signature) : `${node.what}${node.hard}`);
