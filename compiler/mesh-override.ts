/** `--mesh 32x64` or `--mesh x=2,y=4`: the file's axes at other sizes. */
import { userError } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import { type AxisRef, type Mesh, meshMistake } from '../ir/mesh.ts';
import { mapLayouts } from '../ir/map-layouts.ts';
import { type Attr, type Attrs, type Func, type Module, walkOps } from '../ir/program.ts';

/** A file without a mesh gets one; by position its axes are x, y, z, w. */
export function overrideMesh(module: Module, spec: string): Module {
  if (module.meshes.length === 0) return { ...module, meshes: [newMesh(spec)] };
  const sizes = parseSpec(module, spec);
  const meshes = module.meshes.map((m): Mesh => {
    const axes = m.axes.map((a) => ({ name: a.name, size: sizes.get(a.name) ?? a.size }));
    const same = axes.every((a, i) => a.size === m.axes[i]?.size);
    return same ? m : { name: m.name, axes };
  });
  if (meshes.every((m, i) => m === module.meshes[i])) return module;
  meshes.forEach(expectMesh);
  expectFree(module, meshes);
  const resize = resizer(module.meshes, meshes);
  return { ...module, meshes, functions: module.functions.map((f) => resizeFunction(f, resize)) };
}

/** The mesh that `--mesh` describes: by name, or x, y, z, w by position. */
export function newMesh(spec: string): Mesh {
  const names = 'xyzw';
  const axes = spec.split(spec.includes('=') ? ',' : 'x').map((part, i) => {
    const [name, value] = spec.includes('=') ? part.split('=') : [names[i], part];
    const size = Number(value);
    if (name === undefined || name === '' || !Number.isInteger(size) || size < 1)
      throw userError('SH0213', `"${part}" is not an axis of a mesh`, {
        expected: 'as --mesh x=2,y=4, or --mesh 2x4 for axes x and y',
      });
    return { name, size };
  });
  const mesh = { name: 'mesh', axes };
  expectMesh(mesh);
  return mesh;
}

function expectMesh(mesh: Mesh): void {
  const mistake = meshMistake(mesh);
  if (mistake !== undefined) throw userError('SH0213', `--mesh: ${mistake.message}`, { expected: mistake.expected });
}

/** Axis name → size. */
function parseSpec(module: Module, spec: string): Map<string, number> {
  const axes = module.meshes[0]?.axes ?? [];
  const shown = axes.map((a) => `${a.name}=${a.size}`).join(',');
  const bad = (message: string): never => {
    throw userError('SH0213', message, {
      expected:
        axes.length === 0
          ? 'a file with a mesh'
          : `the file's axes at other sizes, as --mesh ${axes.map((a) => a.size).join('x')} or --mesh ${shown}`,
    });
  };
  const size = (text: string): number => {
    const n = Number(text);
    return Number.isInteger(n) && n > 0 ? n : bad(`"${text}" is not a size of a mesh axis`);
  };
  if (spec.includes('=')) {
    const given = spec.split(',').map((part): [string, number] => {
      const [name = '', value = ''] = part.split('=');
      if (!axes.some((a) => a.name === name)) bad(`the mesh has no axis "${name}"`);
      return [name, size(value)];
    });
    const twice = given.find(([name], i) => given.findIndex(([other]) => other === name) < i);
    if (twice !== undefined) bad(`--mesh names axis "${twice[0]}" twice`);
    return new Map(given);
  }
  const parts = spec.split('x').map(size);
  if (parts.length !== axes.length) bad(`--mesh ${spec} has ${parts.length} axes, the file's mesh has ${axes.length}`);
  return new Map(parts.map((n, i) => [axes[i]?.name ?? '', n]));
}

/** Inside a manual computation shapes are those of its shards: the axes that it is written for keep their sizes. */
function expectFree(module: Module, meshes: readonly Mesh[]): void {
  const size = (all: readonly Mesh[], axis: string): number | undefined =>
    all.flatMap((m) => m.axes).find((a) => a.name === axis)?.size;
  for (const op of module.functions.flatMap((f) => [...walkOps(f.body)])) {
    if (op.kind !== 'manual_computation') continue;
    const manual = op.attrs.manual_axes as readonly string[];
    const changed = manual.find((axis) => size(module.meshes, axis) !== size(meshes, axis));
    if (changed !== undefined)
      throw userError('SH0213', `a manual computation is written for ${changed}=${size(module.meshes, changed)}`, {
        span: op.origin.span,
        expected: `its own size for ${changed}; free axes may change`,
        help: 'lower the program again for the other mesh',
      });
  }
}

type Resize = (layout: Layout) => Layout;

/** Whole axes follow the new size; sub-axes are only kept where the axis did not change. */
function resizer(before: readonly Mesh[], after: readonly Mesh[]): Resize {
  return (layout) => {
    const old = before.find((m) => m.name === layout.mesh);
    const now = after.find((m) => m.name === layout.mesh);
    const axis = (a: AxisRef): AxisRef => {
      const [from, to] = [
        old?.axes.find((x) => x.name === a.name)?.size,
        now?.axes.find((x) => x.name === a.name)?.size,
      ];
      if (from === undefined || to === undefined || from === to) return a;
      if (a.size !== from)
        throw userError('SH0213', `axis "${a.name}" is split into sub-axes, so its size cannot be changed`, {
          expected: `${a.name}=${from}`,
        });
      return { ...a, size: to };
    };
    return {
      ...layout,
      dims: layout.dims.map((d) => ({ ...d, axes: d.axes.map(axis) })),
      replicated: layout.replicated.map(axis),
      unreduced: layout.unreduced.map(axis),
    };
  };
}

function resizeFunction(func: Func, resize: Resize): Func {
  const attrs = (a: Attrs): Attrs => {
    const made: Record<string, Attr> = { ...a };
    if (a.layout !== undefined) made.layout = resize(a.layout as Layout);
    for (const side of ['in_layouts', 'out_layouts'])
      if (a[side] !== undefined) made[side] = (a[side] as readonly Layout[]).map(resize);
    return made;
  };
  return mapLayouts(func, resize, attrs);
}
