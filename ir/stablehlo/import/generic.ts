/**
 * The form that MLIR has for any op:
 *
 *   %r = "stablehlo.gather"(%a, %b) <{…properties…}> ({…}, {…}) {…attributes…} : (t, t) -> t
 */
import { userError } from '../../diagnostics.ts';
import type { Layout } from '../../layout.ts';
import type { Attr, ValueId } from '../../program.ts';
import type { Value } from '../attributes.ts';
import { denseElements } from '../dense-elements.ts';
import { SDY_COLLECTIVES } from '../sdy-collectives.ts';
import { type Head, type ImportContext, shardedOf } from './context.ts';
import { emit } from './emit.ts';
import { dictFields, Fields, keptAttrs } from './op-fields.ts';
import { writeComputation, writeConstraint, writeGroup, writeSdyCollective } from './sdy-ops.ts';
import {
  createToken,
  elementOf,
  tupleSizes,
  writeCall,
  writeConstant,
  writeCustomCall,
  writeWhile,
} from './structural-ops.ts';
import { namesDevices, type ReadOp, writeDeviceOp, writeTensorOp } from './tensor-op.ts';

export function generic(c: ImportContext, head: Head): void {
  const { r } = c;
  if (head.kind === 'tuple' || head.kind === 'get_tuple_element') return tuple(c, head);
  const operands = r.list('(', ')', () => c.useAll()).flat();
  const fields = new Fields();
  const constant = head.kind === 'constant' ? constantFields(c, fields) : undefined;
  properties(c, fields);
  const isolated = ISOLATED.has(head.kind);
  const regions = r.is('(') ? r.list('(', ')', () => (isolated ? c.isolatedRegion() : c.region())) : [];
  dictFields(c, fields);
  if (constant !== undefined) {
    c.types([]);
    return writeConstant(c, head, constant, fields);
  }
  const writer = head.spelled.startsWith('sdy.') ? SDY_WRITERS.get(head.kind) : WRITERS.get(head.kind);
  if (isolated) return computation(c, head, { operands, fields, regions });
  const read: ReadOp = { operands, fields, regions, ...c.typesOf(operands) };
  if (head.spelled.startsWith('sdy.') && Object.hasOwn(SDY_COLLECTIVES, head.kind)) return collective(c, head, read);
  if (namesDevices(c, head.kind)) return writeDeviceOp(c, head, read);
  if (writer !== undefined) return writer(c, head, read);
  writeTensorOp(c, head.kind === 'if' ? { ...head, kind: 'case' } : head, read);
}

const ISOLATED: ReadonlySet<string> = new Set(['manual_computation', 'named_computation']);

function properties(c: ImportContext, fields: Fields): void {
  if (!c.r.accept('<')) return;
  dictFields(c, fields);
  c.r.expect('>');
}

type Write = (c: ImportContext, head: Head, read: ReadOp) => void;

const returns: Write = (c, head, { operands, fields }) =>
  void emit(c, head, 'return', { operands, types: [], attrs: keptAttrs(c, fields) });

const WRITERS: ReadonlyMap<string, Write> = new Map<string, Write>([
  ['call', (c, head, read) => writeCall(c, head, String(read.fields.get('callee')), read.operands, read, read.fields)],
  [
    'composite',
    (c, head, read) =>
      writeCall(c, head, String(read.fields.get('decomposition')), read.operands, read, new Fields(read.fields)),
  ],
  ['create_token', (c, head) => createToken(c, head)],
  ['custom_call', (c, head, read) => writeCustomCall(c, head, String(read.fields.get('call_target_name')), read)],
  ['return', returns],
  ['while', (c, head, read) => writeWhile(c, head, { ...read, regions: read.regions ?? [] })],
]);

// --- the sdy dialect --------------------------------------------------------------------------------------------------

const constraint: Write = (c, head, { operands, types, fields }) =>
  writeConstraint(c, head, { operand: only(c, head, operands), layout: layoutIn(c, head, fields), types, fields });

const edge: Write = (c, head, { operands, types, fields }) => {
  const layout = fields.get('sharding');
  const sharded = layout === undefined ? shardedOf(fields) : { layouts: [c.attributes.asLayout(layout)] };
  emit(c, head, head.kind, { operands, types, attrs: keptAttrs(c, fields), sharded });
};

const SDY_WRITERS: ReadonlyMap<string, Write> = new Map<string, Write>([
  ['data_flow_edge', edge],
  ['func_data_flow_edge', edge],
  [
    'propagation_barrier',
    (c, head, { operands, types, fields }) => {
      const direction = DIRECTIONS[Number(fields.get('allowed_direction'))];
      const attrs = { direction, ...keptAttrs(c, fields) };
      emit(c, head, head.kind, { operands, types, attrs, sharded: shardedOf(fields) });
    },
  ],
  ['reshard', constraint],
  ['return', returns],
  ['sharding_constraint', constraint],
  [
    'sharding_group',
    (c, head, { operands, fields }) =>
      writeGroup(c, head, only(c, head, operands), Number(fields.get('group_id')), fields),
  ],
]);

/** As `allowed_direction` numbers them. */
const DIRECTIONS = ['NONE', 'FORWARD', 'BACKWARD', 'BOTH'];

function computation(
  c: ImportContext,
  head: Head,
  { operands, fields, regions = [] }: Pick<ReadOp, 'operands' | 'fields' | 'regions'>,
): void {
  const given: Record<string, Attr> = {};
  const axes = fields.get('manual_axes');
  if (fields.has('name')) given.name = fields.get('name');
  if (fields.has('in_shardings')) given.in_layouts = fields.get('in_shardings');
  if (fields.has('out_shardings')) given.out_layouts = fields.get('out_shardings');
  if (axes !== undefined) given.manual_axes = c.r.readAt(placeOf(axes), () => manualAxes(c));
  writeComputation(c, head, { operands, given, regions, fields });
}

/** `manual_axes{"x", "y"}` */
function manualAxes({ r }: ImportContext): string[] {
  return r.list('{', '}', () => r.string());
}

function collective(c: ImportContext, head: Head, { operands, types, fields }: ReadOp): void {
  const layout = layoutIn(c, head, fields, 'out_sharding');
  const { attribute } = SDY_COLLECTIVES[head.kind] as (typeof SDY_COLLECTIVES)[string];
  const said = attribute === undefined ? undefined : fields.get(attribute);
  const axes =
    said === undefined ? {} : c.r.readAt(placeOf(said), () => c.attributes.collectiveAxes(head.kind, layout.mesh));
  writeSdyCollective(c, head, { operand: only(c, head, operands), axes, layout, fields, types });
}

/** Of what was read as `#sdy<…>`. */
const placeOf = (value: Value): number => Number((value as { readonly at?: Value }).at);

function layoutIn(c: ImportContext, head: Head, fields: Fields, name = 'sharding'): Layout {
  const layout = fields.get(name);
  if (layout !== undefined) return c.attributes.asLayout(layout);
  throw userError('SH0205', `${head.spelled} lacks its attribute "${name}"`, { span: c.span(head) });
}

function only(c: ImportContext, head: Head, operands: readonly ValueId[]): ValueId {
  const [operand, ...more] = operands;
  if (operand !== undefined && more.length === 0) return operand;
  throw userError('SH0206', `${head.spelled} takes one operand, ${operands.length} are given`, { span: c.span(head) });
}

// --- constants and tuples ---------------------------------------------------------------------------------------------

/** `<{value = dense<…> : t, …}>`: the elements are of the tensor's own type. */
function constantFields(c: ImportContext, fields: Fields): ReturnType<typeof denseElements> {
  const { r } = c;
  let found: ReturnType<typeof denseElements> | undefined;
  const isProperty = r.accept('<');
  r.list('{', '}', () => {
    if (r.is('value') && r.peek(1) === '=') {
      r.at += 2;
      found = denseElements(r, () => r.tensorType());
      return;
    }
    const from = r.at + 2;
    const [key, value] = c.attributes.entry();
    fields.set(key, value);
    fields.verbatim.set(key, r.at > from ? r.line(from, r.at) : '');
  });
  if (isProperty) r.expect('>');
  if (found === undefined) throw r.error('a constant without its attribute "value"', 'value = dense<…> : tensor<…>');
  return found;
}

/** `"stablehlo.tuple"(%a, %b)` is the list of its values, `"stablehlo.get_tuple_element"(%t) <{index = 1 : i32}>` one. */
function tuple(c: ImportContext, { kind, names }: Head): void {
  const { r } = c;
  const values = r.list('(', ')', () => c.useAll()).flat();
  const fields = new Fields();
  properties(c, fields);
  dictFields(c, fields);
  r.expect(':');
  const picked = kind === 'tuple' ? made(c, values) : elementOf(values, tupleSizes(c), Number(fields.get('index')));
  for (const { name } of names) c.defineTuple(name, picked);
}

/** `: (t, u) -> tuple<t, u>`: types that are known already. */
function made({ r }: ImportContext, values: readonly ValueId[]): readonly ValueId[] {
  r.list('(', ')', () => r.leafTypes());
  r.expect('->');
  r.leafTypes();
  return values;
}
