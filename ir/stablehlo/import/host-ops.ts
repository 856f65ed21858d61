/**
 * Ops that reach outside of the program: infeed, outfeed, send, recv, and calls with effects. Their shardings say which
 * devices do so; those of outfeed and send are of what goes out, and become constraints on it.
 */
import { bringsIn } from '../../ops/host-transfers.ts';
import { type Layout, replicatedLayout } from '../../layout.ts';
import type { ValueId } from '../../program.ts';
import { type TensorType, typeText } from '../../types.ts';
import { type Head, type ImportContext, type Sharded, shardedOf } from './context.ts';
import { emit } from './emit.ts';
import { type Fields, textOf } from './op-fields.ts';
import type { ReadOp } from './tensor-op.ts';

const SHARDINGS: ReadonlySet<string> = new Set(['sdy.sharding', 'mhlo.sharding']);

export function writeHostTransfer(c: ImportContext, head: Head, { operands, types, fields }: ReadOp): void {
  const sharded = shardedOf(fields);
  const verbatim = textOf([...fields.verbatim].filter(([key]) => !SHARDINGS.has(key)));
  const device = deviceOf(c, sharded);
  const attrs = { verbatim, ...(device === undefined ? {} : { device }) };
  if (bringsIn(head)) {
    const result_types = types.slice(0, -1).map(typeText);
    emit(c, head, head.kind, { operands, types, attrs: { ...attrs, result_types }, sharded });
    return;
  }
  const given = device === undefined && sharded !== undefined ? laidOut(c, head, operands, sharded) : operands;
  emit(c, head, head.kind, { operands: given, types, attrs });
}

/** The one device that an op with effects is asked for on. */
export function deviceOf(c: ImportContext, sharded: Sharded | undefined): number | undefined {
  if (sharded?.layouts === undefined) return sharded?.gspmd === undefined ? undefined : c.gspmd.deviceOf(sharded.gspmd);
  const [first] = sharded.layouts;
  if (first === undefined || !c.attributes.isMaximal(first.mesh)) return undefined;
  return c.attributes.meshes.find((m) => m.name === first.mesh)?.deviceIds?.[0];
}

/** Has the call effects, by its own word? */
export const hasEffects = (fields: Fields): boolean => fields.get('has_side_effect') === true;

/** Data as the op's sharding has it; a token's stands for all of it. */
function laidOut(c: ImportContext, head: Head, operands: readonly ValueId[], sharded: Sharded): ValueId[] {
  const types = operands.map((v) => c.builder.typeOf(v));
  const data = types.slice(0, -1);
  const layouts = sharded.layouts ?? gspmdLayouts(c, sharded, types);
  const origin = { span: c.span(head) };
  return operands.map((v, i) => {
    const asked = layouts.length === 1 ? layouts[0] : layouts[i];
    const type = data[i];
    if (type === undefined || asked === undefined) return v;
    const layout = asked.dims.length === 0 ? replicatedLayout(asked.mesh, type.shape.length) : asked;
    return c.builder.op('sharding_constraint', [v], [type], origin, { layout })[0] as ValueId;
  });
}

function gspmdLayouts(
  c: ImportContext,
  { gspmd }: Sharded,
  types: readonly TensorType[],
): readonly (Layout | undefined)[] {
  if (gspmd === undefined) return [];
  const of = c.gspmd.countOf(gspmd) === types.length ? types : types.slice(0, -1);
  return c.gspmd.read(gspmd, of).map((a) => a.layout);
}
