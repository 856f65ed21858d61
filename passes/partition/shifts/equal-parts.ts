/**
 * A sharded dim cut into equal parts, or joined from them: gates of a GLU, a fused projection. With the parts on a dim of
 * their own, all of them are resharded at once, by the cheapest plan, instead of each by halos.
 *
 *   %a = slice %x [0:16];  %b = slice %x [16:32]          // %x : f32[32] @{y}, y=4
 *   →  %p = reshape %x : f32[2,16] @{y:(1)2, y:(2)2};  %a = reshape (slice %p [0:1]);  %b = reshape (slice %p [1:2])
 *   %x = concatenate %a, %b
 *   →  %p = concatenate (reshape %a : f32[1,16]), (reshape %b : f32[1,16]) dim=0;  %x = reshape %p
 */
import { dimAxes, type Layout, layoutOf } from '../../../ir/layout.ts';
import { type AxisRef, axesSize } from '../../../ir/mesh.ts';
import { gcd } from '../../../ir/axes.ts';
import type { Op, Origin, ValueId } from '../../../ir/program.ts';
import { type TensorType, withShape } from '../../../ir/types.ts';
import type { LaidOutBuilder } from '../rebuild.ts';
import { cutOf, layoutIn, type Shift, type Sight, typeIn } from './sight.ts';

export function equalParts(op: Op, sight: Sight): Shift | undefined {
  return op.kind === 'slice' ? partOfCut(op, sight) : joinedParts(op, sight);
}

function partOfCut(op: Op, sight: Sight): Shift | undefined {
  const [result] = op.results as readonly [ValueId];
  const cut = cutOf(sight, result);
  const layout = cut === undefined ? undefined : layoutIn(sight, cut.value);
  if (cut === undefined || layout === undefined) return undefined;
  const extent = cut.limit - cut.start;
  const count = cut.size / extent;
  if (count === 1) return undefined;
  const parted = partedLayout(layout, cut.dim, count, extent);
  const all = sight.cuts.get(`${cut.value} ${cut.dim} ${extent}`);
  if (parted === undefined || all === undefined || all.starts.size !== count || cut.start % extent !== 0)
    return undefined;
  return {
    reads: [cut.value],
    write(emit) {
      const origin: Origin = { pass: 'shifts', from: [op.origin], reason: 'one of equal parts of a sharded dim' };
      const type = typeIn(sight, cut.value);
      const whole = parts(type, cut.dim, count, extent);
      all.parted ??= emit.made('reshape', [cut.value], whole, parted, origin, { shape: whole.shape });
      const one = parts(type, cut.dim, 1, extent);
      const at = cut.start / extent;
      const start = one.shape.map((_, d) => (d === cut.dim ? at : 0));
      const limit = one.shape.map((size, d) => (d === cut.dim ? at + 1 : size));
      const slice = emit.made('slice', [all.parted], one, withAxes(parted, cut.dim, []), origin, {
        start,
        limit,
        strides: start.map(() => 1),
      });
      emit.push({ ...op, kind: 'reshape', operands: [slice], attrs: { shape: typeIn(sight, result).shape }, origin });
    },
  };
}

function joinedParts(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'concatenate') return undefined;
  const [result] = op.results as readonly [ValueId];
  const dim = op.attrs.dim as number;
  const layout = layoutIn(sight, result);
  const extent = typeIn(sight, op.operands[0] as ValueId).shape[dim] as number;
  const equal = op.operands.every((v) => typeIn(sight, v).shape[dim] === extent);
  const count = op.operands.length;
  const parted = layout === undefined || !equal ? undefined : partedLayout(layout, dim, count, extent);
  if (parted === undefined) return undefined;
  return {
    reads: op.operands,
    write: (emit) => join(op, sight, emit, { dim, count, extent, parted }),
  };
}

interface Joined {
  readonly dim: number;
  readonly count: number;
  readonly extent: number;
  readonly parted: Layout;
}

function join(op: Op, sight: Sight, emit: LaidOutBuilder, { dim, count, extent, parted }: Joined): void {
  const origin: Origin = { pass: 'shifts', from: [op.origin], reason: 'equal parts of a sharded dim, joined' };
  const type = typeIn(sight, op.results[0] as ValueId);
  const one = parts(type, dim, 1, extent);
  const pieces = op.operands.map((v) => {
    const own = layoutIn(sight, v) ?? layoutOf(parted.mesh, []);
    return emit.made('reshape', [v], one, unitLayout(own, dim), origin, { shape: one.shape });
  });
  const joined = emit.made('concatenate', pieces, parts(type, dim, count, extent), parted, origin, { dim });
  emit.push({ ...op, kind: 'reshape', operands: [joined], attrs: { shape: type.shape }, origin });
}

/** The dim as [count, extent]. */
const parts = (type: TensorType, dim: number, count: number, extent: number): TensorType =>
  withShape(type, [...type.shape.slice(0, dim), count, extent, ...type.shape.slice(dim + 1)]);

/** Its axes on both: undefined where they do not divide so, or none would lie on the parts. */
function partedLayout(layout: Layout, dim: number, count: number, extent: number): Layout | undefined {
  const axes = dimAxes(layout, dim);
  if (!Number.isInteger(count) || count < 2 || axesSize(axes) < 2) return undefined;
  const [outer, inner]: AxisRef[][] = [[], []];
  let room = count;
  for (const axis of axes) {
    const part = gcd(axis.size, room);
    if (part < axis.size && part < room) return undefined;
    if (part > 1) outer?.push({ ...axis, size: part });
    if (part < axis.size) inner?.push({ name: axis.name, pre: axis.pre * part, size: axis.size / part });
    room /= part;
  }
  if (outer === undefined || inner === undefined || outer.length === 0 || extent % axesSize(inner) !== 0)
    return undefined;
  return split(layout, dim, outer, inner);
}

const unitLayout = (layout: Layout, dim: number): Layout => split(layout, dim, [], dimAxes(layout, dim));

const split = (layout: Layout, dim: number, outer: readonly AxisRef[], inner: readonly AxisRef[]): Layout =>
  layoutOf(
    layout.mesh,
    layout.dims.flatMap((d, i) => (i === dim ? [outer, inner] : [d.axes])),
  );

const withAxes = (layout: Layout, dim: number, axes: readonly AxisRef[]): Layout =>
  layoutOf(
    layout.mesh,
    layout.dims.map((d, i) => (i === dim ? axes : d.axes)),
  );
