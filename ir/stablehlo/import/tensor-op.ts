/** Ops without a form of their own: `stablehlo.op %a, %b, key = value, WORD {…} : types`, and the same in generic form. */
import { isHostTransfer } from '../../ops/host-transfers.ts';
import type { Block, ValueId } from '../../program.ts';
import { tensor, type TensorType } from '../../types.ts';
import type { Value } from '../attributes.ts';
import { COLLECTIVE_OPS } from '../collectives.ts';
import { writeCollective, writeDeviceId, type Writer } from '../device-ops.ts';
import { isExpanded } from '../expansions.ts';
import { OP_ATTRS, type Raw } from '../op-attrs.ts';
import { hasSyntax } from '../print-op.ts';
import { type Head, type ImportContext, shardedOf } from './context.ts';
import { emit, expand } from './emit.ts';
import { dictFields, dotAsGeneral, extraAttrs, Fields, ruleAttrs } from './op-fields.ts';
import { writeHostTransfer } from './host-ops.ts';
import { isMhlo, writeMhlo } from './mhlo-ops.ts';
import { plainReducer } from './plain-reducer.ts';
import { isPointToPoint, writePointToPoint } from './point-to-point.ts';

export interface ReadOp {
  readonly operands: readonly ValueId[];
  readonly types: readonly TensorType[];
  /** They are those of one tuple. */
  readonly isTuple?: boolean;
  readonly fields: Fields;
  readonly lists?: readonly (readonly number[])[];
  readonly words?: readonly string[];
  readonly regions?: readonly Block[];
}

export function tensorOp(c: ImportContext, head: Head): void {
  const { r } = c;
  const operands: ValueId[] = [];
  const fields = new Fields();
  const words: string[] = [];
  const lists: number[][] = [];
  while (!r.is(':')) {
    if (r.accept(',') || r.accept('(') || r.accept(')')) continue;
    if (r.isKind('value')) operands.push(c.use());
    else if (r.is('{')) dictFields(c, fields);
    else if (r.is('[')) lists.push(...r.list('[', ']', () => range(c)));
    else if (r.peek(1) === '=') keyed(c, fields);
    else words.push(r.takeKind('id', 'an operand, an attribute or `:`'));
  }
  writeTensorOp(c, head, { operands, types: c.types(operands), fields, words, lists });
}

function keyed(c: ImportContext, fields: Fields): void {
  const { r } = c;
  const key = r.take();
  r.take();
  const start = r.at;
  fields.set(key, field(c));
  fields.verbatim.set(key, r.slice(start, r.at));
}

/** A value, a pair `[0] x [0]`, or a convolution's `[b, f]x[i, o]->[b, f]`. */
function field({ r, attributes }: ImportContext): Value {
  if (r.isKind('number')) return r.integer(); // no `: type` of its own: the op's types follow
  const value = attributes.value();
  if (!r.accept('x')) return value;
  const second = attributes.value();
  return r.accept('->') ? [value, second, attributes.value()] : [value, second];
}

/** `1:3:2` of slice. */
function range({ r }: ImportContext): number[] {
  const numbers = [r.integer()];
  while (r.accept(':')) numbers.push(r.integer());
  return numbers;
}

export function writeTensorOp(c: ImportContext, head: Head, read: ReadOp): void {
  const { operands, types, fields, regions = [], lists = [], words = [] } = read;
  const { kind } = head;
  const raw: Raw & { readonly fields: Fields } = {
    fields,
    lists,
    words,
    verbatim: fields.verbatim,
    operands: operands.map((v) => c.builder.typeOf(v)),
    results: types,
  };
  if (isExpanded(kind, raw)) return expand(c, head, kind, { operands, raw, regions });
  if (c.options.asWritten !== true) {
    if (isPointToPoint(head, read)) return writePointToPoint(c, head, read);
    if (isHostTransfer(head)) return writeHostTransfer(c, head, read);
    if (isMhlo(head)) return writeMhlo(c, head, read, raw);
  }
  if (kind === 'dot') return writeKnown(c, head, 'dot_general', read, dotAsGeneral(raw));
  writeKnown(c, head, kind, read, raw);
}

function writeKnown(
  c: ImportContext,
  head: Head,
  kind: string,
  { operands, types, regions = [] }: ReadOp,
  raw: Raw & { readonly fields: Fields },
): void {
  const { fields } = raw;
  const attrs = {
    ...(Object.hasOwn(OP_ATTRS, kind) ? OP_ATTRS[kind]?.(raw) : {}),
    ...extraAttrs(fields, hasSyntax(kind)),
    ...ruleAttrs(fields),
  };
  const plain = kind === 'reduce' ? regions.map((region) => plainReducer(c, region)) : regions;
  emit(c, head, kind, { operands, types, attrs, regions: plain, sharded: shardedOf(fields) });
}

// --- ops that name devices --------------------------------------------------------------------------------------------

/** Collectives and partition_id, read as ours unless they stay as written. */
export const namesDevices = ({ options }: ImportContext, kind: string): boolean =>
  options.asWritten !== true && (COLLECTIVE_OPS.has(kind) || kind === 'partition_id' || kind === 'replica_id');

export function writeDeviceOp(c: ImportContext, head: Head, read: ReadOp): void {
  const { operands, types, fields, regions = [] } = read;
  const { kind, names, from } = head;
  const devices = c.devices(kind, from);
  if (!COLLECTIVE_OPS.has(kind)) return writeDeviceId(writer(c, head), devices, kind, types[0] ?? tensor('u32', []));
  const given = operands.map((id) => ({ id, rank: c.builder.typeOf(id).shape.length }));
  const results = writeCollective(writer(c, head), devices, kind, given, types, fields, regions);
  const [name] = names;
  if (operands.length > 1 && name !== undefined) c.define(name.name, results);
}

export const writer = (c: ImportContext, head: Head): Writer => ({
  span: c.span(head),
  emit: (isNamed, kind, operands, types, attrs) =>
    emit(c, isNamed ? head : { ...head, names: [] }, kind, { operands, types, attrs }),
});
