/** A function of tensors, called once on arguments that are only types: a module at the parsed level. */
import { existsSync, readFileSync } from 'node:fs';
import type { Layout } from '../../ir/layout.ts';
import type { Mesh } from '../../ir/mesh.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import type { Module } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import { fail } from './errors.ts';
import { callerOrigin } from './location.ts';
import { lower } from './lower.ts';
import { NO_RULES, readLayout, type Rules } from './mesh.ts';
import { isSpec, type Spec, type SpecsOf } from './spec.ts';
import type { Tensor } from './tensor.ts';
import { describe, Trace, within } from './trace.ts';
import { isTensor, type Leaf, leavesOf, rebuild, isRecord } from './tree.ts';

/** Specs in the place of a result's tensors; what is null or left out is left to propagation. */
export type ResultSpecs<R> = R extends Tensor ? Spec | null : { readonly [K in keyof R]?: ResultSpecs<R[K]> } | null;

export interface TraceOptions<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  /** One tree of specs per parameter. */
  readonly args: SpecsOf<A>;
  readonly mesh?: Mesh;
  /** What logical axis names mean on the mesh. */
  readonly rules?: Rules;
  /** Of the module; default the function's. */
  readonly name?: string;
  /** Layouts asked of the results: `results: { params }`, the arguments' own specs, keeps parameters where they are. */
  readonly results?: ResultSpecs<R>;
  readonly registry?: Registry;
}

/** A traced function: what `compile` takes, and what a file given to `shardc` exports by default. */
export class Traced<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  readonly module: Module;
  readonly registry: Registry;
  readonly args: SpecsOf<A>;
  /** The result's tree, a spec at each leaf. */
  readonly result: unknown;
  declare readonly signature: (...args: A) => R;

  constructor(module: Module, registry: Registry, args: SpecsOf<A>, result: unknown) {
    this.module = module;
    this.registry = registry;
    this.args = args;
    this.result = result;
  }
}

export function trace<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: TraceOptions<A, NoInfer<R>>,
): Traced<A, R> {
  if (typeof fn !== 'function') fail('SH0609', `${describe(fn)} stands where a function is traced`);
  if (!isRecord(options))
    fail('SH0607', 'trace needs to know what the arguments are', { expected: 'trace(fn, { args })' });
  const { mesh, rules = NO_RULES, registry = standard } = options;
  if (mesh !== undefined && !Array.isArray(mesh?.axes))
    fail('SH0609', `${describe(mesh)} stands where a mesh is needed`, { expected: 'mesh({ data: 2, model: 4 })' });
  const traced = new Trace(registry, mesh, rules);
  const { b } = traced;
  return within(traced, () => {
    const args = namedArguments(fn, options.args).map(({ name, specs }) =>
      rebuildArguments(traced, specs, name),
    ) as unknown as A;
    const out = fn(...args);
    if (out === undefined)
      fail('SH0607', `the traced function ${fn.name} gives nothing`.replace('  ', ' '), {
        expected: 'return its result',
      });
    if (out instanceof Promise) fail('SH0609', 'the traced function is async', { expected: 'a plain function' });
    const leaves = leavesOf(out, isTensor);
    const ids = leaves.map((l) => traced.id(l.leaf));
    b.op('return', ids, [], callerOrigin());
    const resultTypes = ids.map((id) => b.typeOf(id));
    const resultLayouts = leaves.map((leaf) => resultLayout(traced, leaf, options.results));
    const func = b.finish({
      name: 'main',
      isPublic: true,
      resultTypes,
      resultLayouts,
      paramAttrs: [],
      resultAttrs: leaves.map((l) => (l.path === '' ? undefined : `jax.result_info = ${JSON.stringify(l.path)}`)),
    });
    const module: Module = {
      name: options.name ?? moduleName(fn.name),
      level: 'parsed',
      meshes: mesh === undefined ? [] : [mesh],
      functions: [lower(func, registry)],
    };
    const result = rebuild(out, isTensor, (t) => ({ dtype: t.dtype, shape: t.shape }));
    return new Traced<A, R>(module, registry, options.args, result);
  });
}

function resultLayout(traced: Trace, { path, leaf }: Leaf<Tensor>, wanted: unknown): Layout | undefined {
  let node = wanted;
  for (const key of path === '' ? [] : path.split('.')) {
    if (node === null || node === undefined || isSpec(node)) break;
    node = (node as Readonly<Record<string, unknown>>)[key];
  }
  if (node === null || node === undefined) return undefined;
  if (!isSpec(node) || node.dtype !== leaf.dtype || node.shape.join() !== leaf.shape.join())
    fail(
      'SH0607',
      `the result${path === '' ? '' : ` ${path}`} is a ${String(leaf)}, results has ${describe(node)} there`,
      {
        expected: 'a spec of this type, or null',
      },
    );
  return node.sharding === undefined ? undefined : readLayout(traced, node.sharding, node.shape.length);
}

const SPECS = "specs, arrays and objects of them: f32([8, 16]), { w: bf16([16, 64], null, 'model') }";

const moduleName = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_') || 'main';

function rebuildArguments(traced: Trace, specs: unknown, name: string): unknown {
  const paths = leavesOf(specs, isSpec, name, SPECS);
  let next = 0;
  return rebuild(specs, isSpec, (spec) => argument(traced, spec, paths[next++]?.path ?? name));
}

function argument(traced: Trace, spec: Spec, name: string): Tensor {
  const param = traced.param(tensor(spec.dtype, spec.shape), name.replace(/[^A-Za-z0-9_.$]/g, '_'));
  if (spec.sharding !== undefined)
    traced.b.setLayout(traced.id(param), readLayout(traced, spec.sharding, spec.shape.length));
  return param;
}

/** Arguments by the names of the function's parameters; one that is taken apart has none. */
function namedArguments(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
): { name: string; specs: unknown }[] {
  if (!Array.isArray(args))
    fail('SH0607', `args is ${describe(args)}`, { expected: 'one tree of specs per parameter' });
  const names = asWritten(parameterNames(fn));
  const isRest = names.at(-1)?.startsWith('...') === true || /\[native code\]/.test(fn.toString());
  if (args.length < fn.length || (args.length > names.length && !isRest))
    fail('SH0607', `the function has ${names.length} parameters, args has ${args.length}`, {
      expected: `one tree of specs for each of ${names.map((n) => n.split('=')[0]?.trim() ?? '').join(', ') || 'no parameter'}`,
    });
  const isNamed = (name: string | undefined): name is string => name !== undefined && /^[A-Za-z_$][\w$]*$/.test(name);
  return args.map((specs: unknown, i) => {
    const name = names[i];
    const plain = isSpec(specs);
    return { name: isNamed(name) ? name : plain || args.length > 1 ? `arg${i}` : '', specs };
  });
}

/** tsx gives a parameter a number where a name of the file around it is the same: `params2` is written `params`. */
function asWritten(names: readonly string[]): readonly string[] {
  const numbered = /^([A-Za-z_$][\w$]*?)\d+$/;
  if (!names.some((name) => numbered.test(name))) return names;
  const file = callerOrigin().user?.file;
  if (file === undefined || !existsSync(file)) return names;
  const words = new Set(readFileSync(file, 'utf8').match(/[\w$]+/g));
  return names.map((name) => {
    const [, plain] = numbered.exec(name) ?? [];
    return plain !== undefined && !words.has(name) && words.has(plain) ? plain : name;
  });
}

/** `(x, { w1, w2 }, lr = 0.1) => …` → x, { w1, w2 }, lr. */
function parameterNames(fn: (...args: never[]) => unknown): string[] {
  const text = fn.toString();
  const single = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(text);
  if (single !== null) return [single[1] as string];
  const names: string[] = [];
  let [depth, from] = [0, text.indexOf('(') + 1];
  for (let i = from - 1; i < text.length && i >= 0; i++) {
    const c = text[i] as string;
    if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    if ((c === ',' && depth === 1) || depth === 0) {
      names.push((text.slice(from, i).split('=')[0] as string).trim());
      from = i + 1;
    }
    if (depth === 0) break;
  }
  return names;
}
