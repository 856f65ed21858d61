/**
 * A layout for every value, from the annotated ones: Shardy's algorithm (docs/passes.md). Layers, each around the last:
 * user priority → op priority → a strategy (aggressive around basic) → the fixed point over the graph.
 */
import { internalError } from '../../ir/diagnostics.ts';
import { type Layout, openLayout } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import { type Func, mainFunction, type Module, type Op, type ValueId, valueInfo } from '../../ir/program.ts';
import { aggressive } from './aggressive.ts';
import { type Cause, CauseLog } from './causes.ts';
import { Driver } from './fixed-point.ts';
import { Graph } from './graph.ts';
import { userPriority } from './user-priority.ts';

export type { Cause } from './causes.ts';

export interface PropagateResult {
  readonly module: Module;
  readonly causes: ReadonlyMap<ValueId, readonly Cause[]>;
}

export function propagate(module: Module, registry: Registry): PropagateResult {
  const mesh = module.meshes[0];
  if (mesh === undefined) throw internalError('propagate: the module has no mesh');
  const func = mainFunction(module);
  const graph = new Graph(func, registry);
  applyConstraints(graph);
  const causes = new CauseLog();
  graph.layouts.forEach((layout, slot) => causes.annotated(slot as ValueId, undefined, layout));
  userPriority(new Driver(graph, module.meshes, new Map(), causes), module.meshes, aggressive);
  return {
    module: { ...module, level: 'propagated', functions: [laidOut(graph, func, mesh.name)] },
    causes: shared(graph, causes.causes),
  };
}

/** Every value in its slot's layout; what nothing reached is open and whole. */
function laidOut(graph: Graph, func: Func, mesh: string): Func {
  const open = (id: ValueId): Layout => openLayout(mesh, valueInfo(func, id).type.shape.length);
  return {
    ...func,
    values: func.values.map((info, id) => ({ ...info, layout: graph.layoutOf(id as ValueId) ?? open(id as ValueId) })),
    resultLayouts: graph.returned.map((v, i) => graph.resultLayouts[i] ?? graph.layoutOf(v) ?? open(v)),
  };
}

/** Parameters of a loop have the causes of what the loop carries there. */
function shared(graph: Graph, causes: ReadonlyMap<ValueId, readonly Cause[]>): ReadonlyMap<ValueId, readonly Cause[]> {
  const all = new Map(causes);
  for (const [slot, params] of graph.parameters) for (const p of params) all.set(p, causes.get(slot) ?? []);
  return all;
}

/**
 * A closed constraint on a value without a layout of its own also lays out that value, unless several constraints
 * compete for it (Shardy, apply-sharding-constraints): closed dims do not travel by propagation.
 */
function applyConstraints(graph: Graph): void {
  const constraints = graph.nodes.filter((n) => n.op.kind === 'sharding_constraint').map((n) => n.op);
  const competing = new Map<ValueId, number>();
  const operand = (op: Op): ValueId => op.operands[0] as ValueId;
  for (const op of constraints) competing.set(operand(op), (competing.get(operand(op)) ?? 0) + 1);
  for (const op of constraints) {
    const [value, layout] = [operand(op), op.attrs.layout as Layout];
    const made = graph.definition.get(graph.slot(value));
    const applies =
      layout.dims.every((d) => !d.open) && competing.get(value) === 1 && graph.layoutOf(value) === undefined;
    if (!applies || made === undefined || graph.isEdgeTarget(value)) continue;
    // What a call gives back is the call's, not the value inside it: a layout asked of it stays outside.
    if (sameCall(graph.nodes[made]?.op, op)) graph.layouts[graph.slot(value)] = layout;
  }
}

const sameCall = (a: Op | undefined, b: Op): boolean =>
  (a?.origin.stack ?? []).join() === (b.origin.stack ?? []).join();
