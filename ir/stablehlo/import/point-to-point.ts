/**
 * send and recv between devices, with the pairs that they join, are one collective_permute: the send remembers what
 * goes out, the recv of its channel is what arrives.
 *
 *   %t1 = "stablehlo.send"(%x, %t) <{channel_handle = <handle = 5, type = 1>, source_target_pairs = [[0, 1]]}>
 *   %y, %t2 = "stablehlo.recv"(%t1) <{…the same…}>   →   %y = device_permute %x
 */
import { unsupported } from '../../diagnostics.ts';
import type { ValueId } from '../../program.ts';
import { tensor } from '../../types.ts';
import type { Value } from '../attributes.ts';
import { writeCollective } from '../device-ops.ts';
import type { Head, ImportContext } from './context.ts';
import { emit } from './emit.ts';
import { type ReadOp, writer } from './tensor-op.ts';

const TOKEN = tensor('token', []);

export function isPointToPoint({ kind }: Head, { fields }: ReadOp): boolean {
  if (kind !== 'send' && kind !== 'recv') return false;
  const pairs = fields.get('source_target_pairs');
  return fields.get('is_host_transfer') !== true && Array.isArray(pairs) && pairs.length > 0;
}

export function writePointToPoint(c: ImportContext, head: Head, { operands, types, fields }: ReadOp): void {
  const nameless = { ...head, names: [] };
  const channel = Number((fields.get('channel_handle') as { readonly handle?: Value } | undefined)?.handle ?? 0);
  const token = operands.at(-1) as ValueId;
  const passed = (): readonly ValueId[] => emit(c, nameless, 'after_all', { operands: [token], types: [TOKEN] });
  if (head.kind === 'send') {
    c.sent.set(channel, operands.slice(0, -1));
    return bind(c, head, passed());
  }
  const sent = c.sent.get(channel);
  if (sent === undefined)
    throw unsupported(`a recv that stands before the send of its channel, ${channel}`, { span: c.span(head) });
  const given = sent.map((id) => ({ id, rank: c.builder.typeOf(id).shape.length }));
  const devices = c.devices(head.kind, head.from);
  const data = types.slice(0, -1);
  const arrived = writeCollective(writer(c, nameless), devices, 'collective_permute', given, data, fields, []);
  bind(c, head, [...arrived, ...passed()]);
}

function bind(c: ImportContext, { names }: Head, results: readonly ValueId[]): void {
  let next = 0;
  for (const { name, count } of names) {
    c.define(name, results.slice(next, next + count));
    next += count;
  }
}
