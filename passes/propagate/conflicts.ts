/**
 * Where layouts met that no op can have at once: what had a say, which won, and why. Read off the fixed point; the order of
 * events is in the causes. These are the places where reshards come from.
 *
 *   dot %a @{x, _}, %b @{_, x}:  x on factor i (from %a) and on factor j (from %b); the result took i
 */
import { prefixStatus } from '../../ir/axes.ts';
import { factorName } from '../../ir/factors.ts';
import { type AxisRef, axesSize, overlaps } from '../../ir/mesh.ts';
import type { EditOp } from '../../ir/edit.ts';
import type { ValueId } from '../../ir/program.ts';
import { elementCount } from '../../ir/types.ts';
import type { Cause, CauseLog, CauseOp } from './causes.ts';
import type { Graph, Node } from './graph.ts';
import { projectTensor, type TensorProjection } from './projection.ts';

/** One side: a value that brings axes to a factor of the op. */
export interface Candidate {
  readonly value: ValueId;
  readonly dim: number;
  readonly axes: readonly AxisRef[];
  readonly factor: string;
  /** The value is a result of the op. */
  readonly isResult: boolean;
}

export interface Conflict {
  readonly op: CauseOp;
  readonly candidates: readonly Candidate[];
  /** Index of the candidate that the op's result follows; absent = none, the result is whole there. */
  readonly winner?: number;
  readonly why: string;
}

/** The rounds of op priority, in words. */
export const ROUNDS = [
  'ops that move data one-to-one, operands used once',
  'ops that move data one-to-one',
  'dims that pass through an op',
  'all but broadcasts forward',
  'everything',
] as const;

/** `opOf`: what an op is told as, as the causes in the log are. */
export function conflictsOf(graph: Graph, log: CauseLog, opOf: (op: EditOp) => CauseOp): Conflict[] {
  return graph.nodes.flatMap((node) => (node.edge ? [] : conflictsAt(graph, log, node, opOf(node.op))));
}

interface Side extends Candidate {
  readonly tensor: number;
  readonly index: number;
}

function conflictsAt(graph: Graph, log: CauseLog, node: Node, op: CauseOp): Conflict[] {
  const { rule } = node;
  if (rule === undefined) return [];
  let split = 0;
  for (const list of [node.operands, node.results])
    for (const v of list) if (graph.layoutOf(v)?.dims.some((d) => d.axes.length > 0)) split++;
  if (split < 2) return [];
  const values = [...node.operands, ...node.results];
  const operands = node.operands.length;
  const tensors = values.map((v, t) =>
    projectTensor(
      rule,
      (t < operands ? rule.operands[t] : rule.results[t - operands]) ?? [],
      graph.layoutAt(node, v, t >= operands),
    ),
  );
  const sides = sidesOf(tensors, values, operands);
  const found: Conflict[] = [];
  const seen = new Set<string>();
  for (const a of sides) {
    for (const b of sides) {
      if (a.tensor >= b.tensor || !clash(a, b)) continue;
      const key = [sideKey(a), sideKey(b)].sort().join(' ');
      if (seen.has(key)) continue;
      seen.add(key);
      found.push(settled(graph, log, node, op, tensors, values, a, b));
    }
  }
  return found;
}

const sideKey = (s: Side): string => `${s.factor}:${s.axes.map((a) => `${a.name}.${a.pre}.${a.size}`).join('+')}`;

function sidesOf(tensors: readonly TensorProjection[], values: readonly ValueId[], operands: number): Side[] {
  return tensors.flatMap((tensor, t) =>
    tensor.factors.flatMap((held, f): Side[] => {
      if (held === undefined || held.axes.length === 0) return [];
      const dim = tensor.dims.findIndex((factors) => factors.includes(f));
      return [
        {
          isResult: t >= operands,
          tensor: t,
          index: f,
          factor: factorName(f),
          value: values[t] as ValueId,
          dim,
          axes: held.axes,
        },
      ];
    }),
  );
}

/** Other axes on one factor, or one axis on two. */
function clash(a: Side, b: Side): boolean {
  if (a.index === b.index) return prefixStatus(a.axes, b.axes) === 'none' && prefixStatus(b.axes, a.axes) === 'none';
  return a.axes.some((x) => b.axes.some((y) => overlaps(x, y)));
}

function settled(
  graph: Graph,
  log: CauseLog,
  node: Node,
  op: CauseOp,
  tensors: readonly TensorProjection[],
  values: readonly ValueId[],
  a: Side,
  b: Side,
): Conflict {
  const first = node.operands.length;
  const follows = (s: Side): boolean =>
    s.tensor >= first ||
    tensors.slice(first).some((t) => t.factors[s.index]?.axes.some((x) => s.axes.some((y) => overlaps(x, y))));
  const [aWins, bWins] = [follows(a), follows(b)];
  const candidates = [a, b].map(({ value, dim, axes, factor, isResult }) => ({ value, dim, axes, factor, isResult }));
  if (aWins === bWins)
    return { op, candidates, why: 'the result follows neither: what is cheapest to move is decided by bytes' };
  const [winner, loser] = aWins ? [a, b] : [b, a];
  return { op, candidates, winner: aWins ? 0 : 1, why: reason(graph, log, node, op, values, winner, loser) };
}

function reason(
  graph: Graph,
  log: CauseLog,
  node: Node,
  op: CauseOp,
  values: readonly ValueId[],
  winner: Side,
  loser: Side,
): string {
  const causeOf = (v: ValueId, axes: readonly AxisRef[], dim?: number): Cause | undefined =>
    (log.causes.get(graph.slot(v)) ?? []).find(
      (c) => axes.some((x) => overlaps(c.axis, x)) && (dim === undefined || c.dim === dim),
    );
  const results = values.slice(node.operands.length);
  const taken = results.map((v) => causeOf(v, winner.axes)).find((c) => c !== undefined);
  const [mine, other] = [causeOf(winner.value, winner.axes, winner.dim), causeOf(loser.value, loser.axes, loser.dim)];
  if (taken !== undefined && taken.op === undefined) return 'the result is annotated so';
  if (taken?.op !== undefined && (taken.op.kind !== op.kind || taken.op.origin !== op.origin))
    return `the result had it already, through ${taken.op.kind}, in the round of ${roundText(taken.round)}`;
  if ((taken?.priority ?? 0) < (other?.priority ?? 0))
    return `priority p${taken?.priority ?? 0} decides before p${other?.priority}`;
  if (taken?.order !== undefined && other?.order !== undefined && other.order > taken.order)
    return `it came first, in the round of ${roundText(mine?.round)}; the other in that of ${roundText(other.round)}`;
  const elements = (v: ValueId): number => elementCount(graph.typeOf(v));
  const [more, less] = [elements(winner.value), elements(loser.value)];
  if (more > less) return `it comes from the larger tensor: ${more} elements against ${less}`;
  if (axesSize(winner.axes) > axesSize(loser.axes)) return 'it splits the tensor into more shards';
  return winner.tensor < loser.tensor ? 'of equals, the earlier operand decides' : 'the result decides';
}

const roundText = (round: number | undefined): string => (round === undefined ? 'annotations' : (ROUNDS[round] ?? ''));
