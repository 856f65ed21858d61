/** Parts of a per-device value along one dim: cut out, and joined. */
import type { AxisRef } from '../../../ir/mesh.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType, withShape } from '../../../ir/types.ts';
import type { Emitter } from './localizer.ts';

/** Elements [from, to) along the dim. */
export function part(emit: Emitter, value: ValueId, dim: number, from: number, to: number): ValueId {
  const type = emit.typeOf(value);
  if (from === 0 && to === type.shape[dim]) return value;
  const start = type.shape.map((_, d) => (d === dim ? from : 0));
  const limit = type.shape.map((n, d) => (d === dim ? to : n));
  return emit.op('slice', [value], resized(type, dim, to - from), { start, limit, strides: type.shape.map(() => 1) });
}

export function joined(emit: Emitter, parts: readonly ValueId[], dim: number): ValueId {
  const [first] = parts as readonly [ValueId];
  if (parts.length === 1) return first;
  const total = parts.reduce((n, p) => n + (emit.typeOf(p).shape[dim] as number), 0);
  return emit.op('concatenate', parts, resized(emit.typeOf(first), dim, total), { dim });
}

export const resized = (type: TensorType, dim: number, extent: number): TensorType =>
  withShape(
    type,
    type.shape.map((n, d) => (d === dim ? extent : n)),
  );

/** `width` elements along the dim from a start that the device computes. */
export function cutAt(emit: Emitter, value: ValueId, dim: number, start: ValueId, width: number): ValueId {
  const type = resized(emit.typeOf(value), dim, width);
  const starts = type.shape.map((_, d) => (d === dim ? start : emit.constant(tensor('i32', []), [0])));
  return emit.op('dynamic_slice', [value, ...starts], type, { sizes: type.shape });
}

/** This shard's entry of a table: a scalar i32. */
export function ofShard(emit: Emitter, axes: readonly AxisRef[], table: readonly number[]): ValueId {
  const scalar = tensor('i32', []);
  const [first] = table as readonly [number];
  if (table.every((n) => n === first)) return emit.constant(scalar, [first]);
  const entries = emit.constant(tensor('i32', [table.length]), table);
  return emit.op('reshape', [cutAt(emit, entries, 0, emit.axisIndex(axes), 1)], scalar, { shape: [] });
}
