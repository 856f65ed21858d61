/** The path that the reshard search found, as collectives: neighbours of one kind are one collective. */
import { mergeNeighbours } from '../../ir/axes.ts';
import type { Edge } from './reshard-moves.ts';
import type { Node, Step } from './reshard-plan.ts';
import type { Problem } from './reshard-problem.ts';

export function stepsOf(problem: Problem, end: Node): Step[] {
  const nodes: Node[] = [];
  for (let node: Node | undefined = end; node?.edge !== undefined; node = node.previous) nodes.push(node);
  const steps: Step[] = [];
  for (const node of nodes.reverse()) {
    const step = stepOf(problem, node, node.edge as Edge);
    const last = steps.at(-1);
    const joined = last === undefined ? undefined : joinedStep(last, step);
    if (joined === undefined) steps.push(step);
    else steps[steps.length - 1] = joined;
  }
  return steps;
}

function stepOf(problem: Problem, node: Node, edge: Edge): Step {
  const to = problem.layout(edge.state);
  const axes = edge.axes.map((atoms) => problem.axes(atoms));
  const { monoid } = problem;
  switch (edge.kind) {
    case 'all_gather':
    case 'all_slice':
      return { kind: edge.kind, axes, to };
    case 'reduce_scatter':
      return { kind: 'reduce_scatter', axes, monoid, to };
    case 'all_reduce':
      return { kind: 'all_reduce', axes: axes.flat(), monoid, to };
    case 'all_to_all': {
      const moves = (edge.moves ?? []).map((m) => ({
        axes: problem.axes(m.atoms),
        source: m.source,
        target: m.target,
      }));
      return { kind: 'all_to_all', moves, to };
    }
    default:
      return { kind: 'collective_permute', from: problem.layout((node.previous as Node).state), to };
  }
}

/** Gathers, slices and scatters that follow one another cost the same as one. A later gather is the major part. */
function joinedStep(last: Step, step: Step): Step | undefined {
  if (last.kind === 'all_gather' && step.kind === 'all_gather')
    return { ...step, axes: step.axes.map((later, d) => mergeNeighbours([...later, ...(last.axes[d] ?? [])])) };
  const minor = step.kind === 'all_slice' || step.kind === 'reduce_scatter';
  if (!minor || last.kind !== step.kind) return undefined;
  return { ...step, axes: step.axes.map((later, d) => mergeNeighbours([...(last.axes[d] ?? []), ...later])) };
}
