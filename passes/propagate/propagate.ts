/**
 * A layout for every value, from the annotated ones: Shardy's algorithm (docs/passes.md). Layers, each around the last:
 * user priority → op priority → a strategy (aggressive around basic) → the fixed point over the graph.
 */
import { edit, finish } from '../../ir/edit-convert.ts';
import type { EditModule, EditOp, EditValue } from '../../ir/edit.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { type Layout, openLayout } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import { type Attrs, type Func, isStructural, type Module, type ValueId } from '../../ir/program.ts';
import { applyConstraints } from '../shardy/apply-constraints.ts';
import { dropUncalled, flattenCalls, importCalls, inlineComputations } from '../shardy/calls.ts';
import { cleanManualAxes, removeSizeOneAxes } from '../shardy/clean-layouts.ts';
import { layoutOf, parameterOwners } from '../shardy/data-flow.ts';
import { addDataFlowEdges, removeEdge, takeOver } from '../shardy/data-flow-edges.ts';
import { keepNamedMeshes } from '../shardy/named-meshes.ts';
import { importShardingGroups, syncGroups } from '../shardy/sharding-groups.ts';
import { aggressive } from './aggressive.ts';
import { type Cause, CauseLog } from './causes.ts';
import { type Conflict, conflictsOf } from './conflicts.ts';
import { Driver } from './fixed-point.ts';
import { Graph } from './graph.ts';
import { userPriority } from './user-priority.ts';

export type { Cause } from './causes.ts';
export type { Candidate, Conflict } from './conflicts.ts';

export interface PropagateResult {
  readonly module: Module;
  readonly causes: ReadonlyMap<ValueId, readonly Cause[]>;
  readonly conflicts: readonly Conflict[];
}

export function propagate(module: Module, registry: Registry): PropagateResult {
  const program = edit(module);
  const mesh = keepNamedMeshes(program);
  if (mesh === undefined) throw internalError('propagate: the module has no mesh');
  removeSizeOneAxes(program);
  cleanManualAxes(program);
  addDataFlowEdges(program);
  flattenCalls(program);
  importCalls(program, true);
  dropUncalled(program);
  applyConstraints(program);
  importShardingGroups(program);
  syncGroups(program);
  const graph = new Graph(program, registry, { keepsUnread: true, chlo: true });
  const causes = new CauseLog();
  graph.layouts.forEach((layout, slot) => causes.annotated(slot as ValueId, undefined, layout));
  userPriority(new Driver(graph, causes), aggressive);
  return laidOut(graph, program, mesh.name, causes, conflictsOf(graph, causes));
}

/** Every value with its layout; what nothing reached is open and whole. Constraints stay as the user wrote them. */
export function laidOut(
  graph: Graph,
  program: EditModule,
  mesh: string,
  log: CauseLog,
  conflicts: readonly Conflict[],
): PropagateResult {
  const asked = new Map<EditOp, Attrs>();
  for (const op of program.ops()) if (op.kind === 'sharding_constraint') asked.set(op, op.attrs);
  graph.writeBack();
  const open = (v: EditValue): Layout => openLayout(mesh, v.type.shape.length);
  const layouts = graph.values.map((v) => layoutOf(v) ?? open(v));
  const causes = graph.values.map(
    (_v, id) => log.causes.get(graph.slot(id as ValueId)) ?? log.causes.get(id as ValueId),
  );
  graph.values.forEach((v, id) => {
    v.layout = layouts[id];
  });
  for (const [op, attrs] of asked) op.attrs = attrs;
  const results = graph.returned.map((v, i) => graph.resultLayouts[i] ?? layouts[v]);
  for (const op of program.ops()) {
    if (op.kind !== 'manual_computation') continue;
    takeOver(op, 'parameters', parameterOwners(op));
    takeOver(op, 'results', op.results);
  }
  for (const op of [...program.ops()]) {
    if (STOPS.has(op.kind) || isInReducer(op)) removeEdge(op);
    else if (op.kind === 'sharding_group') op.erase();
  }
  const replaced = inlineComputations(program);
  const ids = new Map<EditValue, ValueId>();
  const done = finish(program, 'propagated', ids);
  const standing = standIns(replaced);
  const idOf = (id: ValueId): ValueId | undefined => ids.get(standing(graph.values[id] as EditValue));
  const found = new Map<ValueId, readonly Cause[]>();
  graph.values.forEach((v, id) => {
    const known = causes[id];
    const at = ids.get(v);
    if (known === undefined || at === undefined) return;
    found.set(
      at,
      known.map((c) => ({ ...c, from: c.from === undefined ? undefined : idOf(c.from) })),
    );
  });
  const met = conflicts.map((c) => ({
    ...c,
    candidates: c.candidates.map((side) => ({ ...side, value: idOf(side.value) ?? side.value })),
  }));
  const [func] = done.functions as [Func];
  return { module: { ...done, functions: [{ ...func, resultLayouts: results }] }, causes: found, conflicts: met };
}

/** Ops that are there for propagation alone. */
const STOPS: ReadonlySet<string> = new Set(['data_flow_edge', 'propagation_barrier']);

/** A constraint on a scalar of a reducer or comparator, as JAX leaves them: it says nothing. */
const isInReducer = (op: EditOp): boolean =>
  op.kind === 'sharding_constraint' && op.parent !== undefined && !isStructural(op.parent);

/** What stands for a value in the program without edges and computations: the end of a chain, walked once. */
function standIns(replaced: ReadonlyMap<EditValue, EditValue>): (value: EditValue) => EditValue {
  const ends = new Map<EditValue, EditValue>();
  return (value) => {
    const passed: EditValue[] = [];
    let at = value;
    for (let next: EditValue | undefined = at; next !== undefined; ) {
      at = next;
      passed.push(at);
      const { maker } = at;
      next = ends.get(at) ?? (maker !== undefined && STOPS.has(maker.kind) ? maker.operands[0] : replaced.get(at));
      if (next === at) break;
    }
    for (const v of passed) ends.set(v, at);
    return at;
  };
}
