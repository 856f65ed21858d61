/**
 * gather, dynamic_slice and dynamic_update_slice clamp starts so that the slice lies inside. On a longer dim they would
 * clamp later: starts are clamped against the true size beforehand.
 *
 *   %1 = dynamic_slice %0, %i sizes=[4]      // %0 : f32[12] of 10 true elements
 *   →  %j = clamp 0, %i, 6;  %1 = dynamic_slice %0, %j sizes=[4]
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { elementsOf, isWide } from '../../../ir/elements.ts';
import { layoutOf } from '../../../ir/layout.ts';
import type { ValueId } from '../../../ir/program.ts';
import { DTYPES, type DType, tensor, type TensorType } from '../../../ir/types.ts';
import type { PadSite, Rewriter } from './site.ts';

export const clampSlice: Rewriter = (site) => {
  const sizes = (site.view.results[0] as TensorType).shape;
  const starts = clampedScalars(site, 1, sizes);
  if (starts === undefined) return undefined;
  return site.finish('dynamic_slice', [site.operands[0] as ValueId, ...starts], {
    ...site.op.attrs,
    sizes: site.resultShapes[0],
  });
};

export const clampUpdate: Rewriter = (site) => {
  const starts = clampedScalars(site, 2, (site.view.operands[1] as TensorType).shape);
  return starts && site.finish('dynamic_update_slice', [...site.operands.slice(0, 2), ...starts], site.op.attrs);
};

/** One start per dim; undefined where none has to be clamped. Dims taken whole start at 0 anyway. */
function clampedScalars(site: PadSite, first: number, sizes: readonly number[]): ValueId[] | undefined {
  const needed = sizes.map((size, d) => site.grows(0, d) && size !== site.size(0, d));
  if (!needed.includes(true)) return undefined;
  return site.operands.slice(first).map((start, d) => {
    if (needed[d] !== true) return start;
    const { dtype } = site.typeOf(start);
    const number = (n: number): ValueId => site.splat(start, valueIn(dtype, n));
    return site.made('clamp', [number(0), start, number(site.size(0, d) - (sizes[d] as number))], start);
  });
}

/** Limits that the type cannot hold clamp nothing. */
function valueIn(dtype: DType, n: number): number | bigint {
  const { bits, class: cls } = DTYPES[dtype];
  if (isWide(dtype)) return BigInt(n);
  return Math.min(n, 2 ** (cls === 'signed' ? bits - 1 : bits) - 1);
}

export const clampGather: Rewriter = (site) => {
  const attrs = site.op.attrs as OpAttrs['gather'];
  const [operand, indices] = site.operands as readonly [ValueId, ValueId];
  const dims = attrs.start_index_map;
  if (!dims.some((d) => site.grows(0, d))) return undefined;
  const { dtype, shape } = site.typeOf(indices);
  const limits = dims.map((d) => site.size(0, d) - (attrs.slice_sizes[d] as number));
  const high = perComponent(
    site,
    indices,
    attrs.index_vector_dim,
    limits.map((n) => valueIn(dtype, n)),
  );
  const low = site.values.splat(tensor(dtype, shape), valueIn(dtype, 0), site.layoutOf(indices), site.origin);
  const clamped = site.made('clamp', [low, indices, high], indices);
  const whole = (site.view.operands[0] as TensorType).shape;
  const padded = site.typeOf(operand).shape;
  const slice_sizes = attrs.slice_sizes.map((s, d) =>
    s === whole[d] && !attrs.collapsed_slice_dims.includes(d) ? (padded[d] as number) : s,
  );
  return site.finish('gather', [operand, clamped], { ...attrs, slice_sizes });
};

/** One number per component of the index vectors, in the indices' shape. */
function perComponent(site: PadSite, indices: ValueId, dim: number, values: readonly (number | bigint)[]): ValueId {
  const { dtype, shape } = site.typeOf(indices);
  if (new Set(values).size === 1) return site.splat(indices, values[0] as number | bigint);
  const layout = site.layoutOf(indices);
  const line = tensor(dtype, [values.length]);
  const attrs = { value: { data: elementsOf(dtype, values) }, dtype, shape: line.shape };
  const vector = site.values.op('constant', [], line, attrs, layout && layoutOf(layout.mesh, [[]]), site.origin);
  return site.made('broadcast_in_dim', [vector], indices, { dims: [dim], shape });
}
