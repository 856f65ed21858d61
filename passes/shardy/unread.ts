/**
 * Ops that nothing reads and that do nothing else. MLIR's greedy rewriter drops them wherever it runs, so propagation and
 * Shardy's canonicalizer do too (Greedily: isOpTriviallyDead).
 */
import { type EditModule, type EditOp, withInner } from '../../ir/edit.ts';

/** Ops that do more than give results, or may. */
const EFFECTS: ReadonlySet<string> = new Set([
  'all_gather',
  'all_reduce',
  'all_to_all',
  'call',
  'collective_broadcast',
  'collective_permute',
  'cross-replica-sum',
  'data_flow_edge',
  'func_data_flow_edge',
  'infeed',
  'outfeed',
  'recv',
  'reduce_scatter',
  'return',
  'rng',
  'send',
  'sharding_constraint',
  'sharding_group',
]);

/** No effects of its own or in its regions, whose ends are none. */
export const isPure = (op: EditOp): boolean =>
  !hasEffect(op) && withInner(op).every((inner) => inner.kind === 'return' || !hasEffect(inner));

/** Of its own. A call from outside says where it has some. */
const hasEffect = ({ kind, attrs }: EditOp): boolean =>
  EFFECTS.has(kind) ||
  kind.includes('.') ||
  (kind === 'custom_call' && /has_side_effect = true/.test(String(attrs.verbatim ?? '')));

/** All that is not pure, in one walk: programs may be nested as deep as they are long. Dropping pure ops changes none of it. */
export function impureOps(module: EditModule): ReadonlySet<EditOp> {
  const found = new Set<EditOp>();
  for (const op of module.ops()) {
    if (!hasEffect(op)) continue;
    found.add(op);
    if (op.kind === 'return') continue;
    for (let around = op.parent; around !== undefined && !found.has(around); around = around.parent) found.add(around);
  }
  return found;
}

export function isUnread({ results }: EditOp): boolean {
  for (const r of results) if (r.useCount > 0) return false;
  return true;
}

/** From the last to the first, so that what only unread ops read goes too. */
export function dropUnread(module: EditModule): void {
  const impure = impureOps(module);
  const stack = module.functions.map((f) => f.body.last);
  while (stack.length > 0) {
    const op = stack.pop();
    if (op === undefined) continue;
    stack.push(op.prev);
    if (isUnread(op) && !impure.has(op)) op.erase();
    else stack.push(...op.regions.map((r) => r.last));
  }
}
