/**
 * One order of devices inside the program. Where values are laid out over meshes that differ in the order of their
 * devices, or in their axes, only arguments and results are observed there: all between takes the mesh of its manual
 * computations, else the one that most of them (in bytes) are on, and what enters or leaves in another order is resharded at
 * the boundary.
 *
 *   func(%a @m {x, _}, %b @other {x, _})        // other: the same axes, devices in another order
 *   →  %b' = reshard %b @m {x, _}               // one collective_permute
 *      add %a, %b'
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import { FuncBuilder } from '../../ir/build.ts';
import { type Diagnostic, unsupported } from '../../ir/diagnostics.ts';
import { isWhole, type Layout } from '../../ir/layout.ts';
import { axesIndex, type AxisRef, axesSize, deviceCount, type Mesh, sameMesh } from '../../ir/mesh.ts';
import { deviceAt } from '../../ir/device-groups.ts';
import {
  type Attr,
  type Attrs,
  type Block,
  type Func,
  mainFunction,
  meshOf,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { meshesFor } from '../../ir/stablehlo/gspmd/meshes.ts';
import type { Tiled } from '../../ir/stablehlo/gspmd/sharding.ts';
import { byteSize, type TensorType } from '../../ir/types.ts';

export function oneOrder(module: Module, report: (diagnostic: Diagnostic) => void): Module {
  if (module.meshes.length < 2) return module;
  const func = mainFunction(module);
  const home = homeMesh(module, func);
  refuseOtherAxes(module, func, home);
  const aligned = new Alignment(module, home);
  const boundary = (layout: Layout | undefined, what: string): Layout | undefined => {
    if (layout !== undefined && isMaximal(meshOf(module, layout.mesh))) report(onOneDevice(what, func));
    return layout === undefined ? undefined : aligned.boundary(layout);
  };
  for (const op of walkOps(func.body))
    if (op.kind === 'custom_call' && op.attrs.device === undefined && runsOnOne(op, func, module))
      report(everywhere(op));
  const params = func.body.params.map((p) =>
    boundary(valueInfo(func, p).layout, `argument %${valueInfo(func, p).name ?? p}`),
  );
  const results = func.resultLayouts.map((l, i) => boundary(l, `result ${i}`));
  const rewritten = rewrite(func, aligned, params, results);
  return { ...module, meshes: aligned.meshes(), functions: [rewritten] };
}

/**
 * The mesh of manual computations, whose body says what happens along its axes; else that of most bytes at the boundary;
 * of equals the first of the file.
 */
function homeMesh(module: Module, func: Func): Mesh {
  const bytes = new Map<string, number>();
  const count = (type: TensorType, layout: Layout | undefined): void => {
    if (layout?.dims.some((d) => d.axes.length > 0) === true)
      bytes.set(layout.mesh, (bytes.get(layout.mesh) ?? 0) + byteSize(type));
  };
  for (const p of func.body.params) count(valueInfo(func, p).type, valueInfo(func, p).layout);
  func.resultLayouts.forEach((l, i) => count(func.resultTypes[i] as TensorType, l));
  const meshes = module.meshes.filter((m) => m.axes.length > 0);
  const ranked = [...meshes].sort((a, b) => (bytes.get(b.name) ?? 0) - (bytes.get(a.name) ?? 0));
  const manual = manualMeshes(module, func);
  return ranked.find((m) => manual.some(({ mesh }) => sameAxes(mesh, m))) ?? ranked[0] ?? (module.meshes[0] as Mesh);
}

/** Of the manual computations over some axes, in program order; of what has neither operands nor results none is known. */
const manualMeshes = (module: Module, func: Func): { readonly op: Op; readonly mesh: Mesh }[] =>
  [...walkOps(func.body)].flatMap((op) => {
    if (op.kind !== 'manual_computation') return [];
    const { in_layouts: taken, out_layouts: given, manual_axes: axes } = op.attrs as OpAttrs['manual_computation'];
    const [layout] = [...taken, ...given];
    return layout === undefined || axes.length === 0 ? [] : [{ op, mesh: meshOf(module, layout.mesh) }];
  });

function refuseOtherAxes(module: Module, func: Func, home: Mesh): void {
  for (const { op, mesh } of manualMeshes(module, func))
    if (!sameAxes(mesh, home))
      throw unsupported(
        `a manual computation over the axes of mesh @${mesh.name}, beside one over those of @${home.name}`,
        {
          span: op.origin.span,
          help: 'write both over one mesh that has the axes of both, in one order',
        },
      );
}

const isMaximal = (mesh: Mesh): boolean => mesh.axes.length === 0 && mesh.deviceIds !== undefined;

/** A host callback, as JAX pins it. */
const runsOnOne = (op: Op, func: Func, module: Module): boolean => {
  const effects = (op.attrs.effect_layouts ?? []) as readonly Layout[];
  const layouts = [...effects, ...op.results.map((r) => valueInfo(func, r).layout)];
  return layouts.some((l) => l !== undefined && isMaximal(meshOf(module, l.mesh)));
};

const everywhere = (op: Op): Diagnostic => ({
  code: 'SH0405',
  severity: 'warning',
  cause: 'user',
  message: `custom_call @${String(op.attrs.target)} is asked for on one device only: every device runs it`,
  span: op.origin.span,
  help: 'its results are the same on each; what it does besides (a print) is done by each',
});

const onOneDevice = (what: string, func: Func): Diagnostic => ({
  code: 'SH0405',
  severity: 'warning',
  cause: 'user',
  message: `${what} of @${func.name} is asked for on one device only: every device holds it`,
  help: 'the device asked for holds it too; annotate it as replicated to say so',
});

/** Layouts of other meshes on the home mesh, and on meshes that have its axes. */
class Alignment {
  private readonly module: Module;
  readonly home: Mesh;
  private readonly extra: Mesh[] = [];

  constructor(module: Module, home: Mesh) {
    this.module = module;
    this.home = home;
  }

  meshes(): Mesh[] {
    return [this.home, ...this.extra];
  }

  /** Exactly the same placement, on a mesh that has the home mesh's axes. */
  boundary(layout: Layout): Layout {
    const mesh = this.meshBehind(layout);
    if (mesh === this.home) return layout;
    if (mesh.axes.length === 0 || (isWhole(layout) && layout.unreduced.length === 0))
      return {
        mesh: this.home.name,
        dims: layout.dims.map((d) => ({ ...d, axes: [] })),
        replicated: [],
        unreduced: [],
      };
    if (layout.unreduced.length > 0)
      throw unsupported(`a sum owed over axes of mesh @${mesh.name}, beside mesh @${this.home.name}`);
    if (sameAxes(mesh, this.home)) return { ...layout, mesh: this.register(mesh) };
    const tiled = tiledOf(mesh, layout);
    const { meshes, of } = meshesFor([tiled], deviceCount(mesh), [this.home, ...this.extra]);
    const on = of.get(tiled);
    const found = meshes.find((m) => m.name === on?.mesh) as Mesh;
    const dims = layout.dims.map((d, i) => ({ ...d, axes: on?.tile[i] ?? [] }));
    return { mesh: found === this.home ? found.name : this.register(found), dims, replicated: [], unreduced: [] };
  }

  /** The same axes at home: where a value lies inside the program is for the program to say. */
  inside(layout: Layout): Layout {
    if (sameAxes(this.meshBehind(layout), this.home)) return { ...layout, mesh: this.home.name };
    const aligned = layout.mesh === this.home.name ? layout : this.boundary(layout);
    return aligned.mesh === this.home.name ? aligned : { ...aligned, mesh: this.home.name };
  }

  private meshBehind({ mesh }: Layout): Mesh {
    return this.extra.find((m) => m.name === mesh) ?? meshOf(this.module, mesh);
  }

  private register(mesh: Mesh): string {
    const known = this.extra.find((m) => sameMesh(m, mesh));
    if (known !== undefined) return known.name;
    this.extra.push(mesh);
    return mesh.name;
  }
}

const sameAxes = (a: Mesh, b: Mesh): boolean =>
  a.axes.length === b.axes.length && a.axes.every((x, i) => x.name === b.axes[i]?.name && x.size === b.axes[i]?.size);

/** A layout as a list of devices by tile. */
function tiledOf(mesh: Mesh, layout: Layout): Tiled {
  const axes: readonly AxisRef[] = layout.dims.flatMap((d) => [...d.axes]);
  const copies = deviceCount(mesh) / axesSize(axes);
  const byTile: number[][] = Array.from({ length: axesSize(axes) }, () => []);
  for (let p = 0; p < deviceCount(mesh); p++) (byTile[axesIndex(mesh, axes, p)] as number[]).push(deviceAt(mesh, p));
  const tile = layout.dims.map((d) => axesSize(d.axes));
  return {
    kind: 'tiled',
    tile: copies > 1 ? [...tile, copies] : tile,
    order: { kind: 'list', devices: byTile.flat() },
    subgroups: copies > 1 ? ['replicated'] : [],
  };
}

function rewrite(
  func: Func,
  aligned: Alignment,
  params: readonly (Layout | undefined)[],
  results: readonly (Layout | undefined)[],
): Func {
  const values = func.values.map((v, id) => {
    if (v.layout === undefined) return v;
    const param = func.body.params.indexOf(id as ValueId);
    return { ...v, layout: (param < 0 ? undefined : params[param]) ?? aligned.inside(v.layout) };
  });
  const builder = new FuncBuilder(values);
  const renamed = new Map<ValueId, ValueId>();
  const crossing = (id: ValueId, layout: Layout, op: Op | undefined): ValueId => {
    const origin = {
      pass: 'one-order',
      from: [op?.origin ?? valueInfo(func, id).origin ?? {}],
      reason: 'it enters or leaves in another order of devices',
    };
    const [made] = builder.op('reshard', [id], [builder.typeOf(id)], origin, { layout });
    builder.setLayout(made as ValueId, layout);
    return made as ValueId;
  };
  const inside = (op: Op): Op => ({
    ...op,
    operands: op.operands.map((v) => renamed.get(v) ?? v),
    attrs: alignedAttrs(op.attrs, aligned),
    regions: op.regions.map(insideBlock),
  });
  const insideBlock = (block: Block): Block => ({ ...block, ops: block.ops.map(inside) });
  const body = builder.region(() => {
    func.body.params.forEach((p, i) => {
      builder.paramAt(p);
      const layout = params[i];
      if (layout !== undefined && layout.mesh !== aligned.inside(layout).mesh)
        renamed.set(p, crossing(p, aligned.inside(layout), undefined));
    });
    for (const op of func.body.ops) {
      const moved = inside(op);
      if (op.kind !== 'return') builder.push(moved);
      else
        builder.push({
          ...moved,
          operands: moved.operands.map((v, i) => {
            const layout = results[i];
            return layout === undefined || layout.mesh === aligned.inside(layout).mesh
              ? v
              : crossing(v, aligned.inside(layout), op);
          }),
        });
    }
  });
  return { ...func, body, values: builder.values, resultLayouts: results };
}

/** Layouts, and the mesh along whose axes a user's collective goes. */
function alignedAttrs(attrs: Attrs, aligned: Alignment): Attrs {
  const one = (value: Attr): Attr => (isLayout(value) ? aligned.inside(value) : value);
  const mesh = typeof attrs.mesh === 'string' ? { mesh: aligned.home.name } : {};
  const entries = Object.entries(attrs).map(([k, v]) => [k, Array.isArray(v) ? v.map(one) : one(v)]);
  return { ...Object.fromEntries(entries), ...mesh };
}

const isLayout = (value: Attr): value is Layout =>
  typeof value === 'object' && value !== null && 'mesh' in value && 'dims' in value;
