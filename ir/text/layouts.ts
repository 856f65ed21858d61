/** Meshes and layouts of .tir from their trees, with what can be wrong about them. */
import { closedDim, type DimSharding, type Layout, type Monoid, openDim, overlappingAxis } from '../layout.ts';
import { type AxisRef, MAX_DEVICES, type Mesh, type MeshAxis, meshMistake } from '../mesh.ts';
import type { AstAxis, AstData, AstDim, AstLayout, AstMesh, AstName } from './ast.ts';
import { Broken, type Problems, suggestion } from './problems.ts';

const UNREDUCED: Readonly<Record<string, Monoid>> = {
  unreduced: 'sum',
  unreduced_prod: 'prod',
  unreduced_max: 'max',
  unreduced_min: 'min',
  unreduced_and: 'and',
  unreduced_or: 'or',
};

export class LayoutReader {
  readonly meshes: Mesh[] = [];
  /** Declared with a mistake, told already. */
  private readonly broken = new Set<string>();
  private readonly problems: Problems;

  constructor(problems: Problems) {
    this.problems = problems;
  }

  /** Adds the mesh to the table. */
  mesh(ast: AstMesh): void {
    this.broken.add(ast.name.text);
    const axes: MeshAxis[] = [];
    for (const { name, size } of ast.axes) {
      const n = this.whole(size, 'the size of a mesh axis', 1);
      if (axes.some((a) => a.name === name.text))
        this.problems.fail(
          'SH0217',
          `axis ${name.text} is twice in mesh @${ast.name.text}`,
          name.span,
          'every axis once',
        );
      axes.push({ name: name.text, size: n });
    }
    const devices = axes.reduce((n, a) => n * a.size, 1);
    if (devices > MAX_DEVICES)
      this.problems.fail(
        'SH0213',
        `mesh @${ast.name.text} has ${devices} devices`,
        ast.name.span,
        `at most ${MAX_DEVICES}`,
      );
    if (this.meshes.some((m) => m.name === ast.name.text))
      this.problems.fail('SH0217', `there are two meshes @${ast.name.text}`, ast.name.span, 'one name per mesh');
    const deviceIds = ast.devices === undefined ? undefined : this.deviceIds(ast.devices, axes);
    this.meshes.push({ name: ast.name.text, axes, ...(deviceIds === undefined ? {} : { deviceIds }) });
    this.broken.delete(ast.name.text);
  }

  private deviceIds(data: AstData, axes: readonly MeshAxis[]): number[] {
    const deviceIds =
      data.is === 'list' ? data.items.map((i) => (i.is === 'number' ? Number(i.text) : Number.NaN)) : [];
    const mistake = meshMistake({ axes, deviceIds });
    if (mistake !== undefined) this.problems.fail('SH0213', mistake.message, data.span, mistake.expected);
    return deviceIds;
  }

  /** The mesh of a name; without one, the first. */
  meshOf(name: AstName | undefined, span: { start: number; end: number }): Mesh {
    const mesh = name === undefined ? this.meshes[0] : this.meshes.find((m) => m.name === name.text);
    if (mesh !== undefined) return mesh;
    if (name === undefined ? this.broken.size > 0 : this.broken.has(name.text)) throw new Broken('its mesh is broken');
    const known = this.meshes.map((m) => `@${m.name}`);
    const message = name === undefined ? 'there is no mesh for this layout' : `there is no mesh @${name.text}`;
    return this.problems.fail(
      'SH0214',
      message,
      name?.span ?? span,
      known.length === 0 ? 'a mesh above, as `mesh @mesh {x=2, y=4}`' : `one of ${known.join(', ')}`,
    );
  }

  layout(ast: AstLayout): Layout {
    const mesh = this.meshOf(ast.mesh, ast.span);
    const dims = ast.dims.map((d) => this.dim(mesh, d));
    let replicated: readonly AxisRef[] = [];
    let unreduced: readonly AxisRef[] = [];
    let monoid: Monoid | undefined;
    let manual: readonly AxisRef[] | undefined;
    for (const { key, axes } of ast.extras) {
      const refs = axes.map((a) => this.axis(mesh, a));
      if (key.text === 'replicated') replicated = refs;
      else if (key.text === 'manual') manual = refs;
      else if (Object.hasOwn(UNREDUCED, key.text)) [unreduced, monoid] = [refs, UNREDUCED[key.text]];
      else
        this.problems.fail(
          'SH0106',
          `a layout has no field "${key.text}"`,
          key.span,
          `replicated, ${Object.keys(UNREDUCED).join(', ')}, manual`,
        );
    }
    const layout: Layout = {
      mesh: mesh.name,
      dims,
      replicated,
      unreduced,
      ...(monoid === undefined || monoid === 'sum' ? {} : { monoid }),
      ...(manual === undefined ? {} : { manual }),
    };
    const twice = overlappingAxis(layout);
    if (twice !== undefined)
      this.problems.fail(
        'SH0211',
        `axis ${twice.name} is used twice in one layout`,
        ast.span,
        'every axis at most once',
        'an axis splits the devices once; a second dim needs another axis',
      );
    return layout;
  }

  private dim(mesh: Mesh, ast: AstDim): DimSharding {
    const axes = ast.axes.map((a) => this.axis(mesh, a));
    const text = ast.priority?.text ?? 'p0';
    const priority = /^p\d{1,9}$/.test(text) ? Number(text.slice(1)) : Number.NaN;
    if (ast.priority !== undefined && Number.isNaN(priority))
      this.problems.fail('SH0106', `"${text}" is not a priority`, ast.priority.span, 'p0, p1, …');
    return ast.open ? openDim(axes, priority) : closedDim(axes, priority);
  }

  axis(mesh: Mesh, ast: AstAxis): AxisRef {
    const { name } = ast;
    const axis = mesh.axes.find((a) => a.name === name.text);
    if (axis === undefined) {
      const names = mesh.axes.map((a) => a.name);
      return this.problems.fail(
        'SH0210',
        `mesh @${mesh.name} has no axis "${name.text}"`,
        name.span,
        `one of ${names.join(', ')}`,
        suggestion(name.text, names),
      );
    }
    if (ast.pre === undefined || ast.size === undefined) return { name: axis.name, pre: 1, size: axis.size };
    const pre = this.whole(ast.pre, 'the part before a sub-axis', 1);
    const size = this.whole(ast.size, 'the size of a sub-axis', 1);
    if (axis.size % (pre * size) !== 0)
      this.problems.fail(
        'SH0215',
        `${name.text}:(${pre})${size} is not a sub-axis of an axis of size ${axis.size}`,
        ast.span,
        'pre × size that divides the axis',
      );
    return { name: axis.name, pre, size };
  }

  /** A whole number of at least `least`. */
  whole(name: AstName, what: string, least = 0): number {
    const n = Number(name.text);
    if (Number.isSafeInteger(n) && n >= least) return n;
    return this.problems.fail(
      'SH0105',
      `${name.text} is not ${what}`,
      name.span,
      `a whole number from ${least} to 2^53`,
    );
  }
}
