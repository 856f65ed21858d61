/** What a node might choose, from the layouts around it. */
import { areApart } from '../../../ir/axes.ts';
import type { Layout } from '../../../ir/layout.ts';
import { axesSize, overlaps } from '../../../ir/mesh.ts';
import type { ValueId } from '../../../ir/program.ts';
import { type Assignment, assignmentKey, type AtTaken } from '../assignment.ts';
import { asWanted, candidates, type Candidate } from '../candidates.ts';
import type { LayoutTable } from '../layout-table.ts';
import { rearranged } from '../rearranged.ts';
import type { OpNode, TieNode, ValueNode } from './graph.ts';
import type { Solution } from './solution.ts';
import { workUnder } from './uneven-work.ts';

/** Layouts of one value that its neighbours build candidates from. */
const MOST_LAYOUTS = 4;
/** Ops looked through for a sum that a tie might carry unpaid. */
const MOST_LINEAR = 16;

/** Per operand or result, layouts that suggest something. */
type Around = readonly (readonly Layout[])[];

/** Candidates by what they follow from: 96 equal layers ask once. */
export class CandidateTable {
  readonly table: LayoutTable;
  private readonly mayRepeat: boolean;
  private readonly atTaken: readonly AtTaken[];
  private readonly found = new Map<number, Map<string, readonly Candidate[]>>();

  /** `mayRepeat`: dots may be computed redundantly along the axes that dot-work.ts names. */
  constructor(table: LayoutTable, mayRepeat: boolean, atTaken: readonly AtTaken[]) {
    this.table = table;
    this.mayRepeat = mayRepeat;
    this.atTaken = atTaken;
  }

  /** Of a dot or convolution only those that split the work most: bytes are not bought with redundant compute. */
  of(node: OpNode, operands: Around, results: Around): readonly Candidate[] {
    const all = this.all(node, operands, results);
    if (!node.heavy) return all;
    const most = Math.max(...all.map((c) => this.shardsOf(node, c)));
    const { asked } = node;
    if (asked !== undefined) return all.filter((c) => c.shards >= Math.min(asked, most));
    const split = all.filter((c) => this.shardsOf(node, c) === most);
    return this.withinWork(node, split, split);
  }

  /** Where dims do not divide, those that compute no more than the least of `than` does, or the propagated layouts do. */
  withinWork(
    { uneven, repeatable }: OpNode,
    list: readonly Candidate[],
    than: readonly Candidate[],
  ): readonly Candidate[] {
    if (uneven === undefined) return list;
    const work = (c: Candidate): number => workUnder(uneven.sizes, this.counted(repeatable, c.assignment));
    const most = Math.max(uneven.propagated, Math.min(...than.map(work)));
    return list.filter((c) => work(c) <= most);
  }

  /** The present choice with one axis elsewhere. */
  rearranged(node: OpNode, present: Candidate, operands: Around, results: Around): readonly Candidate[] {
    const from = `${assignmentKey(present.assignment)} ${assignmentKey(present.from ?? [])} `;
    return this.known(from, node, operands, results, () => rearranged(this.table, node.shape, present, operands));
  }

  /** Also exactly what is wanted, where that is little work or asked for: the op may take a gathered copy. */
  withWanted(node: OpNode, operands: Around, results: Around): readonly Candidate[] {
    const list = this.of(node, operands, results);
    if (node.heavy && node.asked === undefined) return list;
    const wanted = (): Candidate[] => asWanted(this.table, node.shape, operands, results);
    return this.known('wanted ', node, operands, results, () => [...list, ...wanted()]);
  }

  all(node: OpNode, operands: Around, results: Around): readonly Candidate[] {
    return this.known('', node, operands, results, () =>
      candidates(this.table, node.shape, operands, results, this.atTaken),
    );
  }

  /** The work is split as much as what the present choice comes from splits it. */
  splitsEnough(node: OpNode, c: Candidate, solution: Solution): boolean {
    const { from, assignment } = solution.candidate(node);
    if (node.asked !== undefined) return c.shards >= node.asked;
    return this.shardsOf(node, c) >= this.waysOf(node, from ?? assignment);
  }

  /** How many ways a heavy op's work is split, axes aside along which it may be repeated. */
  private shardsOf(node: OpNode, { assignment, shards }: Candidate): number {
    return this.mayRepeat && node.repeatable.length > 0 ? this.waysOf(node, assignment) : shards;
  }

  private waysOf(node: OpNode, assignment: Assignment): number {
    return axesSize(this.counted(node.repeatable, assignment).flat());
  }

  private counted(repeatable: OpNode['repeatable'], assignment: Assignment): Assignment {
    if (!this.mayRepeat || repeatable.length === 0) return assignment;
    return assignment.map((axes) => axes.filter((a) => !repeatable.some((r) => overlaps(a, r))));
  }

  private known(
    what: string,
    node: OpNode,
    operands: Around,
    results: Around,
    make: () => Candidate[],
  ): readonly Candidate[] {
    let known = this.found.get(node.signature);
    if (known === undefined) this.found.set(node.signature, (known = new Map()));
    const ids = (list: Around): string => list.map((l) => l.map((x) => this.table.id(x)).join('.')).join();
    const key = `${what}${ids(operands)}>${ids(results)}`;
    let list = known.get(key);
    if (list === undefined) {
      list = different(this.table, make());
      known.set(key, list);
    }
    return list;
  }
}

/** An elementwise op, say. */
export const carries = ({ heavy, shape }: OpNode): boolean =>
  !heavy && shape.rule.factors.every((f) => f.kind === 'pass');

/** Two assignments may ask and give the same. */
function different(table: LayoutTable, list: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, Candidate>();
  for (const c of list) {
    const key = [...c.operands, ...c.results].map((l) => table.id(l)).join();
    if (!seen.has(key)) seen.set(key, c);
  }
  return [...seen.values()];
}

export function opOptions(node: OpNode, solution: Solution, known: CandidateTable): readonly Candidate[] {
  const list = known.withWanted(node, ...around(node, solution));
  return node.heavy ? list.filter((c) => known.splitsEnough(node, c, solution)) : list;
}

/** Those that no layout around suggests; the largest device computes no more than it would. */
export function rearrangedOptions(node: OpNode, solution: Solution, known: CandidateTable): readonly Candidate[] {
  const present = solution.candidate(node);
  const list = known.rearranged(node, present, ...around(node, solution));
  const split = list.filter((c) => known.splitsEnough(node, c, solution));
  return known.withinWork(node, split, [present]);
}

/** Also those that split the work less: for `explain`. */
export const allOptions = (node: OpNode, solution: Solution, known: CandidateTable): readonly Candidate[] =>
  known.all(node, ...around(node, solution));

function around(node: OpNode, solution: Solution): [operands: Around, results: Around] {
  const { values } = solution.graph;
  const operands = node.reads.map((v) => layoutsAround(values[v] as ValueNode, solution, node));
  const results = node.makes.map((v) => {
    const value = values[v] as ValueNode;
    return few([value.propagated, ...value.uses.map((u) => solution.wanted(u))].map((l) => solution.table.reduced(l)));
  });
  return [operands, results];
}

/** As it is made, as others want it, as propagation would have it. */
function layoutsAround(value: ValueNode, solution: Solution, but: OpNode): Layout[] {
  if (value.cheap !== undefined) return [];
  const others = value.uses.flatMap((u) => (u.node === but ? [] : [solution.wanted(u)]));
  const homes = [value, value.root].flatMap((of) => {
    const layout = solution.home(of);
    return layout !== undefined && solution.serves({ of, layout }, value, layout, 0) ? [layout] : [];
  });
  return few([...homes, value.propagated, ...others]);
}

export function tieOptions(node: TieNode, solution: Solution): Layout[] {
  const { graph, table } = solution;
  const found = [node.propagated];
  for (const v of node.reads) {
    const home = solution.home(graph.values[v] as ValueNode);
    if (home !== undefined) found.push(home, table.reduced(home), ...owedBehind(v, solution, node.propagated));
  }
  for (const v of node.makes) for (const u of graph.values[v]?.uses ?? []) found.push(solution.wanted(u));
  // Another order of devices is for arguments and results.
  return few(
    found.map((l) => table.atHome(l)),
    8,
  );
}

/** Is a sum that the tie might carry unpaid on its way into it, paid before? */
export const owesWithin = (node: TieNode, solution: Solution): boolean =>
  node.makes.length > 1 && node.reads.some((v) => owedBehind(v, solution, node.propagated).length > 0);

/** The tie's layout with a sum left unpaid that was paid on the way to it. */
function owedBehind(start: ValueId, solution: Solution, base: Layout): Layout[] {
  const { graph, table } = solution;
  const found: Layout[] = [];
  const left = [start];
  for (let n = 0; n < MOST_LINEAR && left.length > 0; n++) {
    const value = graph.values[left.pop() as ValueId] as ValueNode;
    const layout = solution.home(value);
    if (layout !== undefined && layout.unreduced.length > 0 && (layout.monoid ?? 'sum') === 'sum')
      found.push(
        table.of(
          base.dims.map((d) => d.axes.filter((a) => layout.unreduced.every((o) => areApart(o, a)))),
          layout.unreduced,
        ),
      );
    const { maker } = value;
    if (maker?.kind === 'op')
      for (const set of maker.shape.linear) left.push(...set.map((i) => maker.reads[i] as ValueId));
  }
  return found;
}

export const few = (layouts: readonly Layout[], most = MOST_LAYOUTS): Layout[] => [...new Set(layouts)].slice(0, most);
