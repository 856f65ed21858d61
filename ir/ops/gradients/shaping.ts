/** Gradients of ops that move elements: each moves the cotangent back. */
import type { OpAttrs } from '../../attrs.ts';
import type { Gradient } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { tensor } from '../../types.ts';

const shapeOf = (b: TypedBuilder, id: ValueId | undefined): readonly number[] => b.typeOf(id as ValueId).shape;
const zeroScalar = (b: TypedBuilder, like: ValueId): ValueId => b.splat(0, tensor(b.typeOf(like).dtype, []));

/** Sums over the dims that are new or stretched. */
const broadcastInDim: Gradient<OpAttrs['broadcast_in_dim']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const from = shapeOf(b, operands[0]);
  const kept = attrs.dims.filter((d, i) => from[i] === attrs.shape[d]);
  const over = attrs.shape.map((_, d) => d).filter((d) => !kept.includes(d));
  const summed = over.length === 0 ? g : b.reduce('sum', g, over);
  const ascending = [...kept].sort((x, y) => x - y);
  const order = kept.map((d) => ascending.indexOf(d));
  const ordered = order.some((d, i) => d !== i) ? b.one('transpose', [summed], { permutation: order }) : summed;
  return [shapeOf(b, ordered).length === from.length ? ordered : b.one('reshape', [ordered], { shape: from })];
};

const reshape: Gradient = (b, { operands }, [g]) =>
  g === undefined ? [] : [b.one('reshape', [g], { shape: shapeOf(b, operands[0]) })];

const transpose: Gradient<OpAttrs['transpose']> = (b, { attrs }, [g]) =>
  g === undefined
    ? []
    : [b.one('transpose', [g], { permutation: attrs.permutation.map((_, d) => attrs.permutation.indexOf(d)) })];

const reverse: Gradient<OpAttrs['reverse']> = (b, { attrs }, [g]) =>
  g === undefined ? [] : [b.one('reverse', [g], { dims: attrs.dims })];

const rotate: Gradient<OpAttrs['rotate']> = (b, { attrs }, [g]) =>
  g === undefined ? [] : [b.one('rotate', [g], { ...attrs, by: -attrs.by })];

const slice: Gradient<OpAttrs['slice']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const [from, to] = [shapeOf(b, operands[0]), shapeOf(b, g)];
  const stride = (d: number): number => attrs.strides[d] ?? 1;
  const reach = to.map((n, d) => (n === 0 ? 0 : (n - 1) * stride(d) + 1));
  return [
    b.one('pad', [g, zeroScalar(b, g)], {
      low: from.map((_, d) => attrs.start[d] ?? 0),
      high: from.map((n, d) => n - (attrs.start[d] ?? 0) - (reach[d] as number)),
      interior: from.map((_, d) => stride(d) - 1),
    }),
  ];
};

/** The operand's part is cut out; what is left went to the padding. */
const pad: Gradient<OpAttrs['pad']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const from = shapeOf(b, operands[0]);
  const [low, high] = [attrs.low.map((n) => -n), attrs.high.map((n) => -n)];
  const cropped = b.one('pad', [g, zeroScalar(b, g)], { low, high, interior: from.map(() => 0) });
  const part = b.one('slice', [cropped], {
    start: from.map(() => 0),
    limit: shapeOf(b, cropped),
    strides: attrs.interior.map((n) => n + 1),
  });
  const all = (x: ValueId): ValueId =>
    b.reduce(
      'sum',
      x,
      shapeOf(b, x).map((_, d) => d),
    );
  return [part, b.one('subtract', [all(g), all(part)])];
};

const concatenate: Gradient<OpAttrs['concatenate']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const to = shapeOf(b, g);
  let at = 0;
  return operands.map((x) => {
    const start = at;
    at += shapeOf(b, x)[attrs.dim] as number;
    return b.one('slice', [g], {
      start: to.map((_, d) => (d === attrs.dim ? start : 0)),
      limit: to.map((n, d) => (d === attrs.dim ? at : n)),
      strides: to.map(() => 1),
    });
  });
};

const dynamicSlice: Gradient = (b, { operands }, [g]) => {
  if (g === undefined) return [];
  const [x, ...starts] = operands as [ValueId, ...ValueId[]];
  return [b.one('dynamic_update_slice', [b.splat(0, b.typeOf(x)), g, ...starts])];
};

const dynamicUpdateSlice: Gradient = (b, { operands }, [g]) => {
  if (g === undefined) return [];
  const [, update, ...starts] = operands as [ValueId, ValueId, ...ValueId[]];
  return [
    b.one('dynamic_update_slice', [g, b.splat(0, b.typeOf(update)), ...starts]),
    b.one('dynamic_slice', [g, ...starts], { sizes: shapeOf(b, update) }),
  ];
};

const none: Gradient = () => [];

export const shapingGradients: Readonly<Record<string, Gradient>> = {
  constant: none,
  iota: none,
  bitcast_convert: none,
  broadcast_in_dim: broadcastInDim as Gradient,
  reshape,
  transpose: transpose as Gradient,
  reverse: reverse as Gradient,
  rotate: rotate as Gradient,
  slice: slice as Gradient,
  pad: pad as Gradient,
  concatenate: concatenate as Gradient,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
};
