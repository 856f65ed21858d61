/**
 * What Shardy's propagation leaves undone at loops. It runs while calls are still computations of their own, and does not
 * tell a call in a loop's body when what the loop carries gets an axis later. XLA inlines calls first, so its results have
 * these axes. All factors once more, both ways, to the fixed point of the flat program; layouts only grow.
 *
 *   %r = while (%i = %x @{x, y})  { %y = call @f(%i) … }   // y came last: inside @f it was not heard of
 *
 * And arguments and results end before their first sub-axis, as in XLA: 2 key heads that came out over half of y are whole.
 */
import { edit } from '../../ir/edit-convert.ts';
import type { Registry } from '../../ir/op.ts';
import type { Layout } from '../../ir/layout.ts';
import { mainFunction, meshOf, type Module, valueInfo, walkOps } from '../../ir/program.ts';
import { withoutSubAxes } from '../shardy/clean-layouts.ts';
import { addDataFlowEdges } from '../shardy/data-flow-edges.ts';
import { keepNamedMeshes } from '../shardy/named-meshes.ts';
import { aggressive } from './aggressive.ts';
import { CauseLog } from './causes.ts';
import { Driver } from './fixed-point.ts';
import { Graph } from './graph.ts';
import { laidOut, type PropagateResult } from './propagate.ts';
import { BOTH } from './strategy.ts';

/** `causes`: why values have the axes they have. Gives those of what grew too; values keep their ids. */
export function settle(module: Module, registry: Registry, causes: Causes): Settled {
  const grown = settleLoops(module, registry, causes);
  return { ...grown, module: wholeAtBoundary(grown.module) };
}

function settleLoops(module: Module, registry: Registry, causes: Causes): Settled {
  const unchanged = { module, causes };
  if (![...walkOps(mainFunction(module).body)].some((op) => op.kind === 'while')) return unchanged;
  const program = edit(module);
  const mesh = keepNamedMeshes(program);
  if (mesh === undefined) return unchanged;
  addDataFlowEdges(program);
  const graph = new Graph(program, registry, { keepsUnread: true, chlo: true });
  const log = new CauseLog();
  const before = [...graph.layouts, ...graph.resultLayouts];
  new Driver(graph, log).run(aggressive, () => BOTH);
  if ([...graph.layouts, ...graph.resultLayouts].every((layout, i) => layout === before[i])) return unchanged;
  const settled = laidOut(graph, program, mesh.name, log, []);
  return { module: settled.module, causes: joined(causes, settled.causes) };
}

type Causes = PropagateResult['causes'];
type Settled = Pick<PropagateResult, 'module' | 'causes'>;

function wholeAtBoundary(module: Module): Module {
  const func = mainFunction(module);
  const cut = (layout: Layout): Layout => withoutSubAxes(layout, meshOf(module, layout.mesh));
  const values = [...func.values];
  for (const p of func.body.params) {
    const info = valueInfo(func, p);
    if (info.layout !== undefined) values[p] = { ...info, layout: cut(info.layout) };
  }
  return { ...module, functions: [{ ...func, values, resultLayouts: func.resultLayouts.map((l) => l && cut(l)) }] };
}

/** The second were noted after the first. */
function joined(first: Causes, second: Causes): Causes {
  let noted = 0;
  for (const list of first.values()) for (const { order = 0 } of list) noted = Math.max(noted, order + 1);
  const all = new Map(first);
  for (const [id, list] of second) {
    const later = list.map((c) => ({ ...c, order: (c.order ?? 0) + noted }));
    all.set(id, [...(first.get(id) ?? []), ...later]);
  }
  return all;
}
