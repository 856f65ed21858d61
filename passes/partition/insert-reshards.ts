/**
 * Decides (design §5.1): every op gets one factor assignment, every layout change becomes an explicit `reshard`.
 *
 *   %2 = dot %0 @{x, y}, %1 @{y, _}            // wanted @{x, _}
 *   →  %2 = dot %0, %1 @{x, _; unreduced=y}
 *      %3 = reshard %2 @{x, _}                 // one all-reduce, placed where its result is needed
 *
 * The function becomes a graph of decisions (decide/graph.ts). The first solution starts from the propagated layouts and
 * goes through the program once; sweeps then change what makes the whole program cheaper, and only that. A small program is
 * decided about from its results back too.
 */
import type { Registry } from '../../ir/op.ts';
import { type Func, mainFunction, type Module, type ValueId } from '../../ir/program.ts';
import { buildGraph } from './decide/build-graph.ts';
import type { Graph } from './decide/graph.ts';
import { improve } from './decide/improve.ts';
import { CandidateTable } from './decide/options.ts';
import { Solution } from './decide/solution.ts';
import { startBackward } from './decide/backward-start.ts';
import { startSolution } from './decide/start.ts';
import { LayoutTable } from './layout-table.ts';
import { type Prices, wirePrices } from './prices.ts';
import { writeReshards } from './write-reshards.ts';

/** Nodes up to which a program is decided about in more ways: from its results back, with more candidates. */
const MOST_NODES = 500;
const ENDING = ['end'] as const;
const GOING_ON = ['end', 'go on'] as const;
/** A plan that keeps more whole, and so more in memory, is taken where it costs no more than this part of the other. */
const CLEARLY = 0.99;

export interface Decided {
  /** What was decided about, at the propagated level. */
  readonly func: Func;
  readonly module: Module;
  /** Price of the first solution, and of the one taken: never more. */
  readonly start: number;
  readonly total: number;
  /** What was chosen, and from what: `explain` asks. */
  readonly solution: Solution;
  readonly known: CandidateTable;
}

/** `notHeld`: values whose copies are made in the loops, and behind the barriers, that read them. */
export function decideLayouts(
  module: Module,
  registry: Registry,
  prices: Prices = wirePrices,
  notHeld: ReadonlySet<ValueId> = new Set(),
): Decided {
  const func = mainFunction(module);
  const table = new LayoutTable(module, prices);
  const graph = buildGraph(func, registry, table, notHeld);
  const repeatable = graph.nodes.some((n) => n.kind === 'op' && n.repeatable.length > 0);
  const isSmall = graph.nodes.length <= MOST_NODES;
  const tables = [false, ...(repeatable ? [true] : [])].flatMap((mayRepeat) =>
    [ENDING, ...(isSmall ? [GOING_ON] : [])].map((atTaken) => new CandidateTable(table, mayRepeat, atTaken)),
  );
  const solveAll = (begin: Begin): Solved => {
    const [first, ...others] = tables.map((known) => () => solve(graph, known, begin)) as [Solve, ...Solve[]];
    return others.reduce((best, other) => cheaper(best, other()), first());
  };
  const forward = solveAll(startSolution);
  const best = isSmall ? clearlyCheaper(forward, solveAll(startBackward), prices) : forward;
  return { ...best, func, module: { ...module, level: 'resharded', functions: [writeReshards(func, best.solution)] } };
}

type Solved = Pick<Decided, 'start' | 'total' | 'solution' | 'known'>;

type Solve = () => Solved;

type Begin = (solution: Solution, known: CandidateTable) => void;

function solve(graph: Graph, known: CandidateTable, begin: Begin): Solved {
  const solution = new Solution(graph, known.table);
  begin(solution, known);
  const start = solution.settle();
  return { start, total: improve(solution, known), solution, known };
}

const cheaper = (first: Solved, second: Solved): Solved => (second.total < first.total ? second : first);

/** What begins at the results keeps more of a program whole: that has to be worth the memory traffic. */
function clearlyCheaper(first: Solved, second: Solved, { redundant }: Prices): Solved {
  const more = Math.max(0, second.solution.written() - first.solution.written());
  return second.total + (redundant?.(more) ?? 0) < CLEARLY * first.total ? second : first;
}
