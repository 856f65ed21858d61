/** Shardings and other attributes of the sdy dialect as MLIR prints them. */
import type { EditModule, EditOp } from '../edit.ts';
import type { Layout } from '../layout.ts';
import { type AxisRef, isFullAxis, type Mesh } from '../mesh.ts';

export const axisRefText = (mesh: Mesh, a: AxisRef): string =>
  isFullAxis(mesh, a) ? `"${a.name}"` : `"${a.name}":(${a.pre})${a.size}`;

/** `<@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}>` */
export function shardingText(mesh: Mesh, layout: Layout): string {
  const dims = layout.dims.map(
    (d) =>
      `{${[...d.axes.map((a) => axisRefText(mesh, a)), ...(d.open ? ['?'] : [])].join(', ')}}${d.priority > 0 ? `p${d.priority}` : ''}`,
  );
  const extra = (key: string, axes: readonly AxisRef[]): string =>
    axes.length === 0 ? '' : `, ${key}={${axes.map((a) => axisRefText(mesh, a)).join(', ')}}`;
  return `<@${mesh.name}, [${dims.join(', ')}]${extra('replicated', layout.replicated)}${extra('unreduced', layout.unreduced)}>`;
}

/** `#sdy.sharding_per_value<[…]>`; undefined where a result has none. */
export function perValueText(module: EditModule, layouts: readonly (Layout | undefined)[]): string | undefined {
  if (layouts.length === 0 || layouts.some((l) => l === undefined)) return undefined;
  const text = (layouts as readonly Layout[]).map((l) => shardingText(module.mesh(l.mesh), l));
  return `#sdy.sharding_per_value<[${text.join(', ')}]>`;
}

/** What debugging passes wrote on the op (passes/shardy/debug.ts). */
export const debugAttributes = (op: EditOp): Readonly<Record<string, string>> =>
  (op.attrs.debug as Readonly<Record<string, string>> | undefined) ?? {};

const DIRECTIONS = ['NONE', 'FORWARD', 'BACKWARD', 'BOTH'];
const WITH_OWN_SHARDING: ReadonlySet<string> = new Set(['sharding_constraint', 'reshard', 'data_flow_edge']);

/** What an op of the sdy dialect says of itself besides its shardings; undefined for others. */
export function sdyAttributes(module: EditModule, op: EditOp): Readonly<Record<string, string>> | undefined {
  const layouts = op.results.map((r) => r.layout);
  const shardings = WITH_OWN_SHARDING.has(op.kind) ? undefined : perValueText(module, layouts);
  const debug = debugAttributes(op);
  const common = { ...(shardings === undefined ? {} : { 'sdy.sharding': shardings }), ...debug };
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
      return { manual_axes: `#sdy<manual_axes{${axes.join(', ')}}>`, ...debug };
    }
    case 'named_computation':
      return { name: `"${String(op.attrs.name)}"`, ...debug };
    case 'all_reduce': {
      if (op.origin.spelled !== 'sdy.all_reduce') return undefined;
      const mesh = module.mesh((layouts[0] as Layout).mesh);
      const axes = (op.attrs.axes as readonly AxisRef[]).map((a) => axisRefText(mesh, a));
      return { reduction_axes: `#sdy<axis_ref_list{${axes.join(', ')}}>` };
    }
    default:
      return undefined;
  }
}
