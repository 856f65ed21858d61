/**
 * Op priority: five rounds, each allowing what the rounds before allowed and more, each to a fixed point (Shardy,
 * op_priority_propagation.cc). What moves data one-to-one decides before what contracts; broadcasts never spread a
 * layout forward before everything else had its say.
 */
import type { DirectionOf, Driver } from './fixed-point.ts';
import type { Graph, Node } from './graph.ts';
import { BACKWARD, BOTH, type Direction, FORWARD, intersection, NONE, type Strategy, union } from './strategy.ts';

/** Asked once per visit of a node, then per factor. */
type Round = (graph: Graph, node: Node) => (factor: number) => Direction;

/** Pass-through ops whose operands have no other use: no second user is drawn into a conflict. */
const singleUse: Round = (graph, node) => always(sharesOperands(graph, node) ? NONE : passThrough(node));
const multiUse: Round = (_, node) => always(passThrough(node));
const passFactors: Round = (_, node) => (f) => (node.rule?.factors[f]?.kind === 'pass' ? exceptBroadcast(node) : NONE);
const anyExceptBroadcastForward: Round = (_, node) => always(exceptBroadcast(node));
const any: Round = () => always(BOTH);
const always = (direction: Direction) => (): Direction => direction;

const ROUNDS: readonly Round[] = [singleUse, multiUse, passFactors, anyExceptBroadcastForward, any];

export function opPriority(driver: Driver, strategy: Strategy): void {
  ROUNDS.forEach((_, round) => {
    driver.causes.round = round;
    driver.run(strategy, directionIn(driver.graph, round));
  });
}

/** The union of all rounds so far. */
function directionIn(graph: Graph, round: number): DirectionOf {
  const allowed = ROUNDS.slice(0, round + 1).toReversed();
  return (node) => {
    const rounds = allowed.map((round) => round(graph, node));
    return (f) => {
      let found: Direction = NONE;
      for (const of of rounds) {
        found = union(found, of(f));
        if (found === BOTH) break;
      }
      return found;
    };
  };
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
