/** Passes that tidy layouts before and after propagation, one function each (Shardy's import and export pipelines). */
import { difference, gcd, inMeshOrder } from '../../ir/axes.ts';
import type { EditModule, EditValue } from '../../ir/edit.ts';
import { inlinedMesh, liftedMesh } from '../../ir/inlined-mesh.ts';
import { type DimSharding, type Layout, usedAxes } from '../../ir/layout.ts';
import { type AxisRef, axesSize, fullAxis, isFullAxis, type Mesh, sameMesh } from '../../ir/mesh.ts';
import { isComputation, manualAxes, ownersLayouts, parameterOwners, setOwnersLayouts } from './data-flow.ts';
import { rewriteLayouts } from './layout-walk.ts';

/**
 * Meshes that are alike become one: the first of them stays. Those inside shardings get names. Each is told as an
 * attribute of StableHLO's too (lift_inlined_meshes.cc).
 */
export function uniteMeshes(module: EditModule): void {
  module.meshes.sort((a, b) => Number(a.inlined ?? false) - Number(b.inlined ?? false));
  keepFirstMeshes(module);
  const named = module.meshes.filter((m) => m.inlined !== true);
  renameMeshes(
    module,
    module.meshes.map((m) => {
      if (m.inlined !== true) return m;
      const lifted = liftedMesh(m, named);
      named.push(lifted);
      return lifted;
    }),
  );
  module.meshes = module.meshes.map((m) => ({ ...m, attrs: `stablehlo.mesh = ${stablehloMesh(m)}` }));
}

function stablehloMesh({ axes, deviceIds }: Mesh): string {
  const list = axes.map((a) => `{name = "${a.name}", size = ${a.size} : i64}`).join(', ');
  if (deviceIds === undefined) return `{axes = [${list}]}`;
  const ids = deviceIds.length === 1 ? String(deviceIds[0]) : `[${deviceIds.join(', ')}]`;
  return `{axes = [${list}], device_ids = dense<${ids}> : tensor<${deviceIds.length}xi64>}`;
}

/** The contrary: meshes stand inside the shardings that use them (inline_meshes.cc). */
export function inlineMeshes(module: EditModule): void {
  renameMeshes(module, module.meshes.map(inlinedMesh));
  module.meshes = module.meshes.filter((m, i) => module.meshes.findIndex((x) => x.name === m.name) === i);
}

/** Each mesh in the place of the one that is there. */
function renameMeshes(module: EditModule, meshes: readonly Mesh[]): void {
  const names = new Map(module.meshes.map((m, i) => [m.name, meshes[i]?.name ?? m.name]));
  module.meshes = [...meshes];
  if ([...names].some(([from, to]) => from !== to))
    rewriteLayouts(module, (l) => ({ ...l, mesh: names.get(l.mesh) ?? l.mesh }));
}

/** Meshes that are alike become one. */
export function keepFirstMeshes(module: EditModule): void {
  const first = new Map<string, string>();
  const kept: Mesh[] = [];
  for (const mesh of module.meshes) {
    const same = kept.find((m) => sameMesh(m, mesh));
    if (same === undefined) kept.push(mesh);
    first.set(mesh.name, (same ?? mesh).name);
  }
  if (kept.length === module.meshes.length) return;
  module.meshes = kept;
  rewriteLayouts(module, (l) => ({ ...l, mesh: first.get(l.mesh) ?? l.mesh }));
}

/** Axes of size 1 shard nothing (remove_size_one_axes.cc). */
export function removeSizeOneAxes(module: EditModule): void {
  if (!module.meshes.some((m) => m.axes.some((a) => a.size === 1))) return;
  const kept = (axes: readonly AxisRef[]): AxisRef[] => axes.filter((a) => a.size !== 1);
  rewriteLayouts(module, (l) => ({
    ...l,
    dims: l.dims.map((d) => {
      const axes = kept(d.axes);
      return { ...d, axes, priority: axes.length === 0 && !d.open ? 0 : d.priority };
    }),
    replicated: kept(l.replicated),
    unreduced: kept(l.unreduced),
  }));
}

/** Calls take the layouts that their callee's results were given (propagate_sharding_from_func_to_call.cc). */
export function layoutsToCalls(module: EditModule): void {
  for (const op of module.ops()) {
    if (op.kind !== 'call' || op.results.some((r) => r.layout !== undefined)) continue;
    const { resultLayouts } = module.func(op.attrs.callee as string);
    op.results.forEach((r, i) => {
      r.layout = resultLayouts[i];
    });
  }
}

/**
 * Manual axes stand in mesh order, and those that a layout of the computation does not mention are replicated in it
 * (manual_axes_cleanup.cc).
 */
export function cleanManualAxes(module: EditModule): void {
  for (const op of module.ops()) {
    if (op.kind !== 'manual_computation') continue;
    const sides = ['in_layouts', 'out_layouts'].map((k) => (op.attrs[k] ?? []) as readonly Layout[]);
    const name = sides.flat().find((l) => module.mesh(l.mesh).axes.length > 0)?.mesh;
    if (name === undefined) continue;
    const mesh = module.mesh(name);
    const order = (axis: string): number => mesh.axes.findIndex((a) => a.name === axis);
    const manual = [...manualAxes(op)].sort((a, b) => order(a) - order(b));
    const whole = manual.map((a) => fullAxis(mesh, a));
    const [inside, outside] = sides.map((layouts, side) =>
      layouts.map((l, i) => {
        const { dtype } = ((side === 0 ? op.operands : op.results)[i] as EditValue).type;
        return dtype === 'token' ? l : replicateUnused({ ...l, mesh: name }, whole, mesh);
      }),
    );
    op.attrs = { ...op.attrs, manual_axes: manual, in_layouts: inside, out_layouts: outside };
  }
}

function replicateUnused(layout: Layout, manual: readonly AxisRef[], mesh: Mesh): Layout {
  const unused = difference(manual, [...usedAxes(layout), ...layout.replicated, ...layout.unreduced]);
  return unused.length === 0 ? layout : { ...layout, replicated: inMeshOrder([...layout.replicated, ...unused], mesh) };
}

/**
 * What enters and leaves (functions, calls, manual computations) is sharded evenly: by the largest prefix of each dim's axes
 * that divides it (update_non_divisible_input_output_shardings.cc).
 */
export function divideEvenly(module: EditModule): void {
  const set = (v: EditValue): void => {
    if (v.layout !== undefined) v.layout = even(v.layout, v.type.shape);
  };
  for (const f of module.functions) {
    f.body.params.forEach(set);
    f.resultLayouts = f.resultLayouts.map((l, i) => (l === undefined ? l : even(l, f.resultTypes[i]?.shape ?? [])));
  }
  for (const op of module.ops()) {
    if (op.kind === 'call') op.results.forEach(set);
    if (!isComputation(op)) continue;
    for (const [side, owners] of [
      ['parameters', parameterOwners(op)],
      ['results', op.results],
    ] as const) {
      const layouts = ownersLayouts(op, side);
      if (layouts !== undefined)
        setOwnersLayouts(
          op,
          side,
          layouts.map((l, i) => even(l, (owners[i] as EditValue).type.shape)),
        );
    }
  }
}

const even = (layout: Layout, shape: readonly number[]): Layout => ({
  ...layout,
  dims: layout.dims.map((d, i) => evenDim(d, shape[i] as number)),
});

function evenDim(dim: DimSharding, size: number): DimSharding {
  if (size % axesSize(dim.axes) === 0) return dim;
  const axes: AxisRef[] = [];
  let rest = size;
  for (const axis of dim.axes) {
    const common = gcd(axis.size, rest);
    if (common === 1) break;
    axes.push(common === axis.size ? axis : { ...axis, size: common });
    if (common !== axis.size) break;
    rest /= common;
  }
  return { axes, open: dim.open, priority: 0 };
}

/** Open dims of @main's arguments and results end before their first sub-axis (remove_sub_axes_in_input_output_shardings.cc). */
export function removeSubAxes(module: EditModule): void {
  const main = module.main();
  if (main === undefined) return;
  const cut = (layout: Layout | undefined): Layout | undefined =>
    layout && withoutSubAxes(layout, module.mesh(layout.mesh));
  for (const p of main.body.params) p.layout = cut(p.layout);
  main.resultLayouts = main.resultLayouts.map(cut);
}

function withoutSubAxes(layout: Layout, mesh: Mesh): Layout {
  const dims = layout.dims.map((d) => {
    const at = d.axes.findIndex((a) => !isFullAxis(mesh, a));
    return !d.open || at < 0 ? d : { ...d, axes: d.axes.slice(0, at) };
  });
  return dims.every((d, i) => d === layout.dims[i]) ? layout : { ...layout, dims };
}

/** No dim may take more axes (close_shardings.cc). */
export const closeLayouts = (module: EditModule): void =>
  rewriteLayouts(module, (l) => ({ ...l, dims: l.dims.map((d) => ({ ...d, open: false })), replicated: [] }));

/** Constraints are wishes until propagation is over, reshards after. */
export function constraintsToReshards(module: EditModule): void {
  for (const op of module.ops()) if (op.kind === 'sharding_constraint') op.kind = 'reshard';
}

export function removeGroups(module: EditModule): void {
  for (const op of [...module.ops()]) if (op.kind === 'sharding_group') op.erase();
}
