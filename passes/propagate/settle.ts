/**
 * What Shardy's propagation leaves undone at loops. It runs while calls are still computations of their own, and does not
 * tell a call in a loop's body when what the loop carries gets an axis later. XLA inlines calls first, so its results have
 * these axes. All factors once more, both ways, to the fixed point of the flat program; layouts only grow.
 *
 *   %r = while (%i = %x @{x, y})  { %y = call @f(%i) … }   // y came last: inside @f it was not heard of
 */
import { edit } from '../../ir/edit-convert.ts';
import type { Registry } from '../../ir/op.ts';
import { mainFunction, type Module, walkOps } from '../../ir/program.ts';
import { addDataFlowEdges } from '../shardy/data-flow-edges.ts';
import { keepNamedMeshes } from '../shardy/named-meshes.ts';
import { aggressive } from './aggressive.ts';
import { NoCauses } from './causes.ts';
import { Driver } from './fixed-point.ts';
import { Graph } from './graph.ts';
import { laidOut } from './propagate.ts';
import { BOTH } from './strategy.ts';

export function settle(module: Module, registry: Registry): Module {
  if (![...walkOps(mainFunction(module).body)].some((op) => op.kind === 'while')) return module;
  const program = edit(module);
  const mesh = keepNamedMeshes(program);
  if (mesh === undefined) return module;
  addDataFlowEdges(program);
  const graph = new Graph(program, registry, { keepsUnread: true, chlo: true });
  const causes = new NoCauses();
  const before = [...graph.layouts, ...graph.resultLayouts];
  new Driver(graph, causes).run(aggressive, () => BOTH);
  const grown = [...graph.layouts, ...graph.resultLayouts].some((layout, i) => layout !== before[i]);
  return grown ? laidOut(graph, program, mesh.name, causes, []).module : module;
}
