/** Ops of the sdy dialect. */
import { userError } from '../../diagnostics.ts';
import type { Layout } from '../../layout.ts';
import type { Attr, Block, ValueId } from '../../program.ts';
import { type TensorType, typeText } from '../../types.ts';
import type { CollectiveAxes } from '../sdy-collectives.ts';
import { type Head, type ImportContext, shardedOf } from './context.ts';
import { emit } from './emit.ts';
import { dictFields, type Fields, keptAttrs } from './op-fields.ts';

/** `sdy.sharding_constraint %a <@mesh, […]> : t`, and `sdy.reshard`. */
export function constraint(c: ImportContext, head: Head): void {
  const operand = c.use();
  const layout = c.attributes.layout();
  const fields = dictFields(c);
  writeConstraint(c, head, { operand, layout, fields, types: c.types([operand]) });
}

interface LaidOut {
  readonly operand: ValueId;
  readonly layout: Layout;
  readonly types: readonly TensorType[];
  readonly fields: Fields;
}

export function writeConstraint(
  c: ImportContext,
  head: Head,
  { operand, layout: given, types, fields }: LaidOut,
): void {
  const type = c.builder.typeOf(operand);
  checkRank(c, head, given, type);
  const layout = c.attributes.ofRank(given, type.shape.length);
  const attrs = { layout, ...keptAttrs(c, fields) };
  emit(c, head, head.kind, { operands: [operand], types, attrs });
}

/** A layout on one device says nothing of dims. */
function checkRank(c: ImportContext, head: Head, layout: Layout, type: TensorType): void {
  const { dims, mesh } = layout;
  if (dims.length === type.shape.length || (dims.length === 0 && c.attributes.isMaximal(mesh))) return;
  throw userError(
    'SH0212',
    `the sharding has ${dims.length} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
    { span: c.span(head), expected: `${type.shape.length} dims` },
  );
}

/**
 * `sdy.manual_computation(%a) in_shardings=[…] out_shardings=[…] manual_axes={"x"} (%b: t) {…} : (t) -> t`, and
 * `sdy.named_computation<"f">(%a) …`, whose shardings may be absent.
 */
export function computation(c: ImportContext, head: Head): void {
  const { r } = c;
  const given: Record<string, Attr> = {};
  if (r.accept('<')) {
    given.name = r.string();
    r.expect('>');
  }
  const operands = r.list('(', ')', () => c.use());
  while (r.isKind('id')) {
    const key = r.take();
    r.expect('=');
    if (key === 'manual_axes') given[key] = r.list('{', '}', () => r.string());
    else if (key === 'in_shardings') given.in_layouts = c.attributes.layouts();
    else if (key === 'out_shardings') given.out_layouts = c.attributes.layouts();
    else throw r.error(`unknown field ${key}`, 'in_shardings, out_shardings or manual_axes');
  }
  const params = c.typedNames();
  const regions = [c.isolatedRegion(params)];
  const fields = dictFields(c);
  writeComputation(c, head, { operands, given, regions, fields });
}

export function writeComputation(
  c: ImportContext,
  head: Head,
  read: {
    readonly operands: readonly ValueId[];
    readonly given: Readonly<Record<string, Attr>>;
    readonly regions: readonly Block[];
    readonly fields: Fields;
  },
): void {
  const { operands, given, regions, fields } = read;
  const attrs = { ...given, ...keptAttrs(c, fields) };
  emit(c, head, head.kind, { operands, types: c.types(operands), attrs, regions });
}

/** `sdy.data_flow_edge %a sharding=<@mesh, […]> : t`, and `sdy.func_data_flow_edge`. */
export function dataFlowEdge(c: ImportContext, head: Head): void {
  const { r } = c;
  const operand = c.use();
  let layout: Layout | undefined;
  if (r.accept('sharding')) {
    r.expect('=');
    layout = c.attributes.layout();
  }
  const fields = dictFields(c);
  const sharded = layout === undefined ? shardedOf(fields) : { layouts: [layout] };
  const attrs = keptAttrs(c, fields);
  emit(c, head, head.kind, { operands: [operand], types: c.types([operand]), attrs, sharded });
}

/** `sdy.sharding_group %a group_id=0 : t` */
export function shardingGroup(c: ImportContext, head: Head): void {
  const { r } = c;
  const operand = c.use();
  r.expect('group_id');
  r.expect('=');
  const group = r.integer();
  const fields = dictFields(c);
  c.types([operand]);
  writeGroup(c, head, operand, group, fields);
}

export function writeGroup(c: ImportContext, head: Head, operand: ValueId, group: number, fields: Fields): void {
  emit(c, head, 'sharding_group', {
    operands: [operand],
    types: [],
    attrs: { group, ...keptAttrs(c, fields) },
  });
}

// --- collectives ------------------------------------------------------------------------------------------------------

/** `sdy.all_gather [{"x"}, {}] %a out_sharding=<@mesh, […]> : t`; the axes are of the mesh that is named after them. */
export function collective(c: ImportContext, head: Head): void {
  const { r } = c;
  const at = r.at;
  if (head.kind !== 'collective_permute') r.skipBrackets();
  const operand = c.use();
  r.expect('out_sharding');
  r.expect('=');
  const layout = c.attributes.layout();
  const fields = dictFields(c);
  const types = c.types([operand]);
  const axes = r.readAt(at, () => c.attributes.collectiveAxes(head.kind, layout.mesh));
  writeSdyCollective(c, head, { operand, axes, layout, fields, types });
}

export function writeSdyCollective(
  c: ImportContext,
  head: Head,
  { operand, axes, layout, fields, types }: LaidOut & { readonly axes: CollectiveAxes },
): void {
  checkRank(c, head, layout, c.builder.typeOf(operand));
  if (c.options.asWritten !== true) {
    // Of the whole value it says where it goes, and nothing else.
    emit(c, head, 'reshard', { operands: [operand], types, attrs: { layout } });
    return;
  }
  const kind = `sdy.${head.kind}`;
  const attrs = { ...axes, ...keptAttrs(c, fields) };
  emit(c, head, kind, { operands: [operand], types, attrs, sharded: { layouts: [layout] } });
}
