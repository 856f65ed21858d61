/** Values that must share one layout (Shardy: sharding_group_import.cc, sharding_group_map.cc). */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import { type Diagnostic, unsupported, userError } from '../../ir/diagnostics.ts';
import { type Layout, openLayout, sameLayout } from '../../ir/layout.ts';
import type { ValueId } from '../../ir/program.ts';
import { layoutOf, setLayout } from './data-flow.ts';

/** By value: the other members of its group. */
export function groupsOf(module: EditModule, id: (value: EditValue) => ValueId): Map<ValueId, readonly ValueId[]> {
  const found = new Map<ValueId, readonly ValueId[]>();
  for (const members of groups(module).values()) {
    const ids = members.map(id);
    for (const m of ids)
      found.set(
        m,
        ids.filter((other) => other !== m),
      );
  }
  return found;
}

/** Group → members, in program order. */
function groups(module: EditModule): Map<number, EditValue[]> {
  const found = new Map<number, EditValue[]>();
  for (const op of module.ops()) {
    if (op.kind !== 'sharding_group') continue;
    const members = found.get(op.attrs.group as number) ?? [];
    found.set(op.attrs.group as number, [...members, op.operands[0] as EditValue]);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** Groups that share a value become one; a value stands in its group once; groups are numbered from 0. */
export function importShardingGroups(module: EditModule): void {
  const ops = [...module.ops()].filter((op) => op.kind === 'sharding_group');
  checkGroups(ops);
  const leader = new Map<number, number>();
  const find = (g: number): number => {
    const up = leader.get(g) ?? g;
    return up === g ? g : find(up);
  };
  const first = new Map<EditValue, number>();
  for (const op of ops) {
    const [value, group] = [op.operands[0] as EditValue, op.attrs.group as number];
    const known = first.get(value);
    if (known === undefined) first.set(value, group);
    else leader.set(Math.max(find(known), find(group)), Math.min(find(known), find(group)));
  }
  const numbers = new Map(
    [...new Set(ops.map((op) => find(op.attrs.group as number)))].sort((a, b) => a - b).map((g, i) => [g, i]),
  );
  const seen = new Set<string>();
  const values = new Map<EditValue, number>();
  for (const op of ops) {
    const value = op.operands[0] as EditValue;
    const group = numbers.get(find(op.attrs.group as number)) as number;
    if (!values.has(value)) values.set(value, values.size);
    const key = `${group} ${values.get(value)}`;
    if (seen.has(key)) op.erase();
    else op.attrs = { ...op.attrs, group };
    seen.add(key);
  }
}

function checkGroups(ops: readonly EditOp[]): void {
  const first = new Map<number, EditOp>();
  for (const op of ops) {
    const group = op.attrs.group as number;
    const known = first.get(group);
    if (known === undefined) {
      first.set(group, op);
      continue;
    }
    const shape = (o: EditOp): string => (o.operands[0] as EditValue).type.shape.join('x');
    if (shape(op) !== shape(known))
      throw userError('SH0218', `members of sharding group ${group} have shapes ${shape(known)} and ${shape(op)}`, {
        span: op.origin.span,
        expected: 'one shape in a group, since its members share a layout',
      });
    if (manualParent(op) !== manualParent(known))
      throw unsupported(`sharding group ${group} across the boundary of a manual_computation`, {
        span: op.origin.span,
      });
  }
}

function manualParent(op: EditOp): EditOp | undefined {
  for (let up = op.parent; up !== undefined; up = up.parent) if (up.kind === 'manual_computation') return up;
  return undefined;
}

/** Members take the layout one of them has; where they have different ones, each gets an open constraint after it. */
export function syncGroups(module: EditModule, report: (warning: Diagnostic) => void = () => {}): void {
  for (const [group, members] of groups(module)) {
    const given = members
      .map(layoutOf)
      .filter((l): l is Layout => l !== undefined && (members.length === 1 || !isOpenAndWhole(l)));
    const [layout] = given;
    if (layout === undefined) continue;
    if (given.every((l) => sameLayout(l, layout))) {
      for (const m of members) setLayout(m, layout);
      continue;
    }
    report({
      code: 'SH0404',
      severity: 'warning',
      cause: 'user',
      message: `members of sharding group ${group} are annotated with different layouts`,
      help: 'an open constraint is put after each; annotate one of them, or the same on all',
    });
    for (const m of members) constrainOpen(m, layout);
  }
}

function constrainOpen(member: EditValue, like: Layout): void {
  const layout = openLayout(like.mesh, like.dims.length);
  const op = new EditOp(
    'sharding_constraint',
    { layout },
    { reason: 'members of a sharding group disagree' },
    [member],
    [{ type: member.type }],
  );
  op.insertAfterValue(member);
  member.replaceBy(op.result, (use) => use.op === op);
}

const isOpenAndWhole = (l: Layout): boolean =>
  l.dims.every((d) => d.open && d.axes.length === 0) && l.replicated.length === 0 && l.unreduced.length === 0;
