/**
 * Op priority: five rounds, each allowing what the rounds before allowed and more, each to a fixed point (Shardy,
 * op_priority_propagation.cc). What moves data one-to-one decides before what contracts; broadcasts never spread a
 * layout forward before everything else had its say.
 */
import type { FactorRule } from '../../ir/factors.ts';
import type { DirectionOf, Driver } from './fixed-point.ts';
import type { Graph, Node } from './graph.ts';
import {
  BACKWARD,
  BOTH,
  type Direction,
  type Directions,
  FORWARD,
  intersection,
  NONE,
  type Strategy,
  union,
} from './strategy.ts';

export function opPriority(driver: Driver, strategy: Strategy): void {
  rounds(driver.graph).forEach((round, i) => {
    driver.causes.round = i;
    driver.run(strategy, round);
  });
}

/** What each round and those before it allow, by node. */
function rounds(graph: Graph): readonly DirectionOf[] {
  const { nodes } = graph;
  const through = nodes.map(passThrough);
  const backward = nodes.map((node, i) => union(exceptBroadcast(node), through[i] ?? NONE));
  const lists: Lists = new Map();
  const passFactors = nodes.map(({ rule }, i): Directions => {
    const [pass, rest] = [backward[i] ?? NONE, through[i] ?? NONE];
    return rule === undefined || pass === rest ? rest : onPassFactors(lists, rule, pass, rest);
  });
  const of = (directions: readonly Directions[]) => (node: number) => directions[node] ?? NONE;
  return [
    // Pass-through ops whose operands have no other use: no second user is drawn into a conflict.
    (node) => (through[node] === NONE || sharesOperands(graph, nodes[node] as Node) ? NONE : (through[node] ?? NONE)),
    of(through),
    of(passFactors),
    of(backward),
    () => BOTH,
  ];
}

/** Lists of directions by rule, so that equal ones are one. */
type Lists = Map<FactorRule, Map<number, readonly Direction[]>>;

/** One way for pass-through factors, another for the rest. */
function onPassFactors(lists: Lists, rule: FactorRule, pass: Direction, rest: Direction): Directions {
  const made = lists.get(rule) ?? new Map<number, readonly Direction[]>();
  lists.set(rule, made);
  const key = pass * 4 + rest;
  const found = made.get(key) ?? rule.factors.map(({ kind }) => (kind === 'pass' ? pass : rest));
  made.set(key, found);
  return found;
}

const exceptBroadcast = (node: Node): Direction => (node.op.kind === 'broadcast_in_dim' ? BACKWARD : BOTH);

/** Calls that move a value between memories. */
const OFFLOADS: ReadonlySet<string> = new Set(['MoveToDevice', 'MoveToHost']);

function passThrough(node: Node): Direction {
  if (node.edge || node.rule?.elementwise === true) return BOTH;
  switch (node.op.kind) {
    case 'custom_call':
      return OFFLOADS.has(node.op.attrs.target as string) ? BOTH : NONE;
    case 'reshape':
    case 'transpose':
      return BOTH;
    case 'dynamic_slice':
    case 'dynamic_update_slice':
      return intersection(BOTH, FORWARD);
    default:
      return NONE;
  }
}

/** Scalars cannot be sharded, so they do not count; an edge's only operand is its owner. */
function sharesOperands(graph: Graph, node: Node): boolean {
  return !node.edge && node.operands.some((v) => graph.useCount(v) !== 1 && graph.typeOf(v).shape.length > 0);
}
