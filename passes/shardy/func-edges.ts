/**
 * Edges at the ends of calls, for propagation over functions that are not copied per call (Shardy:
 * add_func_data_flow_edges.cc, sink_func_data_flow_edges.cc).
 */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import { openLayout } from '../../ir/layout.ts';
import { layoutOf, setLayout } from './data-flow.ts';

export function addFuncEdges(module: EditModule): void {
  const main = module.main();
  for (const func of module.functions) {
    if (func === main) continue;
    const { first } = func.body;
    for (const param of func.body.params) {
      const edge = edgeOn(param);
      if (first === undefined) edge?.append(func.body);
      else edge?.insertBefore(first);
    }
  }
  for (const call of [...module.ops('post')]) {
    if (call.kind !== 'call') continue;
    let last = call;
    for (const result of call.results) {
      const edge = edgeOn(result);
      if (edge === undefined) continue;
      edge.insertAfter(last);
      last = edge;
    }
  }
}

/** Takes over the uses of a value, and a copy of its layout. */
function edgeOn(value: EditValue): EditOp | undefined {
  if (value.type.dtype === 'token') return undefined;
  const layout = layoutOf(value);
  const info = { type: value.type, ...(layout === undefined ? {} : { layout }) };
  const edge = new EditOp('func_data_flow_edge', {}, {}, [value], [info]);
  value.replaceBy(edge.result, (use) => use.op === edge);
  return edge;
}

export function sinkFuncEdges(module: EditModule): void {
  for (const edge of [...module.ops()]) {
    if (edge.kind !== 'func_data_flow_edge') continue;
    const value = edge.operands[0] as EditValue;
    const [mine, kept] = [layoutOf(edge.result), layoutOf(value)];
    if (mine !== undefined) setLayout(value, mine);
    else if (kept !== undefined) setLayout(value, openLayout(kept.mesh, kept.dims.length));
    edge.result.replaceBy(value);
    edge.erase();
  }
}
