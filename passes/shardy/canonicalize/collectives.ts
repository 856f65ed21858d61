/**
 * What Shardy's collectives fold to (canonicalization.td, .cc), each an op looked at with what makes its operand:
 *
 *   all_gather [{}, {}] %0                  → %0
 *   all_slice [{"x"}] (all_gather [{"x"}] %0) → %0
 *   all_slice [{"x"}] (all_reduce {"x"} %0)   → reduce_scatter [{"x"}] %0
 *   all_to_all, all_to_all                    → one all_to_all of both moves
 */
import { inMeshOrder, mergeNeighbours } from '../../../ir/axes.ts';
import { type EditModule, EditOp, type EditValue } from '../../../ir/edit.ts';
import { closedDim, type Layout, replicatedLayout } from '../../../ir/layout.ts';
import { type AxisRef, sameAxes, sameAxis } from '../../../ir/mesh.ts';
import type { Move } from '../../../ir/stablehlo/sdy-collectives.ts';
import { equivalent } from '../calls.ts';
import { layoutOf } from '../data-flow.ts';

type PerDim = readonly (readonly AxisRef[])[];

/** True: the op was replaced. */
export function foldCollective(module: EditModule, op: EditOp): boolean {
  if (!op.kind.startsWith('sdy.')) return false;
  const operand = op.operands[0] as EditValue;
  if (isNothing(op, operand)) return replace(op, operand);
  const { maker } = operand;
  switch (`${op.kind} ${maker?.kind}`) {
    case 'sdy.all_slice sdy.all_gather':
      return sameLists(axesOf(op), axesOf(maker as EditOp)) && replace(op, (maker as EditOp).operands[0] as EditValue);
    case 'sdy.all_slice sdy.all_reduce':
      return scatter(module, op, maker as EditOp);
    case 'sdy.all_reduce sdy.replicated_to_unreduced':
      return sameAxes(listOf(op), listOf(maker as EditOp)) && replace(op, (maker as EditOp).operands[0] as EditValue);
    case 'sdy.all_reduce sdy.sharded_to_unreduced':
      return gather(module, op, maker as EditOp);
    case 'sdy.all_to_all sdy.all_to_all':
      return joinMoves(op, maker as EditOp);
    default:
      return false;
  }
}

const axesOf = ({ attrs }: EditOp): PerDim => attrs.axes as PerDim;
const listOf = ({ attrs }: EditOp): readonly AxisRef[] => attrs.axes as readonly AxisRef[];
const sameLists = (a: PerDim, b: PerDim): boolean =>
  a.length === b.length && a.every((axes, d) => sameAxes(axes, b[d] ?? []));

function isNothing(op: EditOp, operand: EditValue): boolean {
  switch (op.kind) {
    case 'sdy.all_gather':
    case 'sdy.all_slice':
    case 'sdy.reduce_scatter':
      return axesOf(op).every((axes) => axes.length === 0);
    case 'sdy.all_reduce':
      return listOf(op).length === 0;
    case 'sdy.collective_permute':
      return equivalent(layoutOf(operand), op.result.layout);
    case 'sdy.all_to_all':
      return op.result.useCount === 0;
    default:
      return false;
  }
}

function replace(op: EditOp, value: EditValue): true {
  op.result.replaceBy(value);
  op.erase();
  return true;
}

function made(
  kind: string,
  attrs: EditOp['attrs'],
  value: EditValue,
  layout: Layout | undefined,
  at: EditOp,
): EditValue {
  const op = new EditOp(
    kind,
    attrs,
    at.place,
    [value],
    [{ type: value.type, ...(layout === undefined ? {} : { layout }) }],
  );
  op.insertBefore(at);
  return op.result;
}

/** All axes that were owed are the ones that were sharded: a gather says the same. */
function gather(module: EditModule, op: EditOp, owed: EditOp): boolean {
  const mesh = module.mesh((op.result.layout as Layout).mesh);
  if (!sameAxes(inMeshOrder(axesOf(owed).flat(), mesh), listOf(op))) return false;
  return replace(
    op,
    made('sdy.all_gather', { axes: axesOf(owed) }, owed.operands[0] as EditValue, op.result.layout, op),
  );
}

function joinMoves(op: EditOp, before: EditOp): boolean {
  const [first, second] = [before.attrs.moves, op.attrs.moves] as [readonly Move[], readonly Move[]];
  const dims = (moves: readonly Move[]): number[] => moves.flatMap((m) => [m.source, m.target]);
  if (before.result.useCount !== 1 || dims(first).some((d) => dims(second).includes(d))) return false;
  const moves = [...first, ...second].sort((a, b) => a.source - b.source);
  const value = made('sdy.all_to_all', { moves }, before.operands[0] as EditValue, op.result.layout, op);
  replace(op, value);
  before.erase();
  return true;
}

/** Each slice begins, on each dim, with axes that are summed over, and together they are all of them. */
function scatter(module: EditModule, slice: EditOp, sum: EditOp): boolean {
  const users = sum.result.uses().map((u) => u.op);
  const alike = (u: EditOp): boolean => u.kind === 'sdy.all_slice' && sameLists(axesOf(u), axesOf(slice));
  if (!users.every(alike) || firstOf(users) !== slice) return false;
  const left = [...listOf(sum)];
  const taken = axesOf(slice).map((axes) => {
    const found: AxisRef[] = [];
    for (const axis of axes) {
      const at = left.findIndex((a) => sameAxis(a, axis));
      if (at < 0) break;
      found.push(...left.splice(at, 1));
    }
    return found;
  });
  if (left.length > 0) return false;
  const rest = axesOf(slice).map((axes, d) => axes.slice(taken[d]?.length ?? 0));
  const layout = slice.result.layout as Layout;
  const input = sum.operands[0] as EditValue;
  const from = layoutOf(input) ?? replicatedLayout(layout.mesh, input.type.shape.length);
  const dims = from.dims.map((dim, d) => closedDim(mergeNeighbours([...dim.axes, ...(taken[d] ?? [])])));
  let value = made(
    'sdy.reduce_scatter',
    { axes: taken },
    input,
    { ...layout, mesh: module.mesh(layout.mesh).name, dims },
    sum,
  );
  if (rest.some((axes) => axes.length > 0)) value = made('sdy.all_slice', { axes: rest }, value, layout, slice);
  for (const user of users) replace(user, value);
  sum.erase();
  return true;
}

/** In program order; undefined: they stand in several blocks. */
function firstOf(ops: readonly EditOp[]): EditOp | undefined {
  const [one] = ops;
  if (one === undefined || ops.some((op) => op.block !== one.block)) return undefined;
  const all = new Set(ops);
  for (const op of one.block?.ops() ?? []) if (all.has(op)) return op;
  return undefined;
}
