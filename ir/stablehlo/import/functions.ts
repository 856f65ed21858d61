/** Modules and functions, in both forms: `func.func @f(%a: t) -> t {…}`, and `"func.func"() <{…}> ({…}) : () -> ()`. */
import { userError } from '../../diagnostics.ts';
import type { Layout } from '../../layout.ts';
import type { Block, Func, Origin, ValueId } from '../../program.ts';
import type { TensorType } from '../../types.ts';
import type { Annotation } from '../gspmd/annotations.ts';
import { deviceIndices } from '../gspmd/device-index.ts';
import { manualRegions } from '../gspmd/manual.ts';
import type { ShardingText } from '../gspmd/sharding.ts';
import type { ImportContext } from './context.ts';
import { textOf } from './op-fields.ts';

interface Param {
  readonly arg: string;
  readonly type: TensorType;
  readonly origin: Origin;
}

/** The layout of an argument or result, and its other attributes as text. */
interface Attributes {
  readonly layout: Layout | undefined;
  readonly rest: string | undefined;
}

type Own = Pick<Func, 'attrs' | 'original'>;

interface Signature extends Own {
  readonly name: string;
  readonly isPublic: boolean;
  readonly saysPublic: boolean;
  readonly params: readonly (Param & Attributes)[];
  readonly results: readonly ({ readonly type: TensorType } & Attributes)[];
}

export function topLevel(c: ImportContext): void {
  const { r } = c;
  if (r.isKind('hash')) alias(c);
  else if (r.accept('sdy.mesh')) mesh(c, () => {});
  else if (r.accept('func.func')) prettyFunction(c);
  else if (r.accept('"sdy.mesh"')) genericMesh(c, () => {});
  else if (r.accept('"func.func"')) genericFunction(c);
  else throw r.unexpected('func.func or sdy.mesh');
}

/** `#name = …`: a location, or an attribute that is read where it is named. */
export function alias(c: ImportContext): void {
  const { r } = c;
  if (r.peek(2) === 'loc') return c.locations.skipAlias();
  const name = r.take();
  r.expect('=');
  r.aliases.set(name, r.at);
  r.take();
  if (r.is('<')) r.skipBrackets();
}

/** All meshes of the file: symbols may be read before the line that defines them. */
export function readMeshes(c: ImportContext): void {
  const { r } = c;
  const add: AddMesh = (name, body, at) => addMesh(c, name, body, at);
  r.tokens.forEach(({ image }, i) => {
    if (image !== 'sdy.mesh' && image !== '"sdy.mesh"') return;
    const next = r.tokens[i + 1]?.tokenType.name;
    if (image === 'sdy.mesh' && (next === 'symbol' || next === 'quotedSymbol')) r.readAt(i + 1, () => mesh(c, add));
    if (image === '"sdy.mesh"' && r.tokens[i + 1]?.image === '(') r.readAt(i + 1, () => genericMesh(c, add));
  });
}

type Body = ReturnType<ImportContext['attributes']['meshBody']>;
type AddMesh = (
  name: string,
  body: Body,
  at: { readonly at: number; readonly texts: ReadonlyMap<string, string> },
) => void;

/** `@mesh = <["x"=2, "y"=4], device_ids=[…]> {…}` */
function mesh(c: ImportContext, add: AddMesh): void {
  const { r } = c;
  const at = r.at;
  const name = r.symbol();
  r.expect('=');
  const body = c.attributes.meshBody();
  const texts = new Map<string, string>();
  if (r.is('{')) c.attributes.dict('}', '{', texts);
  c.locations.maybe();
  add(name, body, { at, texts });
}

function genericMesh(c: ImportContext, add: AddMesh): void {
  const { r } = c;
  const at = r.at;
  r.list('(', ')', () => r.take());
  const texts = new Map<string, string>();
  const fields = bothDicts(c, texts);
  signatureOfNothing(c);
  c.locations.maybe();
  add(String(fields.get('sym_name')), fields.get('mesh') as unknown as Body, { at, texts });
}

function addMesh(
  c: ImportContext,
  name: string,
  body: Body,
  { at, texts }: { readonly at: number; readonly texts: ReadonlyMap<string, string> },
): void {
  const { meshes } = c.attributes;
  if (meshes.some((m) => m.name === name))
    throw userError('SH0217', `there are two meshes @${name}`, { span: c.r.span(at, at) });
  const attrs = c.options.asWritten === true ? textOf([...texts].filter(([key]) => !MESH_OWN.has(key))) : '';
  meshes.push({ name, ...body, ...(attrs === '' ? {} : { attrs }) });
}

const MESH_OWN: ReadonlySet<string> = new Set(['mesh', 'sym_name']);

/** `<{…}> {…}`, either or both. */
function bothDicts(c: ImportContext, texts: Map<string, string>): Map<string, unknown> {
  const { r } = c;
  const fields = new Map<string, unknown>();
  if (r.accept('<')) {
    for (const [k, v] of c.attributes.dict('}', '{', texts)) fields.set(k, v);
    r.expect('>');
  }
  if (r.is('{')) for (const [k, v] of c.attributes.dict('}', '{', texts)) fields.set(k, v);
  return fields;
}

/** `: () -> ()` */
export function signatureOfNothing({ r }: ImportContext): void {
  for (const image of [':', '(', ')', '->', '(', ')']) r.expect(image);
}

// --- functions --------------------------------------------------------------------------------------------------------

function prettyFunction(c: ImportContext): void {
  const { r } = c;
  const saysPublic = r.accept('public');
  const isPublic = saysPublic || !r.accept('private');
  const name = r.symbol();
  c.beginFunction();
  const params = r.list('(', ')', () => {
    const arg = r.takeKind('value', 'an argument');
    r.expect(':');
    const types = r.staticLeaves();
    const attributes = valueAttrs(c, types);
    const origin = { span: r.span(r.at - 1), ...c.locations.maybeArgument() };
    return attributes.map((given) => ({ arg, origin, ...given }));
  });
  const results = r.accept('->') ? resultList(c) : [];
  const own = r.accept('attributes') ? functionAttrs(c) : {};
  r.expect('{');
  finish(c, { name, isPublic, saysPublic, ...own, params: params.flat(), results });
}

/** What a function says of itself: all but the name of what it was copied from is kept as text. */
function functionAttrs(c: ImportContext): Own {
  const texts = new Map<string, string>();
  const original = c.attributes.dict('}', '{', texts).get(ORIGINAL_NAME);
  const attrs = textOf([...texts].filter(([key]) => key !== ORIGINAL_NAME));
  return {
    ...(attrs === '' ? {} : { attrs }),
    ...(original === undefined ? {} : { original: String(original) }),
  };
}

const ORIGINAL_NAME = 'sdy.original_func_name';

function resultList(c: ImportContext): Signature['results'] {
  const { r } = c;
  if (r.is('(')) return r.list('(', ')', () => valueAttrs(c, r.staticLeaves())).flat();
  return r.staticLeaves().map((type) => ({ type, ...NO_ATTRIBUTES }));
}

const NO_ATTRIBUTES: Attributes = { layout: undefined, rest: undefined };

type Given = { readonly type: TensorType } & Attributes;

/** `{sdy.sharding = …, jax.result_info = "…"}` of an argument or result; one that is a tuple has several types. */
function valueAttrs(c: ImportContext, types: readonly TensorType[]): Given[] {
  const { r } = c;
  if (!r.is('{')) return types.map((type) => ({ type, ...NO_ATTRIBUTES }));
  let layout: Layout | undefined;
  let gspmd: readonly Annotation[] = [];
  const rest: string[] = [];
  r.list('{', '}', () => {
    const from = r.at;
    const [key, value] = c.attributes.entry();
    if (key === 'sdy.sharding') layout = c.attributes.asLayout(value);
    else if (key === 'mhlo.sharding') gspmd = c.gspmd.read(value as unknown as ShardingText, types);
    else rest.push(r.slice(from, r.at));
  });
  const text = rest.length > 0 && types.length === 1 ? rest.join(', ') : undefined;
  return types.map((type, i) => {
    const own = layout === undefined ? undefined : c.attributes.ofRank(layout, type.shape.length);
    return { type, layout: own ?? gspmd[i]?.layout, rest: text };
  });
}

/** Where each property of a generic function stands: some are read by what others say. */
function genericFunction(c: ImportContext): void {
  const { r } = c;
  r.list('(', ')', () => r.take());
  const places = new Map<string, number>();
  r.expect('<');
  r.list('{', '}', () => {
    const key = r.take();
    // A bare name says it all: no_inline.
    if (!r.accept('=')) return;
    places.set(key, r.at);
    while (!r.is(',') && !r.is('}'))
      if (/^[([{<]$/.test(r.image)) r.skipBrackets();
      else r.take();
  });
  r.expect('>');
  c.beginFunction();
  const head = genericSignature(c, places);
  r.expect('(');
  r.expect('{');
  // Their types are the signature's.
  const args = c.blockParams(() => r.staticLeaves()[0] as TensorType);
  const origin = { span: r.span(r.at - 1) };
  const params = head.params.flatMap((leaves, i) => leaves.map((p) => ({ ...p, arg: args[i]?.name ?? '%', origin })));
  const func = finish(c, { ...head, params });
  r.expect(')');
  if (r.is('{')) Object.assign(func, functionAttrs(c));
  signatureOfNothing(c);
  c.locations.maybe();
}

function genericSignature(
  c: ImportContext,
  places: ReadonlyMap<string, number>,
): Omit<Signature, 'params'> & { readonly params: readonly (readonly Given[])[] } {
  const { r } = c;
  const at = <X>(key: string, read: () => X): X | undefined => {
    const place = places.get(key);
    return place === undefined ? undefined : r.readAt(place, read);
  };
  const types = at('function_type', () => {
    const params = r.list('(', ')', () => r.staticLeaves());
    r.expect('->');
    return { params, results: r.is('(') ? r.list('(', ')', () => r.staticLeaves()) : [r.staticLeaves()] };
  });
  const name = at('sym_name', () => r.string());
  if (types === undefined || name === undefined)
    throw r.error('a function without its type or name', 'function_type and sym_name');
  const visibility = at('sym_visibility', () => r.string());
  const each = (key: string, of: readonly (readonly TensorType[])[]): Given[][] => {
    const rest = [...of];
    const given = at(key, () => r.list('[', ']', () => valueAttrs(c, rest.shift() ?? []))) ?? [];
    return of.map((types, i) => given[i] ?? types.map((type) => ({ type, ...NO_ATTRIBUTES })));
  };
  const isPublic = visibility !== 'private';
  const saysPublic = visibility === 'public';
  const [params, results] = [each('arg_attrs', types.params), each('res_attrs', types.results)];
  return { name, isPublic, saysPublic, params, results: results.flat() };
}

/** Reads the body, whose brace is taken. */
function finish(c: ImportContext, { params, results, ...said }: Signature): Func {
  const body = c.builder.region(() => {
    const named = new Map<string, ValueId[]>();
    for (const { arg, type, origin, layout } of params) {
      const before = named.get(arg) ?? [];
      const name = before.length === 0 ? arg.slice(1) : `${arg.slice(1)}#${before.length}`;
      const info = { name, origin, ...(layout === undefined ? {} : { layout }) };
      named.set(arg, [...before, c.builder.param(type, info)]);
    }
    for (const [arg, ids] of named) c.defineTuple(arg, ids);
    c.ops();
  });
  c.locations.maybe();
  const made: Func = {
    ...said,
    body: withManualRegions(c, body),
    values: c.builder.values,
    paramAttrs: params.map((p) => p.rest),
    resultTypes: results.map((x) => x.type),
    resultLayouts: results.map((x) => x.layout),
    resultAttrs: results.map((x) => x.rest),
  };
  c.functions.push(made);
  return made;
}

/** GSPMD's manual computations, which are written flat. */
function withManualRegions({ annotations, builder }: ImportContext, body: Block): Block {
  if (annotations === undefined) return body;
  const { meshes } = annotations;
  return manualRegions(deviceIndices(body, builder, meshes), builder, meshes);
}
