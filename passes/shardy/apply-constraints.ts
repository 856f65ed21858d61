/**
 * Closed dims do not travel by propagation: a closed constraint on a value without a layout also lays out the value, unless
 * several compete for it (Shardy, apply_sharding_constraints.cc). Likewise what a manual computation asks of its operands.
 */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import { type Layout, openLayout, sameLayout } from '../../ir/layout.ts';
import { type Projection, projectTensor } from '../propagate/projection.ts';
import { identityRule } from '../propagate/rules.ts';
import type { DebugLogs } from './debug.ts';
import { edgeToTarget, layoutOf, setLayout, shardable } from './data-flow.ts';

/** Gives the constraints that lay out what they take. */
export function applyConstraints(module: EditModule, logs?: DebugLogs): readonly EditOp[] {
  const applied: EditOp[] = [];
  for (const op of [...module.ops('post')]) {
    if (op.kind === 'sharding_constraint') {
      skipToTail(op);
      const input = op.operands[0] as EditValue;
      const moved = (): EditOp => {
        op.insertAfterValue(input);
        return op;
      };
      apply(input, op.attrs.layout as Layout, moved, (layout) => {
        applied.push(op);
        watched(module, op, layout, logs);
      });
    } else if (op.kind === 'manual_computation') {
      const layouts = (op.attrs.in_layouts ?? []) as readonly Layout[];
      layouts.forEach((layout, i) => {
        const operand = op.operands[i] as EditValue;
        apply(operand, layout, () => constraintOn(operand, layout, op));
      });
    }
  }
  return applied;
}

function constraintOn(value: EditValue, layout: Layout, user: EditOp): EditOp {
  const made = new EditOp('sharding_constraint', { layout }, user.place, [value], [{ type: value.type }]);
  made.insertAfterValue(value);
  return made;
}

/** Lays out what a constraint takes, and tells the logs of it as of a step of propagation. */
function watched(module: EditModule, op: EditOp, layout: Layout, logs: DebugLogs | undefined): void {
  const input = op.operands[0] as EditValue;
  const rule = identityRule(input.type);
  const seen = (): Projection => ({
    operands: [projectTensor(rule, rule.operands[0] ?? [], layoutOf(input))],
    results: [projectTensor(rule, rule.results[0] ?? [], layoutOf(op.result))],
  });
  const before = seen();
  setLayout(input, layout);
  if (logs === undefined || layout.dims.length === 0) return;
  const mesh = module.mesh(layout.mesh);
  logs.step({ at: op, mesh, operands: op.operands, results: op.results, before, after: seen() });
}

function apply(
  input: EditValue,
  layout: Layout,
  afterInput: () => EditOp,
  set = (wanted: Layout): void => setLayout(input, wanted),
): void {
  if (!shouldApply(input, layout)) return;
  if (input.maker?.kind !== 'data_flow_edge' && edgeToTarget(input) === undefined) return set(layout);
  // What an edge leads to shares its layout with more than this value: the others keep theirs, behind the constraint.
  const constraint = afterInput();
  input.replaceBy(constraint.result, (use) => use.op === constraint);
  if (layout.unreduced.length > 0) {
    const now = layoutOf(input) ?? openLayout(layout.mesh, layout.dims.length);
    setLayout(input, { ...now, unreduced: layout.unreduced });
  }
}

const shouldApply = (input: EditValue, layout: Layout): boolean =>
  shardable(input) !== undefined &&
  layoutOf(input) === undefined &&
  layout.dims.every((d) => !d.open) &&
  !input.uses().some(({ op, index }) => {
    if (op.kind === 'sharding_constraint') return !sameLayout(op.attrs.layout as Layout, layout);
    if (op.kind === 'manual_computation') return !sameLayout((op.attrs.in_layouts as readonly Layout[])[index], layout);
    return false;
  });

/** Other users of what a chain of constraints begins with read the chain's end, where they stand after it. */
function skipToTail(head: EditOp): void {
  const tail = tailOf(head);
  if (tail === undefined) return;
  const later = opsAfter(tail);
  (head.operands[0] as EditValue).replaceBy(
    tail.result,
    ({ op }) =>
      op === head || (op.kind === 'return' && op.parent === undefined) || op.block !== tail.block || !later.has(op),
  );
}

function tailOf(head: EditOp): EditOp | undefined {
  const input = head.operands[0] as EditValue;
  if (input.maker?.kind === 'sharding_constraint' || layoutOf(input) !== undefined) return undefined;
  if (input.uses().some(({ op }) => op !== head && constrains(op))) return undefined;
  let tail = head;
  for (let next = onlyConstraint(tail); next !== undefined; next = onlyConstraint(tail)) tail = next;
  return tail === head || tail.result.uses().some(({ op }) => constrains(op)) ? undefined : tail;
}

const constrains = (op: EditOp): boolean => op.kind === 'sharding_constraint' || op.kind === 'manual_computation';
const onlyConstraint = (op: EditOp): EditOp | undefined => {
  const user = op.result.onlyUser();
  return user?.kind === 'sharding_constraint' ? user : undefined;
};

function opsAfter(op: EditOp): Set<EditOp> {
  const found = new Set<EditOp>();
  for (let next = op.next; next !== undefined; next = next.next) found.add(next);
  return found;
}
