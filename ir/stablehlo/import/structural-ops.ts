/** Ops with a form of their own: constants, calls, returns, tuples, loops and reductions. */
import { userError } from '../../diagnostics.ts';
import { tripCountOf } from '../../loops.ts';
import type { Attrs, Block, ValueId } from '../../program.ts';
import { tensor, type TensorType, typeText } from '../../types.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { APPROX_TOP_K, approxTopK } from '../approx-top-k.ts';
import { denseElements } from '../dense-elements.ts';
import { opOfCall } from '../named-calls.ts';
import { rotationOf } from '../rotate-call.ts';
import { type Head, type ImportContext, type Sharded, shardedOf, type Typed } from './context.ts';
import { emit, writeAs } from './emit.ts';
import { deviceOf, hasEffects } from './host-ops.ts';
import { dictFields, Fields, keptAttrs, ruleAttrs, textOf } from './op-fields.ts';
import { type ReadOp, writeTensorOp } from './tensor-op.ts';
import { plainReducer } from './plain-reducer.ts';

export function constant(c: ImportContext, head: Head): void {
  const fields = dictFields(c);
  writeConstant(
    c,
    head,
    denseElements(c.r, () => c.r.tensorType()),
    fields,
  );
}

export function writeConstant(
  c: ImportContext,
  head: Head,
  { data, type }: ReturnType<typeof denseElements>,
  fields: Fields,
): void {
  const attrs = { value: { data }, dtype: type.dtype, shape: type.shape, ...keptAttrs(c, fields) };
  emit(c, head, 'constant', { operands: [], types: [type], attrs, sharded: shardedOf(fields) });
}

export function returns(c: ImportContext, head: Head): void {
  const { r } = c;
  const fields = dictFields(c);
  const operands = c.uses();
  if (r.accept(':'))
    do r.leafTypes();
    while (r.accept(','));
  emit(c, head, 'return', { operands, types: [], attrs: keptAttrs(c, fields) });
}

/** `stablehlo.optimization_barrier {…} %a, %b : t, t` */
export function barrier(c: ImportContext, head: Head): void {
  const { r } = c;
  const fields = dictFields(c);
  const braced = r.accept('(');
  const operands = c.uses();
  if (braced) r.expect(')');
  dictFields(c, fields);
  r.expect(':');
  do r.tensorType();
  while (r.accept(','));
  const types = operands.map((v) => c.builder.typeOf(v));
  emit(c, head, head.kind, { operands, types, attrs: keptAttrs(c, fields), sharded: shardedOf(fields) });
}

/** A token from nothing. */
export function createToken(c: ImportContext, head: Head): void {
  const fields = dictFields(c);
  if (c.r.is(':')) c.types([]);
  emit(c, head, 'after_all', { operands: [], types: [tensor('token', [])], attrs: keptAttrs(c, fields) });
}

// --- calls ------------------------------------------------------------------------------------------------------------

export function call(c: ImportContext, head: Head): void {
  const callee = c.r.symbol();
  const operands = c.r.list('(', ')', () => c.useAll()).flat();
  const fields = dictFields(c);
  writeCall(c, head, callee, operands, c.typesOf(operands), fields);
}

/** `stablehlo.composite "name" %a {…, decomposition = @f} : (t) -> t`: a call of what it is composed of. */
export function composite(c: ImportContext, head: Head): void {
  c.r.string();
  const operands = c.uses();
  const fields = dictFields(c);
  writeCall(c, head, String(fields.get('decomposition')), operands, c.typesOf(operands), new Fields(fields));
}

export function writeCall(
  c: ImportContext,
  head: Head,
  callee: string,
  operands: readonly ValueId[],
  { types, isTuple = false }: { readonly types: readonly TensorType[]; readonly isTuple?: boolean },
  fields: Fields,
): void {
  const attrs = { callee, ...keptAttrs(c, fields) };
  emit(c, head, 'call', { operands, types, isTuple, attrs, sharded: shardedOf(fields) });
}

/** `stablehlo.custom_call @target(%a) {…} : (t) -> t` */
export function customCall(c: ImportContext, head: Head): void {
  const target = c.r.symbol();
  const operands = c.r.list('(', ')', () => c.useAll()).flat();
  const fields = dictFields(c);
  writeCustomCall(c, head, target, { operands, ...c.typesOf(operands), fields });
}

/** Attributes of a custom call that are not kept as written. */
const CALL_FIELDS: ReadonlySet<string> = new Set([
  'call_target_name',
  'sdy.sharding_rule',
  'sdy.sharding',
  'mhlo.sharding',
]);

export function writeCustomCall(
  c: ImportContext,
  head: Head,
  target: string,
  read: Pick<ReadOp, 'operands' | 'types' | 'isTuple' | 'fields'>,
): void {
  const { operands, types, isTuple = false, fields } = read;
  const sharded = shardedOf(fields);
  const verbatim = textOf([...fields.verbatim].filter(([key]) => !CALL_FIELDS.has(key)));
  if (target === APPROX_TOP_K && c.options.asWritten !== true) {
    const make = (b: TypedBuilder): ValueId[] => approxTopK(b, operands, types, verbatim, c);
    return writeAs(c, head, target, { fields, results: types }, make);
  }
  // A rotation stays one in what Shardy's passes print; other ops stay the calls they are there.
  const config = fields.get('backend_config');
  const known =
    c.options.asWritten !== true || rotationOf(target, config ?? verbatim) !== undefined
      ? opOfCall(target, config, verbatim)
      : undefined;
  if (known !== undefined) {
    emit(c, head, known.kind, { operands, types, attrs: known.attrs, sharded });
    return;
  }
  const attrs: Attrs = {
    target,
    verbatim,
    result_types: types.map(typeText),
    ...ruleAttrs(fields),
    ...whereItRuns(c, fields, types, sharded),
  };
  emit(c, head, 'custom_call', { operands, types, isTuple, attrs, sharded });
}

/** A call without results keeps where it runs; one with effects runs on the device that it names. */
function whereItRuns(c: ImportContext, fields: Fields, types: readonly TensorType[], sharded?: Sharded): Attrs {
  const device = c.options.asWritten !== true && hasEffects(fields) ? deviceOf(c, sharded) : undefined;
  if (device !== undefined) return { device };
  return types.length > 0 || sharded?.layouts === undefined ? {} : { effect_layouts: sharded.layouts };
}

/** `stablehlo.tuple %a, %b : tuple<t, u>` is the list of its values, `get_tuple_element %t[1] : (…) -> u` some of them. */
export function tuple(c: ImportContext, { names, kind }: Head): void {
  const { r } = c;
  const held: ValueId[] = [];
  let index = 0;
  while (r.isKind('value')) {
    held.push(...c.useAll());
    if (r.accept('[')) {
      index = r.integer();
      r.expect(']');
    }
    r.accept(',');
  }
  dictFields(c);
  r.expect(':');
  const sizes = tupleSizes(c);
  for (const { name } of names) c.defineTuple(name, kind === 'tuple' ? held : elementOf(held, sizes, index));
}

/** Of the tuple's elements, how many values each is; those of what follows it are read past. */
export function tupleSizes({ r }: ImportContext): number[] {
  const braced = r.accept('(');
  r.expect('tuple');
  const sizes = r.nested(() => r.list('<', '>', () => r.leafTypes().length));
  if (braced) r.expect(')');
  if (r.accept('->')) r.leafTypes();
  return sizes;
}

export function elementOf(held: readonly ValueId[], sizes: readonly number[], index: number): readonly ValueId[] {
  const before = sizes.slice(0, index).reduce((n, s) => n + s, 0);
  return held.slice(before, before + (sizes[index] ?? 0));
}

// --- loops and reductions ---------------------------------------------------------------------------------------------

/** `stablehlo.while(%a = %0, …) : types cond {…} do {…}` */
export function whileLoop(c: ImportContext, head: Head): void {
  const { r } = c;
  const carried = r.list('(', ')', () => {
    const name = r.takeKind('value', 'a loop variable');
    r.expect('=');
    return { name, init: c.use() };
  });
  const types: TensorType[] = [];
  if (r.accept(':') && carried.length > 0)
    do types.push(r.tensorType());
    while (r.accept(','));
  if (types.length !== carried.length)
    throw r.error(`the loop carries ${carried.length} values and names ${types.length} types`, 'a type for each');
  const fields = r.accept('attributes') ? dictFields(c) : new Fields();
  const params = carried.map(({ name }, i): Typed => ({ name, type: types[i] as TensorType }));
  r.expect('cond');
  const cond = c.region(params);
  r.expect('do');
  const body = c.region(params);
  writeWhile(c, head, { operands: carried.map((x) => x.init), types, fields, regions: [cond, body] });
}

export function writeWhile(
  c: ImportContext,
  head: Head,
  read: {
    readonly operands: readonly ValueId[];
    readonly types: readonly TensorType[];
    readonly fields: Fields;
    readonly regions: readonly Block[];
  },
): void {
  const { operands, types, fields, regions } = read;
  const trips = tripCountOf({ operands, regions }, c.definitions);
  const attrs = { ...(trips === null ? {} : { trip_count: trips }), ...keptAttrs(c, fields) };
  emit(c, head, 'while', { operands, types, attrs, regions, sharded: shardedOf(fields) });
}

/** `chlo.scan(%a) inits (%c) dimension=0 attributes {…} {…} : (t, u) -> (t, u)` */
export function scan(c: ImportContext, head: Head): void {
  const { r } = c;
  const inputs = r.list('(', ')', () => c.use());
  r.expect('inits');
  const inits = r.list('(', ')', () => c.use());
  const fields = new Fields([['operandSegmentSizes', [inputs.length, inits.length]]]);
  r.expect('dimension');
  r.expect('=');
  fields.set('dimension', r.integer());
  if (r.accept('attributes')) dictFields(c, fields);
  const regions = [c.region()];
  const operands = [...inputs, ...inits];
  writeTensorOp(c, head, { operands, types: c.types(operands), fields, regions });
}

/** Both forms of reduce: `applies stablehlo.add`, or a `reducer(…)` region. */
export function reduce(c: ImportContext, head: Head): void {
  const { r } = c;
  const pairs: [ValueId, ValueId][] = [];
  do {
    r.expect('(');
    const input = c.use();
    r.expect('init');
    r.expect(':');
    pairs.push([input, c.use()]);
    r.expect(')');
  } while (r.accept(','));
  const applied = r.accept('applies') ? r.take().replace('stablehlo.', '') : undefined;
  for (const word of ['across', 'dimensions', '=']) r.expect(word);
  const dims = r.integers();
  const fields = dictFields(c);
  const operands = [...pairs.map((p) => p[0]), ...pairs.map((p) => p[1])];
  const types = c.types(operands);
  const [type] = types;
  if (type === undefined) throw userError('SH0204', 'the reduction has no result', { span: c.span(head) });
  const region = applied === undefined ? plainReducer(c, reducer(c)) : simpleReducer(c, head, applied, type);
  const attrs = { dims, ...keptAttrs(c, fields), ...ruleAttrs(fields) };
  emit(c, head, 'reduce', { operands, types, attrs, regions: [region], sharded: shardedOf(fields) });
}

/** `reducer(%a: t, %b: t) (%c: t, %d: t) {…}`: pairs (accumulated, element) per input. */
function reducer(c: ImportContext): Block {
  c.r.expect('reducer');
  const groups: Typed[][] = [];
  while (c.r.is('(')) groups.push(c.typedNames());
  return c.region([0, 1].flatMap((side) => groups.flatMap((g) => g.slice(side, side + 1))));
}

function simpleReducer(c: ImportContext, head: Head, kind: string, type: TensorType): Block {
  const origin = { span: c.span(head) };
  const scalar = tensor(type.dtype, []);
  return c.builder.region(() => {
    const params = [c.builder.param(scalar), c.builder.param(scalar)];
    c.builder.op('return', c.builder.op(kind, params, [scalar], origin), [], origin);
  });
}
