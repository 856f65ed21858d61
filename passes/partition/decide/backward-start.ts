/**
 * Another first solution, from the results back: each op gives what those that read it take, where it can, and what that
 * asks of its operands is for their makers to answer. So a chain of which the end is wanted whole is whole from its start.
 */
import { internalError } from '../../../ir/diagnostics.ts';
import type { Layout } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { Candidate } from '../candidates.ts';
import { isConstraint, type OpNode, type ValueNode } from './graph.ts';
import { type CandidateTable, few } from './options.ts';
import type { Solution } from './solution.ts';

export function startBackward(solution: Solution, known: CandidateTable): void {
  for (const node of solution.graph.nodes.toReversed())
    solution.start(node, node.kind === 'tie' ? node.propagated : chosen(node, solution, known));
}

/** Least for what is due of it; of equals, what asks least of the ops before it. */
function chosen(node: OpNode, solution: Solution, known: CandidateTable): Candidate {
  const { table } = solution;
  const reads = node.reads.map((v) => nodeOf(solution, v));
  const makes = node.makes.map((v) => nodeOf(solution, v));
  const wanted = makes.map((value) => takenOf(value, solution));
  const operands = reads.map(({ cheap, propagated }) => (cheap === undefined ? [propagated] : []));
  const results = makes.map(({ propagated }, i) =>
    few([...(wanted[i] ?? []), propagated].map((l) => table.reduced(l))),
  );
  let best: Candidate | undefined;
  let [least, leastAsked] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const c of known.withWanted(node, operands, results)) {
    let [due, asked] = [solution.ownPriceOf(node, c), 0];
    for (const [i, value] of makes.entries())
      for (const want of wanted[i] ?? []) due += table.plan(value, c.results[i] as Layout, want).price;
    for (const [i, value] of reads.entries()) {
      const { cheap, root, propagated } = value;
      if (cheap !== undefined) continue;
      const { price } = table.plan(value, propagated, c.operands[i] as Layout);
      if (root.maker?.kind === 'op') asked += price;
      else due += price;
    }
    if (best !== undefined && !(due < least || (due === least && asked < leastAsked))) continue;
    [best, least, leastAsked] = [c, due, asked];
  }
  if (best === undefined) throw internalError(`insert-reshards: no candidate for ${node.op.kind}`);
  return best;
}

const nodeOf = ({ graph }: Solution, v: ValueId): ValueNode => graph.values[v] as ValueNode;

/** The layouts in which those who read it take it, constraints aside: their copies are made where somebody takes them. */
const takenOf = ({ root, id }: ValueNode, solution: Solution): Layout[] =>
  few(
    root.uses
      .filter((u) => (u.value.id === id || root.id === id) && !isConstraint(u.node))
      .map((u) => solution.wanted(u)),
  );
