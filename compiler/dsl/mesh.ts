/** Meshes as values, and layouts written per dim as in .tir: `shard(x, 'data', null, 'model?')`. */
import { closedDim, type DimSharding, type Layout, openDim, overlappingAxis } from '../../ir/layout.ts';
import { type AxisRef, type Mesh, meshMistake } from '../../ir/mesh.ts';
import { suggestion } from '../../ir/text/problems.ts';
import { fail } from './errors.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace, describe, type Trace } from './trace.ts';

/**
 * One dim: `null` not split; `'data'`; `'data+model'` or `['data', 'model']`, major first; `'?'` open, `'data?'` split
 * and open; `'data p1'` of priority 1; `'x:(1)4'` a sub-axis. Names are looked up among the rules first.
 */
export type DimSpec = string | readonly string[] | null;

export interface MeshOptions {
  readonly name?: string;
  /** Physical device of each mesh position, row-major; default 0, 1, 2, … */
  readonly devices?: readonly number[];
}

/** `mesh({ data: 2, model: 4 })`: axes in order, major first. */
export function mesh(axes: Readonly<Record<string, number>>, options: MeshOptions = {}): Mesh {
  const list = Object.entries(axes).map(([name, size]) => ({ name, size }));
  for (const { name } of list) {
    if (!/^[A-Za-z_][\w$.]*$/.test(name))
      fail('SH0213', `"${name}" is not a name of a mesh axis`, { expected: 'a word' });
  }
  const { name = 'mesh', devices } = options;
  const mistake = meshMistake({ axes: list, ...(devices === undefined ? {} : { deviceIds: devices }) });
  if (mistake !== undefined) fail('SH0213', mistake.message, { expected: mistake.expected });
  if (devices === undefined) return { name, axes: list };
  return { name, axes: list, deviceIds: [...devices] };
}

/** Logical axis names and the mesh axes they stand for: `rules({ batch: 'data', mlp: 'model', embed: null })`. */
export type Rules = Readonly<Record<string, DimSpec>>;
export const rules = (names: Rules): Rules => Object.freeze({ ...names });
export const NO_RULES: Rules = Object.freeze({});

/** A dim that propagation may split further: `open()` is `'?'`, `open('data')` is `'data?'`. */
export const open = (...axes: readonly string[]): string => `${axes.join('+')}?`;

/** A dim propagated after those of lower numbers: `priority(1, 'data')` is `'data p1'`. */
export const priority = (p: number, dim: DimSpec): string => `${dimText(dim)} p${p}`;

const dimText = (dim: DimSpec): string => (dim === null ? '_' : typeof dim === 'string' ? dim : dim.join('+'));

/** Asks for a layout of a value: one entry per dim. The value itself is unchanged. */
export function shard<T extends Tensor>(x: T, ...dims: readonly DimSpec[]): T {
  const trace = currentTrace();
  const id = trace.id(x);
  const layout = readLayout(trace, dims, x.shape.length);
  const held = layout.dims.flatMap((d) => d.axes).find((a) => trace.manualAxes.includes(a.name));
  if (held !== undefined)
    fail('SH0231', `a layout names ${held.name}, which is manual in this shardMap`, {
      expected: 'axes that the shardMap leaves free: its tensors are one device’s shards already',
    });
  const made = trace.build((b) => b.op('sharding_constraint', [id], [b.typeOf(id)], b.origin, { layout }));
  return trace.tensor(made[0] as typeof id) as T;
}

export interface MeshAndRules {
  readonly mesh: Mesh | undefined;
  readonly rules: Rules;
}

export function readLayout({ mesh, rules }: MeshAndRules, dims: readonly DimSpec[], rank: number): Layout {
  if (mesh === undefined)
    fail('SH0216', 'a sharding needs a mesh', { help: 'give one: compile(fn, { mesh: mesh({ data: 2 }) })' });
  if (dims.length !== rank)
    fail('SH0212', `the sharding has ${dims.length} dims, the tensor has ${rank}`, {
      expected: `${rank} ${rank === 1 ? 'entry' : 'entries'}; null for a dim that is not split`,
    });
  const layout: Layout = {
    mesh: mesh.name,
    dims: dims.map((d) => readDim(mesh, rules, dimText(checkedDim(d)))),
    replicated: [],
    unreduced: [],
  };
  const twice = overlappingAxis(layout);
  if (twice !== undefined)
    fail('SH0211', `axis ${twice.name} is used twice in one layout: ${dims.map(dimText).join(', ')}`, {
      expected: 'every axis at most once',
      help: 'an axis splits the devices once; a second dim needs another axis',
    });
  return layout;
}

function checkedDim(dim: DimSpec): DimSpec {
  if (dim === null || typeof dim === 'string' || (Array.isArray(dim) && dim.every((a) => typeof a === 'string')))
    return dim;
  return fail('SH0609', `${describe(dim)} stands where the layout of a dim is needed`, {
    expected: "'data', ['data', 'model'] or null",
  });
}

function readDim(mesh: Mesh, rules: Rules, text: string): DimSharding {
  const [, body = '', order] = /^(.*?)(?:\s+p(\d{1,9}))?$/.exec(text.trim()) ?? [];
  const isOpen = body.endsWith('?');
  const names = (isOpen ? body.slice(0, -1) : body).split('+').map((n) => n.trim());
  const axes = names.flatMap((n) => (n === '' || n === '_' ? [] : readAxes(mesh, rules, n)));
  return (isOpen ? openDim : closedDim)(axes, Number(order ?? 0));
}

function readAxes(mesh: Mesh, rules: Rules, name: string): readonly AxisRef[] {
  const ruled = Object.hasOwn(rules, name) ? (rules[name] ?? null) : undefined;
  if (ruled === null) return [];
  if (ruled !== undefined)
    return dimText(ruled)
      .split('+')
      .map((n) => readAxis(mesh, n.trim(), Object.keys(rules)));
  return [readAxis(mesh, name, Object.keys(rules))];
}

function readAxis(mesh: Mesh, text: string, logical: readonly string[]): AxisRef {
  const [, name = text, pre, size] = /^(.*?):\((\d+)\)(\d+)$/.exec(text) ?? [];
  const axis = mesh.axes.find((a) => a.name === name);
  if (axis === undefined) {
    const names = [...logical, ...mesh.axes.map((a) => a.name)];
    const help = suggestion(name, names);
    fail('SH0210', `mesh @${mesh.name} has no axis "${name}"`, {
      expected: `one of ${names.join(', ')}`,
      help,
    });
  }
  if (pre === undefined) return { name, pre: 1, size: axis.size };
  const ref = { name, pre: Number(pre), size: Number(size) };
  if (ref.pre < 1 || ref.size < 1 || axis.size % (ref.pre * ref.size) !== 0)
    fail('SH0215', `${text} is not a sub-axis of an axis of size ${axis.size}`, {
      expected: 'pre × size that divides the axis',
    });
  return ref;
}

/** Fails where a part of the program is written for another mesh than the whole. */
export function sameMeshAs(trace: Trace, other: Mesh | undefined, what: string): Mesh {
  const { mesh } = trace;
  const given = other ?? mesh;
  if (given === undefined) return fail('SH0216', `${what} needs a mesh`, { help: 'compile(fn, { mesh })' });
  const text = (m: Mesh | undefined): string =>
    m === undefined ? 'no mesh' : `{ ${m.axes.map((a) => `${a.name}: ${a.size}`).join(', ')} }`;
  if (mesh === undefined || text(given) !== text(mesh))
    fail('SH0606', `${what} is written for mesh ${text(given)}, the program for ${text(mesh)}`, {
      expected: 'one mesh for a program',
      help: 'leave the mesh out here: the program’s is meant',
    });
  return mesh;
}
