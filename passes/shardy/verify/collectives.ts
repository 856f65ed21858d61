/** Shardy's collectives: what comes out is what the axes make of what goes in. */
import { difference, inMeshOrder, mergeNeighbours } from '../../../ir/axes.ts';
import { userError } from '../../../ir/diagnostics.ts';
import type { EditModule, EditOp, EditValue } from '../../../ir/edit.ts';
import { type DimSharding, type Layout, replicatedLayout, usedAxes } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, type Mesh, overlaps, sameAxes, sameMesh } from '../../../ir/mesh.ts';
import { axesText, axisRefText } from '../../../ir/stablehlo/sharding-text.ts';
import { collectiveForm, type Move } from '../../../ir/stablehlo/sdy-collectives.ts';
import { equivalent } from '../calls.ts';
import { layoutOf } from '../data-flow.ts';

/** A collective's ends. */
interface Ends {
  readonly op: EditOp;
  readonly mesh: Mesh;
  readonly from: Layout;
  readonly to: Layout;
}

/** Those whose operand may be whole without saying so. */
const FROM_NOTHING: ReadonlySet<string> = new Set(['sdy.all_slice', 'sdy.all_reduce', 'sdy.reduce_scatter']);

export function verifyCollective(module: EditModule, op: EditOp): void {
  const to = op.result.layout as Layout;
  const mesh = module.mesh(to.mesh);
  const value = op.operands[0] as EditValue;
  const given = layoutOf(value);
  if (given === undefined && !FROM_NOTHING.has(op.kind)) throw wrong(op, 'takes a value without a sharding');
  const from = given ?? replicatedLayout(to.mesh, value.type.shape.length);
  if (from.dims.length !== to.dims.length)
    throw wrong(op, `gives a sharding of ${to.dims.length} dims, its operand has one of ${from.dims.length}`);
  const ends = { op, mesh, from, to };
  if (op.kind === 'sdy.collective_permute') return permute(ends, module.mesh(from.mesh));
  if (!sameMesh(module.mesh(from.mesh), mesh)) throw wrong(op, 'gives a sharding on another mesh than its operand has');
  verifyAxes(ends);
  switch (op.kind) {
    case 'sdy.all_gather':
      return eachDim(ends, (dim, axes, d) => withoutSuffix(ends, dim, axes, d));
    case 'sdy.sharded_to_unreduced': {
      eachDim(ends, (dim, axes, d) => withoutSuffix(ends, dim, axes, d));
      return verifyUnreduced(ends, (op.attrs.axes as readonly AxisRef[][]).flat());
    }
    case 'sdy.all_slice':
    case 'sdy.reduce_scatter':
      return eachDim(ends, (dim, axes) => appended(dim.axes, axes));
    case 'sdy.all_to_all':
      return verifyMoves(ends);
    case 'sdy.all_reduce':
      return verifyAllReduce(ends);
    default:
      return verifyReplicatedToUnreduced(ends);
  }
}

function wrong(op: EditOp, what: string, expected?: string): Error {
  return userError('SH0230', `${op.kind} ${what}`, {
    span: op.origin.span,
    expected,
  });
}

// --- the axes themselves ----------------------------------------------------------------------------------------------

function axisLists({ attrs }: EditOp): readonly (readonly AxisRef[])[] {
  if (attrs.moves !== undefined) return (attrs.moves as readonly Move[]).map((m) => m.axes);
  const axes = attrs.axes as readonly (AxisRef | readonly AxisRef[])[];
  return axes.every((a) => Array.isArray(a)) ? (axes as readonly AxisRef[][]) : [axes as readonly AxisRef[]];
}

/** Each once, neighbouring sub-axes as one; a single list in the mesh's order. */
function verifyAxes({ op, mesh, to }: Ends): void {
  const lists = axisLists(op);
  const form = collectiveForm(op.kind)?.form;
  if (form === 'per dim' && lists.length !== to.dims.length)
    throw wrong(op, `has axes for ${lists.length} dims, its sharding has ${to.dims.length}`);
  const all = lists.flat();
  const twice = all.find((a, i) => all.slice(0, i).some((b) => overlaps(a, b)));
  if (twice !== undefined) throw wrong(op, `names axis ${axisRefText(mesh, twice)} twice`, 'every axis at most once');
  const parted = lists.find((axes) => mergeNeighbours(axes).length !== axes.length);
  if (parted !== undefined)
    throw wrong(op, `has neighbouring sub-axes ${axesText(mesh, parted)}`, axesText(mesh, mergeNeighbours(parted)));
  if (form !== 'list') return;
  if (!sameAxes(all, inMeshOrder(all, mesh)))
    throw wrong(op, `names axes ${axesText(mesh, all)} out of order`, axesText(mesh, inMeshOrder(all, mesh)));
}

// --- per dim ----------------------------------------------------------------------------------------------------------

function eachDim(
  ends: Ends,
  expected: (dim: DimSharding, axes: readonly AxisRef[], d: number) => readonly AxisRef[],
): void {
  const lists = axisLists(ends.op);
  ends.from.dims.forEach((dim, d) => expectDim(ends, d, expected(dim, lists[d] ?? [], d)));
}

function expectDim({ op, mesh, to }: Ends, d: number, axes: readonly AxisRef[]): void {
  const found = to.dims[d]?.axes ?? [];
  if (!sameAxes(found, axes))
    throw wrong(
      op,
      `gives ${axesText(mesh, found)} on dim ${d}, its axes make ${axesText(mesh, axes)}`,
      axesText(mesh, axes),
    );
}

/** The dim without the axes that it ends with. */
function withoutSuffix({ op, mesh }: Ends, dim: DimSharding, gone: readonly AxisRef[], d: number): readonly AxisRef[] {
  const rest = difference(dim.axes, gone);
  if (sameAxes(appended(rest, gone), dim.axes)) return rest;
  throw wrong(
    op,
    `takes ${axesText(mesh, gone)} from dim ${d}, which is sharded by ${axesText(mesh, dim.axes)}`,
    'axes it ends with',
  );
}

const appended = (axes: readonly AxisRef[], more: readonly AxisRef[]): readonly AxisRef[] =>
  mergeNeighbours([...axes, ...more]);

function verifyMoves(ends: Ends): void {
  const { op, from, to } = ends;
  const moves = op.attrs.moves as readonly Move[];
  if (moves.length === 0) throw wrong(op, 'moves nothing', '[{"x"}: 0->1]');
  const rank = to.dims.length;
  const seen = new Set<number>();
  let before = -1;
  for (const { source, target } of moves) {
    for (const d of [source, target]) {
      if (d < 0 || d >= rank) throw wrong(op, `names dim ${d} of ${rank}`, `0 to ${rank - 1}`);
      if (seen.has(d)) throw wrong(op, `moves axes from or to dim ${d} twice`, 'every dim once');
      seen.add(d);
    }
    if (source <= before) throw wrong(op, `moves axes of dim ${source} after those of ${before}`, 'sources in order');
    before = source;
  }
  const dims = from.dims.map((d) => d.axes);
  for (const { axes, source, target } of moves) {
    dims[source] = withoutSuffix(ends, from.dims[source] as DimSharding, axes, source);
    dims[target] = appended(from.dims[target]?.axes ?? [], axes);
  }
  dims.forEach((axes, d) => expectDim(ends, d, axes));
}

function permute({ op, mesh, from, to }: Ends, before: Mesh): void {
  if (!sameMesh({ name: '', axes: mesh.axes }, { name: '', axes: before.axes }))
    throw wrong(op, 'goes to a mesh of other axes');
  if (from.mesh !== to.mesh && sameMesh(mesh, before))
    throw wrong(op, 'goes to a mesh that is the same by another name');
  to.dims.forEach(({ axes }, d) => {
    const [size, was] = [axesSize(axes), axesSize(from.dims[d]?.axes ?? [])];
    if (size !== was) throw wrong(op, `shards dim ${d} ${size} ways, which was sharded ${was} ways`, `${was} ways`);
  });
}

// --- sums -------------------------------------------------------------------------------------------------------------

function verifyAllReduce({ op, mesh, from, to }: Ends): void {
  if (!equivalent(from, to))
    throw wrong(op, 'gives another sharding than its operand has', 'the same axes on every dim');
  const axes = op.attrs.axes as readonly AxisRef[];
  const bad = (among: readonly AxisRef[]): AxisRef | undefined => axes.find((a) => among.some((b) => overlaps(a, b)));
  const used = bad([...usedAxes(from), ...from.replicated]);
  if (used !== undefined)
    throw wrong(op, `sums over ${axisRefText(mesh, used)}, which shards or replicates its operand`);
  const owed = bad(to.unreduced);
  if (owed !== undefined) throw wrong(op, `sums over ${axisRefText(mesh, owed)}, which its result still owes`);
}

function verifyReplicatedToUnreduced(ends: Ends): void {
  const { op, mesh, from, to } = ends;
  const axes = op.attrs.axes as readonly AxisRef[];
  if (from.dims.some((d, i) => !sameAxes(d.axes, to.dims[i]?.axes ?? [])))
    throw wrong(op, 'changes how dims are sharded', 'the same dims as its operand');
  if (axes.length === 0) throw wrong(op, 'names no axes');
  const used = axes.find((a) => [...usedAxes(from), ...from.unreduced].some((b) => overlaps(a, b)));
  if (used !== undefined) throw wrong(op, `names ${axisRefText(mesh, used)}, along which its operand is not whole`);
  verifyUnreduced(ends, axes);
}

function verifyUnreduced({ op, mesh, from, to }: Ends, more: readonly AxisRef[]): void {
  const expected = inMeshOrder([...from.unreduced, ...more], mesh);
  if (!sameAxes(expected, to.unreduced))
    throw wrong(op, `gives a value that owes ${axesText(mesh, to.unreduced)}`, axesText(mesh, expected));
}
