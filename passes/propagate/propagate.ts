/**
 * A layout for every value, from the annotated ones: Shardy's algorithm (docs/passes.md). Layers, each around the last:
 * user priority → op priority → a strategy (aggressive around basic) → the fixed point over the graph.
 *
 * The program is read as XLA reads it before it asks Shardy: calls are inlined, broadcasts come in steps
 * (xla-broadcasts.ts), ops in another order (xla-order.ts), and arguments and results end before their first sub-axis (2 key
 * heads that came out over half of y are whole). Without an annotation, results are then laid out as XLA lays them out.
 */
import { edit, finish } from '../../ir/edit-convert.ts';
import type { EditFunc, EditModule, EditOp, EditValue } from '../../ir/edit.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { type Layout, openLayout } from '../../ir/layout.ts';
import { type AxisRef, overlaps } from '../../ir/mesh.ts';
import type { Registry } from '../../ir/op.ts';
import { type Attrs, isStructural, type Module, type ValueId } from '../../ir/program.ts';
import { applyConstraints } from '../shardy/apply-constraints.ts';
import {
  dropUncalled,
  edgesAtComputations,
  flattenCalls,
  importCalls,
  inlineComputations,
  isUnannotated,
} from '../shardy/calls.ts';
import { cleanManualAxes, removeSizeOneAxes, removeSubAxes } from '../shardy/clean-layouts.ts';
import { layoutOf, parameterOwners } from '../shardy/data-flow.ts';
import { addDataFlowEdges, removeEdge, takeOver } from '../shardy/data-flow-edges.ts';
import { keepNamedMeshes } from '../shardy/named-meshes.ts';
import { importShardingGroups, syncGroups } from '../shardy/sharding-groups.ts';
import { aggressive } from './aggressive.ts';
import { type Cause, CauseLog, type CauseOp } from './causes.ts';
import { type Conflict, conflictsOf } from './conflicts.ts';
import { Driver } from './fixed-point.ts';
import { Graph } from './graph.ts';
import { userPriority } from './user-priority.ts';
import { XlaOrder } from './xla-order.ts';
import { type Joined, SplitBroadcasts } from './xla-broadcasts.ts';

export type { Cause } from './causes.ts';
export type { Candidate, Conflict } from './conflicts.ts';

export interface PropagateResult {
  readonly module: Module;
  readonly causes: ReadonlyMap<ValueId, readonly Cause[]>;
  readonly conflicts: readonly Conflict[];
}

/** `asWritten`: as Shardy's own passes read it, on which they are compared. */
export function propagate(
  module: Module,
  registry: Registry,
  { asWritten = false }: { readonly asWritten?: boolean } = {},
): PropagateResult {
  const program = edit(module);
  const mesh = keepNamedMeshes(program);
  if (mesh === undefined) throw internalError('propagate: the module has no mesh');
  removeSizeOneAxes(program);
  cleanManualAxes(program);
  addDataFlowEdges(program);
  flattenCalls(program);
  importCalls(program);
  if (!asWritten) inlineComputations(program, isUnannotated);
  edgesAtComputations(program);
  dropUncalled(program);
  applyConstraints(program);
  importShardingGroups(program);
  syncGroups(program);
  const broadcasts = asWritten ? undefined : new SplitBroadcasts(program);
  const order = asWritten ? undefined : new XlaOrder(program);
  const graph = new Graph(program, registry, { keepsUnread: true, chlo: true });
  const causes = new CauseLog();
  graph.layouts.forEach((layout, slot) => causes.annotated(slot as ValueId, undefined, layout));
  userPriority(new Driver(graph, causes), aggressive);
  layValues(graph, program, mesh.name);
  order?.restore();
  const joined = broadcasts?.join();
  if (!asWritten) removeSubAxes(program);
  return laidOut(graph, program, causes, joined);
}

/** Every value with its layout; what nothing reached is open and whole. Constraints stay as the user wrote them. */
function layValues(graph: Graph, program: EditModule, mesh: string): void {
  const asked = new Map<EditOp, Attrs>();
  for (const op of program.ops()) if (op.kind === 'sharding_constraint') asked.set(op, op.attrs);
  graph.writeBack();
  const open = (v: EditValue): Layout => openLayout(mesh, v.type.shape.length);
  const layouts = graph.values.map((v) => layoutOf(v) ?? open(v));
  graph.values.forEach((v, id) => {
    v.layout = layouts[id];
  });
  for (const [op, attrs] of asked) op.attrs = attrs;
  const [main] = program.functions as [EditFunc];
  main.resultLayouts = graph.returned.map((v, i) => graph.resultLayouts[i] ?? layouts[v]);
}

/** The program without what is there for propagation alone; causes and conflicts name its values. */
function laidOut(graph: Graph, program: EditModule, log: CauseLog, joined: Joined | undefined): PropagateResult {
  const told = (op: CauseOp): CauseOp => joined?.op.get(op as EditOp) ?? op;
  log.rename(told);
  const conflicts = conflictsOf(graph, log, told);
  for (const op of program.ops()) {
    if (op.kind !== 'manual_computation') continue;
    takeOver(op, 'parameters', parameterOwners(op));
    takeOver(op, 'results', op.results);
  }
  for (const op of [...program.ops()]) {
    if (STOPS.has(op.kind) || isInReducer(op)) removeEdge(op);
    else if (op.kind === 'sharding_group') op.erase();
  }
  const replaced = new Map([...inlineComputations(program), ...(joined?.result ?? [])]);
  const ids = new Map<EditValue, ValueId>();
  const done = finish(program, 'propagated', ids);
  const standing = standIns(replaced);
  const idOf = (id: ValueId): ValueId | undefined => ids.get(standing(graph.values[id] as EditValue));
  const causesOf = (id: ValueId): readonly Cause[] | undefined => log.causes.get(graph.slot(id)) ?? log.causes.get(id);
  /** Past the steps of a broadcast, to the value that the axis came from. */
  const outside = (from: ValueId, axis: AxisRef): ValueId => {
    let at: ValueId | undefined = from;
    while (at !== undefined && joined?.within.has(graph.values[at] as EditValue))
      at = causesOf(at)?.find((c) => overlaps(c.axis, axis))?.from;
    return at ?? from;
  };
  const found = new Map<ValueId, readonly Cause[]>();
  graph.values.forEach((v, id) => {
    const known = causesOf(id as ValueId);
    const at = ids.get(joined?.result.get(v) ?? v);
    if (known === undefined || at === undefined) return;
    found.set(
      at,
      known.map((c) => ({ ...c, from: c.from === undefined ? undefined : idOf(outside(c.from, c.axis)) })),
    );
  });
  const met = conflicts.map(({ candidates, ...c }) => ({
    ...c,
    candidates: candidates.map((side) => {
      const between = joined?.within.get(graph.values[side.value] as EditValue);
      if (between === undefined) return { ...side, value: idOf(side.value) ?? side.value };
      const [value, dims] = side.isResult
        ? [between.result, between.resultDims]
        : [between.operand, between.operandDims];
      return { ...side, value: ids.get(standing(value)) ?? side.value, dim: dims[side.dim] ?? side.dim };
    }),
  }));
  return { module: done, causes: found, conflicts: met };
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
