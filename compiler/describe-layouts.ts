/** A module's shardings as data: per function those of arguments, results and every op's results, in textual order. */
import { type EditFunc, type EditModule, type EditOp, opsOf } from '../ir/edit.ts';
import { ruleText } from '../ir/factors.ts';
import { parseRule } from '../ir/parse-rule.ts';
import type { Layout } from '../ir/layout.ts';
import { type AxisRef, isFullAxis } from '../ir/mesh.ts';
import { mlirName } from '../ir/stablehlo/mlir-names.ts';
import { tensorText } from '../ir/stablehlo/print-op.ts';
import { sdyAttributes } from '../ir/stablehlo/sdy-attributes.ts';

export interface ShardingData {
  readonly mesh: string;
  readonly dims: readonly (readonly string[])[];
  /** Dims that may take more axes. */
  readonly open?: readonly number[];
  readonly replicated?: readonly string[];
  readonly unreduced?: readonly string[];
}

export interface ModuleData {
  readonly meshes: Readonly<Record<string, { axes: Readonly<Record<string, number>>; device_ids: readonly number[] }>>;
  readonly functions: Readonly<Record<string, object>>;
}

export function describeModule(module: EditModule): ModuleData {
  return {
    meshes: Object.fromEntries(
      module.meshes
        .filter((m) => m.inlined !== true)
        .map((m) => [
          m.name,
          { axes: Object.fromEntries(m.axes.map((a) => [a.name, a.size])), device_ids: m.deviceIds ?? [] },
        ]),
    ),
    functions: Object.fromEntries(module.functions.map((f) => [f.name, describeFunction(module, f)])),
  };
}

function describeFunction(module: EditModule, func: EditFunc): object {
  return {
    arguments: func.body.params.map((p) => asData(module, p.layout)),
    results: func.resultLayouts.map((l) => asData(module, l)),
    ops: opsOf(func.body)
      .filter((op) => op.results.length > 0)
      .map((op) => describeOp(module, op)),
  };
}

function describeOp(module: EditModule, op: EditOp): object {
  const attributes = sdyAttributes(module, op);
  return {
    op: mlirName(op),
    types: op.results.map((r) => tensorText(r.type)),
    shardings: resultLayouts(op).map((l) => asData(module, l)),
    ...ruleOf(op),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

/** A rule that a pass wrote down, or the user's own, which stays. */
function ruleOf(op: EditOp): { rule?: string } {
  if (op.attrs.rule_text !== undefined) return { rule: `#sdy.op_sharding_rule<${String(op.attrs.rule_text)}>` };
  const own = typeof op.attrs.rule === 'string' ? parseRule(op.attrs.rule) : undefined;
  return own === undefined ? {} : { rule: `#sdy.op_sharding_rule<${ruleText(own)}, custom>` };
}

/** Where the op keeps its results' layouts. */
function resultLayouts(op: EditOp): readonly (Layout | undefined)[] {
  if (op.attrs.layout !== undefined) return [op.attrs.layout as Layout];
  if (op.attrs.out_layouts !== undefined) return op.attrs.out_layouts as readonly Layout[];
  return op.results.map((r) => r.layout);
}

function asData(module: EditModule, layout: Layout | undefined): ShardingData | null {
  if (layout === undefined) return null;
  const mesh = module.mesh(layout.mesh);
  const axis = (a: AxisRef): string => (isFullAxis(mesh, a) ? a.name : `${a.name}:(${a.pre})${a.size}`);
  const open = layout.dims.flatMap((d, i) => (d.open ? [i] : []));
  return {
    mesh: mesh.inlined === true ? `#sdy.${mesh.name}` : mesh.name,
    dims: layout.dims.map((d) => d.axes.map(axis)),
    ...(open.length === 0 ? {} : { open }),
    ...(layout.replicated.length === 0 ? {} : { replicated: layout.replicated.map(axis) }),
    ...(layout.unreduced.length === 0 ? {} : { unreduced: layout.unreduced.map(axis) }),
  };
}
