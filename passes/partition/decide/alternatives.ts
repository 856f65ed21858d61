/** What an op might have done instead, everything else as it was decided: for `shardc explain`. */
import type { Layout } from '../../../ir/layout.ts';
import type { Op } from '../../../ir/program.ts';
import { allOptions, type CandidateTable, tieOptions } from './options.ts';
import { type Choice, type CopiedValue, given, type Solution, taken } from './solution.ts';
import type { Node } from './graph.ts';

export interface Alternative {
  readonly operands: readonly Layout[];
  readonly results: readonly Layout[];
  /** On the wire, of all that the choice is part of; per device and step. */
  readonly bytes: number;
  /** The values that it moves, dearest first. */
  readonly moves: readonly CopiedValue[];
  /** How many ways the work is split. */
  readonly shards: number;
  readonly chosen: boolean;
}

/** The one chosen first, then by bytes. The solution is left as it was. */
export function alternativesOf(node: Node, solution: Solution, known: CandidateTable): Alternative[] {
  const chosen = solution.choice(node);
  const options: readonly Choice[] =
    node.kind === 'op' ? allOptions(node, solution, known) : node.hard ? [] : tieOptions(node, solution);
  const found = [chosen, ...options.filter((o) => o !== chosen && !sameChoice(node, o, chosen))].map((option) => {
    solution.set(node, option);
    const moves = solution.copiesAround(node).filter((m) => m.bytes > 0);
    const bytes = moves.reduce((n, m) => n + m.bytes, solution.haloBytes(node));
    return {
      operands: node.reads.map((_, i) => taken(option, i)),
      results: node.makes.map((_, i) => given(option, i)),
      bytes: solution.finite([node]) ? bytes : Number.POSITIVE_INFINITY,
      moves: moves.sort((a, b) => b.bytes - a.bytes),
      shards: 'shards' in option ? option.shards : 1,
      chosen: option === chosen,
    };
  });
  solution.set(node, chosen);
  const rest = found.slice(1).filter((a) => Number.isFinite(a.bytes));
  return [...found.slice(0, 1), ...rest.sort((a, b) => a.bytes - b.bytes)];
}

/** The node of the op, or of the loop whose state a value is. */
export function nodeOf(solution: Solution, maker: Op | undefined, value: number): Node | undefined {
  return (maker === undefined ? undefined : solution.graph.opNodes.get(maker)) ?? solution.graph.values[value]?.maker;
}

const sameChoice = (node: Node, a: Choice, b: Choice): boolean =>
  node.reads.every((_, i) => taken(a, i) === taken(b, i)) && node.makes.every((_, i) => given(a, i) === given(b, i));
