/** Attributes of the sdy dialect's ops as MLIR prints them. */
import type { EditModule, EditOp } from '../edit.ts';
import type { Layout } from '../layout.ts';
import { cutAt, entriesOf } from './attribute-entries.ts';
import { collectiveAttribute, collectiveForm } from './sdy-collectives.ts';
import { perValueText } from './sharding-text.ts';

/** What debugging passes wrote on the op (passes/shardy/debug.ts). */
export const debugAttributes = (op: EditOp): Readonly<Record<string, string>> =>
  (op.attrs.debug as Readonly<Record<string, string>> | undefined) ?? {};

/** What an op keeps as it was written; a bare name is MLIR's unit attribute. */
const keptAttributes = (op: EditOp): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entriesOf((op.attrs.extra ?? '') as string).map((entry) => {
      const [key, value] = cutAt(entry);
      return [key, value === '' ? 'unit' : value];
    }),
  );

/** A rule that a pass wrote down, or the user's own. */
export function ruleAttribute({ attrs }: EditOp): string | undefined {
  if (attrs.rule_text !== undefined) return `#sdy.op_sharding_rule<${String(attrs.rule_text)}>`;
  return typeof attrs.rule === 'string' ? `#sdy.op_sharding_rule${attrs.rule}` : undefined;
}

const DIRECTIONS = ['NONE', 'FORWARD', 'BACKWARD', 'BOTH'];
const WITH_OWN_SHARDING: ReadonlySet<string> = new Set(['sharding_constraint', 'reshard', 'data_flow_edge']);

/** What an op of the sdy dialect says of itself besides its shardings; undefined for others. */
export function sdyAttributes(module: EditModule, op: EditOp): Readonly<Record<string, string>> | undefined {
  const layouts = op.results.map((r) => r.layout);
  const shardings = WITH_OWN_SHARDING.has(op.kind) ? undefined : perValueText(module, layouts);
  const debug = debugAttributes(op);
  const rule = ruleAttribute(op);
  const kept = { ...keptAttributes(op), ...(rule === undefined ? {} : { 'sdy.sharding_rule': rule }), ...debug };
  const common = { ...(shardings === undefined ? {} : { 'sdy.sharding': shardings }), ...kept };
  switch (op.kind) {
    case 'sharding_constraint':
    case 'reshard':
    case 'data_flow_edge':
    case 'func_data_flow_edge':
      return common;
    case 'constant':
      return op.origin.spelled === 'sdy.constant' ? common : undefined;
    case 'propagation_barrier':
      return { allowed_direction: `${DIRECTIONS.indexOf(op.attrs.direction as string)} : i32`, ...common };
    case 'manual_computation': {
      const axes = ((op.attrs.manual_axes ?? []) as readonly string[]).map((a) => `"${a}"`);
      return { manual_axes: `#sdy<manual_axes{${axes.join(', ')}}>`, ...kept };
    }
    case 'named_computation':
      return { name: `"${String(op.attrs.name)}"`, ...kept };
    default:
      return collectiveForm(op.kind) === undefined
        ? undefined
        : { ...collectiveAttribute(module.mesh((layouts[0] as Layout).mesh), op.kind, op.attrs), ...kept };
  }
}
