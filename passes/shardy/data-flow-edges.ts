/**
 * Edges as ops, for propagation (Shardy: add_data_flow_edges.cc, sink_data_flow_edges.cc).
 *
 *   %1 = while(…)   →   %1 = while(…); %2 = data_flow_edge %1, and every use of %1 reads %2
 */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import { type Layout, openLayout } from '../../ir/layout.ts';
import {
  edgeToTarget,
  isComputation,
  layoutOf,
  ownsEdges,
  parameterOwners,
  resultOwners,
  setOwnersLayouts,
} from './data-flow.ts';
import { sinkDebug } from './debug-origins.ts';

export function addDataFlowEdges(module: EditModule): void {
  for (const op of [...module.ops('post')]) if (ownsEdges(op)) addEdges(op);
}

/** Of one op: its parameters', then its results'. */
export function addEdges(op: EditOp): void {
  for (const owners of [parameterOwners(op), resultOwners(op)]) {
    for (const owner of owners.toReversed()) {
      if (!isTensor(owner) || owner.onlyUser()?.kind === 'data_flow_edge') continue;
      const layout = layoutOf(owner);
      const info = { type: owner.type, ...(layout === undefined ? {} : { layout }) };
      const edge = new EditOp('data_flow_edge', {}, op.place, [owner], [info]);
      edge.insertAfterValue(owner);
      owner.replaceBy(edge.result, (use) => use.op === edge);
    }
  }
}

const isTensor = (value: EditValue): boolean => value.type.dtype !== 'token';

/** Each edge's layout goes to its owner, and the edge away. */
export function sinkDataFlowEdges(module: EditModule, debug = { origins: false, edges: false }): void {
  for (const op of module.ops()) {
    if (op.kind === 'data_flow_edge') removeEdge(op);
    else if (ownsEdges(op)) {
      if (isComputation(op)) takeOver(op, 'parameters', parameterOwners(op));
      takeOver(op, 'results', resultOwners(op));
      sinkDebug(op, debug);
    }
  }
}

export function removeEdge(edge: EditOp): void {
  edge.result.replaceBy(edge.operands[0] as EditValue);
  edge.erase();
}

export function takeOver(op: EditOp, side: 'parameters' | 'results', owners: readonly EditValue[]): void {
  const layouts = edgeLayouts(owners);
  if (layouts !== undefined) setOwnersLayouts(op, side, layouts);
}

/** Of owners with edges; undefined: none of the edges has a layout. */
export function edgeLayouts(owners: readonly EditValue[]): readonly Layout[] | undefined {
  const found = owners.map((o) => edgeToTarget(o)?.result.layout);
  const mesh = found.find((l) => l !== undefined)?.mesh;
  return mesh === undefined
    ? undefined
    : found.map((l, i) => l ?? openLayout(mesh, (owners[i] as EditValue).type.shape.length));
}
