/**
 * Which layouts an op with regions, a barrier or a call carries across its boundary, and where the layout of any value is
 * kept (Shardy: ShardableDataFlowOpInterface, utils.cc). An edge has an owner (a result, or a parameter of a computation),
 * sources that flow into it and targets it flows to; a `data_flow_edge` op on the owner holds the layout of all of them.
 */
import { userError } from '../../ir/diagnostics.ts';
import { type EditBlock, EditFunc, EditOp, type EditValue, type Use } from '../../ir/edit.ts';
import { type DimSharding, type Layout, openLayout } from '../../ir/layout.ts';
import type { AxisRef } from '../../ir/mesh.ts';

/** Ops whose results, and for computations whose parameters, own edges. */
const RESULT_OWNERS: ReadonlySet<string> = new Set([
  'while',
  'case',
  'optimization_barrier',
  'manual_computation',
  'named_computation',
]);
const COMPUTATIONS: ReadonlySet<string> = new Set(['manual_computation', 'named_computation']);

export const ownsEdges = (op: EditOp): boolean => RESULT_OWNERS.has(op.kind);
export const isComputation = (op: EditOp): boolean => COMPUTATIONS.has(op.kind);

/** Parameters that own edges. */
export const parameterOwners = (op: EditOp): readonly EditValue[] =>
  isComputation(op) ? (op.regions[0] as EditBlock).params : [];
export const resultOwners = (op: EditOp): readonly EditValue[] => (ownsEdges(op) ? op.results : []);

/** What flows into the edge of an owner: places of operands. */
export function edgeSources(owner: EditValue): readonly Use[] {
  const { index } = owner;
  if (!(owner.owner instanceof EditOp)) {
    const op = owner.owner.owner;
    if (op instanceof EditFunc || !isComputation(op)) throw carriesNothing(owner);
    return [{ op, index }];
  }
  const op = owner.owner;
  if (!ownsEdges(op)) throw carriesNothing(owner);
  const ends = op.regions.map((r) => ({ op: r.terminator, index }));
  switch (op.kind) {
    case 'while':
      return [{ op, index }, ends[1] as Use];
    case 'optimization_barrier':
      return [{ op, index }];
    default:
      return ends;
  }
}

const carriesNothing = ({ origin }: EditValue): Error =>
  userError('SH0236', 'a data_flow_edge stands on a value that carries no layout across', {
    span: origin?.span,
    expected: 'a result of while, case, optimization_barrier or a computation, or a parameter of a computation',
  });

/** Where an edge leads besides its owner: the parameters of a loop's condition and body. */
export const otherTargets = (owner: EditValue): readonly EditValue[] => {
  const op = owner.maker;
  return op?.kind === 'while' ? op.regions.map((r) => r.params[owner.index] as EditValue) : [];
};

/** The owner of the edge that leads to a value; undefined: none does. */
function ownerOfTarget(target: EditValue): EditValue | undefined {
  const op = target.maker ?? (target.owner as EditBlock).owner;
  if (op instanceof EditFunc || !ownsEdges(op)) return undefined;
  if (target.maker !== undefined || isComputation(op)) return target;
  return op.kind === 'while' ? op.results[target.index] : undefined;
}

const edgeOf = (owner: EditValue | undefined): EditOp | undefined => {
  const user = owner?.onlyUser();
  return user?.kind === 'data_flow_edge' ? user : undefined;
};

/** The data_flow_edge op whose layout a value has. */
export const edgeToTarget = (target: EditValue): EditOp | undefined => edgeOf(ownerOfTarget(target));

/** The data_flow_edge op that a use flows into. An operand of a computation names itself (Shardy, getEdgeOwnerFromSource). */
export function edgeFromSource({ op, index }: Use): EditOp | undefined {
  const holder = op.kind === 'return' ? op.parent : op;
  if (holder === undefined || !ownsEdges(holder)) return undefined;
  return edgeOf(isComputation(holder) && holder === op ? op.operands[index] : holder.results[index]);
}

// --- layouts ----------------------------------------------------------------------------------------------------------

/** The value that holds a value's layout; undefined: nothing can (a parameter of a branch or reducer). */
export function shardable(value: EditValue): EditValue | undefined {
  const edge = edgeToTarget(value);
  if (edge !== undefined) return edge.result;
  if (value.maker !== undefined) return value;
  const { owner } = value.owner as EditBlock;
  return owner instanceof EditFunc ? value : ownsEdges(owner) ? ownerOfTarget(value) : undefined;
}

export function layoutOf(value: EditValue): Layout | undefined {
  const holder = shardable(value);
  if (holder === undefined) return undefined;
  const op = holder.maker ?? (holder.owner as EditBlock).owner;
  if (op instanceof EditFunc) return holder.layout;
  switch (op.kind) {
    case 'sharding_constraint':
    case 'reshard':
      return op.attrs.layout as Layout;
    case 'manual_computation': {
      const layouts = ownerLayouts(op, holder);
      const layout = layouts?.[holder.index];
      return holder.maker === undefined && layout !== undefined ? withoutManual(layout, manualAxes(op)) : layout;
    }
    case 'named_computation':
      return ownerLayouts(op, holder)?.[holder.index];
    default:
      return holder.layout;
  }
}

export function setLayout(value: EditValue, layout: Layout): void {
  const holder = shardable(value);
  if (holder === undefined) return;
  const op = holder.maker ?? (holder.owner as EditBlock).owner;
  if (op instanceof EditFunc) holder.layout = layout;
  else if (op.kind === 'sharding_constraint' || op.kind === 'reshard') op.attrs = { ...op.attrs, layout };
  else if (op.kind === 'manual_computation') setOwner(op, holder, withManual(op, holder, layout));
  else if (op.kind === 'named_computation') setOwner(op, holder, layout);
  else if (op.results.length === 1) holder.layout = layout;
  else setOneResult(op, holder.index, layout);
}

/** All results of an op have a layout, or none has. */
function setOneResult(op: EditOp, index: number, layout: Layout): void {
  op.results.forEach((r, i) => {
    if (i === index) r.layout = layout;
    else r.layout ??= openLayout(layout.mesh, r.type.shape.length);
  });
}

/** A manual computation's layouts of parameters, without its manual axes; others as kept. */
export function ownersLayouts(op: EditOp, side: 'parameters' | 'results'): readonly Layout[] | undefined {
  const kept = op.attrs[side === 'parameters' ? 'in_layouts' : 'out_layouts'] as readonly Layout[] | undefined;
  if (op.kind === 'manual_computation' && side === 'parameters')
    return kept?.map((l) => withoutManual(l, manualAxes(op)));
  if (isComputation(op)) return kept;
  return side === 'results' && op.results.some((r) => r.layout !== undefined)
    ? op.results.map((r) => r.layout as Layout)
    : undefined;
}

export function setOwnersLayouts(op: EditOp, side: 'parameters' | 'results', layouts: readonly Layout[]): void {
  if (!isComputation(op)) {
    op.results.forEach((r, i) => {
      r.layout = layouts[i];
    });
    return;
  }
  const key = side === 'parameters' ? 'in_layouts' : 'out_layouts';
  const kept = op.attrs[key] as readonly Layout[] | undefined;
  const inside = op.kind === 'manual_computation' && side === 'parameters';
  const made = inside ? layouts.map((l, i) => addFree(kept?.[i] as Layout, l, manualAxes(op))) : layouts;
  op.attrs = { ...op.attrs, [key]: made };
}

const keyOf = (holder: EditValue): string => (holder.maker === undefined ? 'in_layouts' : 'out_layouts');
const ownerLayouts = (op: EditOp, holder: EditValue): readonly Layout[] | undefined =>
  op.attrs[keyOf(holder)] as readonly Layout[] | undefined;

function setOwner(op: EditOp, holder: EditValue, layout: Layout): void {
  const values = holder.maker === undefined ? parameterOwners(op) : op.results;
  const now = ownerLayouts(op, holder) ?? values.map((v) => openLayout(layout.mesh, v.type.shape.length));
  op.attrs = { ...op.attrs, [keyOf(holder)]: now.map((l, i) => (i === holder.index ? layout : l)) };
}

const withManual = (op: EditOp, holder: EditValue, layout: Layout): Layout =>
  holder.maker === undefined
    ? addFree(ownerLayouts(op, holder)?.[holder.index] as Layout, layout, manualAxes(op))
    : layout;

// --- manual axes ------------------------------------------------------------------------------------------------------

export const manualAxes = (op: EditOp): readonly string[] =>
  (op.attrs.manual_axes as readonly string[] | undefined) ?? [];

/** The layout that an edge's result has for propagation, from the one it keeps: outside of the body for a parameter, … */
export function beforeEdge(owner: EditValue, layout: Layout | undefined): Layout | undefined {
  const op = owner.maker ?? ((owner.owner as EditBlock).owner as EditOp);
  if (layout === undefined || op.kind !== 'manual_computation') return layout;
  if (owner.maker !== undefined) return withoutManual(layout, manualAxes(op));
  return addFree(ownerLayouts(op, owner)?.[owner.index] as Layout, layout, manualAxes(op));
}

/** … and back. */
export function afterEdge(owner: EditValue, layout: Layout): Layout {
  const op = owner.maker ?? ((owner.owner as EditBlock).owner as EditOp);
  if (op.kind !== 'manual_computation') return layout;
  if (owner.maker === undefined) return withoutManual(layout, manualAxes(op));
  return addFree(ownerLayouts(op, owner)?.[owner.index] as Layout, layout, manualAxes(op));
}

/** Manual axes come first in a dim. */
const manualCount = (dim: DimSharding, manual: readonly string[]): number => {
  const at = dim.axes.findIndex((a) => !manual.includes(a.name));
  return at < 0 ? dim.axes.length : at;
};

function withoutManual(layout: Layout, manual: readonly string[]): Layout {
  if (manual.length === 0) return layout;
  const free = (axes: readonly AxisRef[]): AxisRef[] => axes.filter((a) => !manual.includes(a.name));
  return {
    ...layout,
    dims: layout.dims.map((d) => ({ ...d, axes: d.axes.slice(manualCount(d, manual)) })),
    replicated: free(layout.replicated),
    unreduced: free(layout.unreduced),
  };
}

/** The manual axes of `outer`, followed by the axes of `layout`. */
function addFree(outer: Layout, layout: Layout, manual: readonly string[]): Layout {
  return {
    mesh: layout.mesh,
    dims: layout.dims.map((d, i) => {
      const dim = outer.dims[i] as DimSharding;
      return { ...d, axes: [...dim.axes.slice(0, manualCount(dim, manual)), ...d.axes] };
    }),
    replicated: outer.replicated,
    unreduced: outer.unreduced,
    ...(outer.monoid === undefined ? {} : { monoid: outer.monoid }),
  };
}
