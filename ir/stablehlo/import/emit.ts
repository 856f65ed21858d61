/** Ops as read → ops of the function, with the layouts that the text gives them. */
import { userError } from '../../diagnostics.ts';
import { bringsIn, isHostTransfer } from '../../ops/host-transfers.ts';
import type { Attrs, Block, Op, Origin, ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { fitsType, hasUnknownDims, type TensorType, typeText } from '../../types.ts';
import { unknownDims } from '../reader.ts';
import { type Annotation, withOpenDims } from '../gspmd/annotations.ts';
import { parseUnspecifiedDims } from '../gspmd/sharding.ts';
import { EXPANDED, EXPANSIONS } from '../expansions.ts';
import { InferError } from '../../op.ts';
import type { Raw } from '../op-attrs.ts';
import { noteSizes, refused, setSize, withinBounds } from './bounded.ts';
import { type Head, type ImportContext, type Named, type Sharded, shardedOf } from './context.ts';

const SPELLED: ReadonlySet<string> = new Set(['sdy.constant', 'stablehlo.create_token', 'stablehlo.dot']);

/** Between a tensor and its shards, in programs that were written per device (`shard_map`). */
const FULL_TO_SHARD = 'SPMDFullToShardShape';
const SHARD_TO_FULL = 'SPMDShardToFullShape';
const CROSSINGS: ReadonlySet<string> = new Set([FULL_TO_SHARD, SHARD_TO_FULL]);
/** Calls whose `unspecified_dims` count. */
const LEAVES_DIMS_OPEN: ReadonlySet<string> = new Set(['Sharding', SHARD_TO_FULL]);

export interface Written {
  readonly operands: readonly ValueId[];
  readonly types: readonly TensorType[];
  readonly attrs?: Attrs;
  readonly regions?: readonly Block[];
  readonly sharded?: Sharded | undefined;
  /** One name stands for all results. */
  readonly isTuple?: boolean;
}

export function emit(c: ImportContext, given: Head, kind: string, written: Written): readonly ValueId[] {
  const { attrs = {}, regions = [], sharded, isTuple } = written;
  const head = isTuple === true ? asOneName(given, written) : given;
  const types = sized(c, head, kind, written);
  const bounded = withinBounds(c, head, kind, { ...written, types });
  const { operands } = bounded;
  const span = c.r.span(head.from);
  const origin: Origin = { span, ...spelled(head), ...c.locations.maybe() };
  checkCount(c, head, kind, types);
  if (sharded?.layouts !== undefined) checkShardings(c, head, sharded.layouts, types);
  const read = sharded?.gspmd === undefined || sharded.layouts !== undefined ? [] : c.gspmd.read(sharded.gspmd, types);
  const asked = LEAVES_DIMS_OPEN.has(attrs.target as string) ? withOpenDims(read, unspecifiedDims(c, head.from)) : read;
  const made =
    attrs.target === 'Sharding'
      ? operands
      : push(c, head, { kind, operands, attrs, regions, origin }, types, sharded?.layouts, asked);
  const results = made.map((id, i) => constrained(c, id, { asked: asked[i], attrs, origin }));
  noteSizes(c, results, bounded);
  bindNames(c, head.names, results, origin, () => asked.length > 0);
  if (isTuple === true) for (const { name } of head.names) c.defineTuple(name, [...results]);
  return results;
}

/** A tuple's name stands for its values. */
const asOneName = (head: Head, { types }: Written): Head => ({
  ...head,
  names: head.names.slice(0, 1).map(({ name }) => ({ name, count: types.length })),
});

/** Result types; sizes that the text leaves open follow from the operands, or the op is not supported. */
function sized(
  c: ImportContext,
  head: Head,
  kind: string,
  { operands, types, attrs = {}, regions = [] }: Written,
): readonly TensorType[] {
  const open = types.find(hasUnknownDims);
  if (open === undefined) return types;
  const { registry } = c.builder;
  const inferred = Object.hasOwn(registry, kind) ? c.builder.inferred(kind, operands, attrs, regions) : [];
  const agrees = inferred.length === types.length && inferred.every((t, i) => fitsType(t, types[i] as TensorType));
  if (agrees) return inferred;
  throw unknownDims(typeText(open).replaceAll('-1', '?'), c.span(head));
}

/** What is written from here on reads the results by these names; those that `isNamed` go by them in the IR too. */
function bindNames(
  c: ImportContext,
  names: readonly Named[],
  results: readonly ValueId[],
  origin: Origin,
  isNamed: (id: ValueId) => boolean,
): void {
  let next = 0;
  for (const { name, count } of names) {
    const ids = results.slice(next, next + count);
    next += count;
    c.define(name, ids);
    ids.forEach((id, i) => {
      if (isNamed(id)) c.builder.nameLike(id, { type: c.builder.typeOf(id), name: valueName(name, count, i), origin });
    });
  }
}

/** Names that the IR folds into another op's. */
const spelled = ({ spelled: name }: Head): { spelled?: string } =>
  SPELLED.has(name) || (name.startsWith('chlo.') && !EXPANDED.has(name)) ? { spelled: name } : {};

function checkCount(c: ImportContext, { names, from }: Head, kind: string, types: readonly TensorType[]): void {
  if (kind === 'return' || names.length === 0) return;
  const count = names.reduce((n, x) => n + x.count, 0);
  if (count === types.length) return;
  throw c.r.error(`the op has ${types.length} results, ${count} are named`, `${types.length} names`, undefined, from);
}

/** One per result; an op without results may say where it runs. */
function checkShardings(c: ImportContext, head: Head, layouts: unknown, { length }: readonly TensorType[]): void {
  if (!Array.isArray(layouts))
    throw userError('SH0226', `${head.spelled} has one sharding where a list of them is meant`, {
      span: c.span(head),
      expected: '#sdy.sharding_per_value<[<@mesh, [{"x"}, {}]>]>',
    });
  if (layouts.length === length || (length === 0 && layouts.length === 1)) return;
  throw userError('SH0226', `${head.spelled} has ${length} results and ${layouts.length} shardings for them`, {
    span: c.span(head),
    expected: 'one sharding per result',
  });
}

/** `%a` → a; `%a:2` → a#0, a#1. */
const valueName = (name: string, count: number, i: number): string =>
  count === 1 ? name.slice(1) : `${name.slice(1)}#${i}`;

function valueNames(names: readonly Named[]): readonly string[] {
  const [first] = names;
  if (names.length === 1 && first?.count === 1) return [first.name.slice(1)];
  return names.flatMap(({ name, count }) => Array.from({ length: count }, (_, i) => valueName(name, count, i)));
}

function push(
  c: ImportContext,
  { names }: Head,
  op: Omit<Op, 'results'>,
  types: readonly TensorType[],
  layouts: Sharded['layouts'],
  asked: readonly Annotation[],
): readonly ValueId[] {
  const { origin } = op;
  // Where an annotation is met, what it is put on goes by the name.
  const given = asked.length > 0 ? [] : valueNames(names);
  const results = types.map((type, i) => {
    const [layout, name] = [layouts?.[i], given[i]];
    return c.builder.value(type, {
      origin,
      ...(layout === undefined ? {} : { layout: c.attributes.ofRank(layout, type.shape.length) }),
      ...(name === undefined ? {} : { name }),
    });
  });
  const [crossing] = CROSSINGS.has(op.attrs.target as string) ? asked : [];
  const made: Op = { ...op, results, ...(crossing === undefined ? {} : { attrs: { ...op.attrs, crossing } }) };
  c.builder.push(made);
  for (const id of results) c.definitions.set(id, made);
  return results;
}

interface Asked {
  readonly asked: Annotation | undefined;
  readonly attrs: Attrs;
  readonly origin: Origin;
}

/** What GSPMD annotates is fixed there: a constraint stands for it, and later uses read the constrained value. */
function constrained(c: ImportContext, id: ValueId, { asked, attrs, origin }: Asked): ValueId {
  if (asked === undefined) return id;
  const type = c.builder.typeOf(id);
  if (asked.group !== undefined) c.builder.op('sharding_group', [id], [], origin, { group: asked.group });
  if (asked.layout === undefined || type.shape.length === 0 || attrs.target === FULL_TO_SHARD) return id;
  const { layout } = asked;
  if (isMadeAnywhere(c, id)) {
    c.builder.setLayout(id, layout);
    return id;
  }
  const own = attrs.target === 'Sharding' ? {} : { of_op: true };
  return c.builder.op('sharding_constraint', [id], [type], origin, { layout, ...own })[0] as ValueId;
}

/**
 * Constants, iotas and broadcast scalars cost nothing in any layout, and what is fed comes in that which is asked for: an
 * annotation lays them out, and binds no one else.
 */
function isMadeAnywhere(c: ImportContext, id: ValueId): boolean {
  const op = c.definitions.get(id);
  if (op?.kind === 'broadcast_in_dim') return c.builder.typeOf(op.operands[0] as ValueId).shape.length === 0;
  return op !== undefined && (op.kind === 'constant' || op.kind === 'iota' || (isHostTransfer(op) && bringsIn(op)));
}

/** From the `backend_config` of the call that began at this token. */
function unspecifiedDims({ r }: ImportContext, from: number): readonly number[] {
  for (let at = from; at < r.at; at++) {
    const value = r.tokens[at + 2];
    if (r.tokens[at]?.image !== 'backend_config' || value?.tokenType.name !== 'string') continue;
    return parseUnspecifiedDims({ text: value.image.slice(1, -1), start: value.startOffset + 1 });
  }
  return [];
}

// --- ops that stand for others ----------------------------------------------------------------------------------------

/** An op that is read as what it means: its names are those of what comes out. */
export function expand(
  c: ImportContext,
  head: Head,
  kind: string,
  { operands, raw, regions }: { operands: readonly ValueId[]; raw: Raw; regions: readonly Block[] },
): void {
  const maker = (v: ValueId): Op | undefined => c.definitions.get(v);
  if (kind !== 'get_dimension_size' && kind !== 'set_dimension_size' && operands.some((v) => c.bounded.has(v)))
    throw refused(c, head);
  const bounds = {
    size: (v: ValueId, dim: number) => c.bounded.get(v)?.[dim],
    setSize: (v: ValueId, size: ValueId | undefined, dim: number) => setSize(c, v, size, dim),
  };
  writeAs(c, head, kind, raw, (b) => EXPANSIONS[kind]?.({ b, operands, raw, regions, maker, bounds }) ?? []);
}

/** What `make` writes stands for the op. */
export function writeAs(
  c: ImportContext,
  head: Head,
  kind: string,
  { fields, results }: Pick<Raw, 'fields' | 'results'>,
  make: (b: TypedBuilder) => readonly ValueId[],
): void {
  const span = c.span(head);
  c.builder.origin = { span, ...c.locations.maybe() };
  const before = c.builder.values.length;
  const { ops } = c.builder.openBlocks().at(-1) as Block;
  const written = ops.length;
  try {
    const made = make(c.builder);
    for (const op of ops.slice(written)) for (const id of op.results) c.definitions.set(id, op);
    checkResults(c, kind, made, results, head);
    bindMade(c, head.names, made, before, shardedOf(fields));
  } catch (error) {
    if (error instanceof InferError) throw userError('SH0204', `${kind}: ${error.message}`, { span });
    throw error;
  }
}

function checkResults(
  c: ImportContext,
  kind: string,
  made: readonly ValueId[],
  stated: readonly TensorType[],
  head: Head,
): void {
  made.forEach((v, i) => {
    const type = c.builder.typeOf(v);
    const written = stated[i];
    if (written !== undefined && fitsType(type, written)) return;
    throw userError(
      'SH0204',
      `${kind} gives ${typeText(type)}, but is written to give ${written === undefined ? 'nothing' : typeText(written)}`,
      { span: c.span(head), expected: typeText(type) },
    );
  });
}

/** Values made from `before` on take the names and layouts of the op as it was written. */
function bindMade(
  c: ImportContext,
  names: readonly Named[],
  made: readonly ValueId[],
  before: number,
  sharded: Sharded | undefined,
): void {
  const { builder } = c;
  const { origin } = builder;
  const asked =
    sharded?.gspmd === undefined
      ? []
      : c.gspmd.read(
          sharded.gspmd,
          made.map((v) => builder.typeOf(v)),
        );
  made.forEach((v, i) => {
    const layout = sharded?.layouts?.[i];
    if (layout !== undefined && v >= before) builder.setLayout(v, layout);
  });
  const results = made.map((v, i) => constrained(c, v, { asked: asked[i], attrs: {}, origin }));
  noteSizes(c, results, { sizes: made.map((v) => c.bounded.get(v)) });
  bindNames(c, names, results, origin, (v) => v >= before);
}
