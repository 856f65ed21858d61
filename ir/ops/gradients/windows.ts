/** Gradients of convolution, reduce_window and select_and_scatter (the shapes follow JAX's convolution and windowed reductions). */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient, type GradientOp, NoGradient } from '../../gradient.ts';
import { identityOf } from '../../monoid.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { tensor } from '../../types.ts';
import { regionMonoid } from '../monoid.ts';
import { type Scan, scanOf } from '../windows.ts';

type Convolution = OpAttrs['convolution'];
type ReduceWindow = OpAttrs['reduce_window'];
const at = (list: readonly number[], i: number): number => list[i] as number;
/** Extent of n elements with d - 1 holes between neighbours. */
const dilated = (n: number, d: number): number => (n === 0 ? 0 : (n - 1) * d + 1);

const convolution: Gradient<Convolution> = (b, op, [g]) => {
  if (g === undefined) return [];
  return [
    op.wanted[0] === true ? ofInput(b, op, g) : undefined,
    op.wanted[1] === true ? ofKernel(b, op, g) : undefined,
  ];
};

/** The cotangent convolved with the kernel, turned around, its input and output features exchanged. */
function ofInput(b: TypedBuilder, { attrs, operands }: GradientOp<Convolution>, g: ValueId): ValueId {
  const [x, kernel] = operands as [ValueId, ValueId];
  const [lhs, rhs, out] = [x, kernel, g].map((id) => b.typeOf(id).shape) as [number[], number[], number[]];
  const [groups, batches] = [attrs.feature_group_count, attrs.batch_group_count];
  const spatial = attrs.strides.map((_, s) => s);
  const [inDim, outDim] = [at(attrs.kernel_dims, 0), at(attrs.kernel_dims, 1)];
  // A group's kernel sees its own input features: groups move from the output to the input features.
  const moved =
    groups > 1
      ? moveGroups(b, kernel, outDim, inDim, groups)
      : batches > 1
        ? moveGroups(b, kernel, outDim, inDim, batches)
        : kernel;
  const low = spatial.map(
    (s) => dilated(at(rhs, at(attrs.kernel_dims, s + 2)), at(attrs.rhs_dilation, s)) - at(attrs.pad_low, s) - 1,
  );
  const high = spatial.map((s) => {
    const size = dilated(at(lhs, at(attrs.input_dims, s + 2)), at(attrs.lhs_dilation, s));
    const grown = dilated(at(out, at(attrs.output_dims, s + 2)), at(attrs.strides, s));
    const reach = dilated(at(rhs, at(attrs.kernel_dims, s + 2)), at(attrs.rhs_dilation, s));
    return size + reach - 1 - grown - at(low, s);
  });
  const made = b.one('convolution', [g, moved], {
    ...attrs,
    input_dims: attrs.output_dims,
    kernel_dims: [outDim, inDim, ...attrs.kernel_dims.slice(2)],
    output_dims: attrs.input_dims,
    strides: attrs.lhs_dilation,
    pad_low: low,
    pad_high: high,
    lhs_dilation: attrs.strides,
    reversal: attrs.reversal.map((r) => !r),
    feature_group_count: batches > 1 ? batches : groups,
    batch_group_count: 1,
    dtype: b.typeOf(x).dtype,
  });
  return batches > 1 ? moveGroups(b, made, at(attrs.input_dims, 1), at(attrs.input_dims, 0), batches) : made;
}

/** Input and cotangent convolved over the batch. */
function ofKernel(b: TypedBuilder, { attrs, operands }: GradientOp<Convolution>, g: ValueId): ValueId {
  const [x, kernel] = operands as [ValueId, ValueId];
  const [lhs, rhs, out] = [x, kernel, g].map((id) => b.typeOf(id).shape) as [number[], number[], number[]];
  const [groups, batches] = [attrs.feature_group_count, attrs.batch_group_count];
  const spatial = attrs.strides.map((_, s) => s);
  const high = spatial.map((s) => {
    const size = dilated(at(lhs, at(attrs.input_dims, s + 2)), at(attrs.lhs_dilation, s));
    const grown = dilated(at(out, at(attrs.output_dims, s + 2)), at(attrs.strides, s));
    const reach = dilated(at(rhs, at(attrs.kernel_dims, s + 2)), at(attrs.rhs_dilation, s));
    return grown + reach - size - at(attrs.pad_low, s) - 1;
  });
  const made = b.one('convolution', [x, g], {
    ...attrs,
    input_dims: [at(attrs.input_dims, 1), at(attrs.input_dims, 0), ...attrs.input_dims.slice(2)],
    kernel_dims: attrs.output_dims,
    output_dims: attrs.kernel_dims,
    strides: attrs.rhs_dilation,
    pad_high: high,
    rhs_dilation: attrs.strides,
    reversal: attrs.reversal.map(() => false),
    feature_group_count: batches > 1 ? batches : 1,
    batch_group_count: groups > 1 ? groups : 1,
    dtype: b.typeOf(kernel).dtype,
  });
  const turned = spatial.filter((s) => attrs.reversal[s] === true).map((s) => at(attrs.kernel_dims, s + 2));
  return turned.length === 0 ? made : b.one('reverse', [made], { dims: turned });
}

/** `groups` parts of dim `from`, major in it, become the major part of dim `to`. */
function moveGroups(b: TypedBuilder, x: ValueId, from: number, to: number, groups: number): ValueId {
  const { shape } = b.typeOf(x);
  const split = shape.flatMap((n, d) => (d === from ? [groups, n / groups] : [n]));
  const group = from;
  const place = (d: number): number => (d < from ? d : d + 1);
  const order = shape.flatMap((_, d) => (d === to ? [group, place(d)] : [place(d)]));
  const moved = b.one('transpose', [b.one('reshape', [x], { shape: split })], { permutation: order });
  return b.one('reshape', [moved], {
    shape: shape.map((n, d) => (d === from ? n / groups : d === to ? n * groups : n)),
  });
}

const reduceWindow: Gradient<ReduceWindow> = (b, op, [g, ...more]) => {
  if (g === undefined && more.length === 0) return [];
  noStart(op, op.results.length);
  const monoid = op.results.length === 1 ? regionMonoid(op.regions[0]) : null;
  if (g !== undefined && monoid === 'sum') return [summed(b, op, g), undefined];
  const scan = scanOf(op.attrs, b.typeOf(op.operands[0] as ValueId).shape);
  if (g !== undefined && monoid === 'prod' && scan !== undefined) return [ofCumulativeProduct(b, op, g, scan)];
  const plain = [...op.attrs.base_dilations, ...op.attrs.window_dilations].every((d) => d === 1);
  if (g !== undefined && plain && (monoid === 'max' || monoid === 'min')) return [chosen(b, op, g, monoid)];
  throw new NoGradient(
    'a window reduction has a gradient where it adds, takes the largest or smallest without dilations, or is a cumulative product',
  );
};

function noStart({ wanted }: Pick<GradientOp, 'wanted'>, from: number): void {
  if (wanted.slice(from).includes(true)) throw new NoGradient('the start value of a window reduction has no gradient');
}

/** Every element gets the cotangents of the windows it was in: a sum over windows of the cotangent, spread out. */
function summed(b: TypedBuilder, { attrs, operands }: GradientOp<ReduceWindow>, g: ValueId): ValueId {
  const [x] = operands as [ValueId];
  const { shape, dtype } = b.typeOf(x);
  const out = b.typeOf(g).shape;
  const reach = attrs.window_dimensions.map((w, d) => dilated(w, at(attrs.window_dilations, d)));
  const low = reach.map((r, d) => r - at(attrs.pad_low, d) - 1);
  const high = shape.map((n, d) => {
    const size = dilated(n, at(attrs.base_dilations, d));
    return size + at(reach, d) - 1 - dilated(at(out, d), at(attrs.window_strides, d)) - at(low, d);
  });
  const zero = b.splat(0, tensor(dtype, []));
  const spread = b.one('pad', [g, zero], { low, high, interior: attrs.window_strides.map((s) => s - 1) });
  const none = shape.map(() => 0);
  return b.one(
    'reduce_window',
    [spread, zero],
    {
      ...attrs,
      window_strides: attrs.base_dilations,
      base_dilations: shape.map(() => 1),
      pad_low: none,
      pad_high: none,
    },
    [b.reducer('add', dtype)],
  );
}

/** Every window's cotangent goes to the element that it chose, the first of equals. */
function chosen(
  b: TypedBuilder,
  { attrs, operands }: GradientOp<ReduceWindow>,
  g: ValueId,
  monoid: 'max' | 'min',
): ValueId {
  const [x] = operands as [ValueId];
  const { dtype } = b.typeOf(x);
  const scalar = tensor(dtype, []);
  const keep = b.region(() => {
    const [p, q] = [b.param(scalar), b.param(scalar)];
    b.op(
      'return',
      [b.one('compare', [p, q], { direction: monoid === 'max' ? 'GE' : 'LE', compare_type: 'FLOAT' })],
      [],
      b.origin,
    );
  });
  const { window_dimensions, window_strides, pad_low, pad_high } = attrs;
  return b.one(
    'select_and_scatter',
    [x, g, b.splat(0, scalar)],
    { window_dimensions, window_strides, pad_low, pad_high },
    [keep, b.reducer('add', dtype)],
  );
}

/**
 * y_t = x_0 … x_t:   x'_i = y_{i−1} r_i   with   r_i = g_i + x_{i+1} r_{i+1}, without division.
 * The recurrence doubles its reach each step (Hillis and Steele): log₂ n steps of r += a · r shifted, a *= a shifted.
 */
function ofCumulativeProduct(
  b: TypedBuilder,
  { operands, results }: GradientOp<ReduceWindow>,
  g: ValueId,
  { dim, direction }: Scan,
): ValueId {
  const [x] = operands as [ValueId];
  const [y] = results as [ValueId];
  const f = new Formula(b);
  const { shape, dtype } = b.typeOf(x);
  const size = at(shape, dim);
  /** Element i is that of `by` places further on, towards where the product ends. */
  const shifted = (v: ValueId, by: number, fill: number): ValueId => {
    const toEnd = (direction === 'forward') === by > 0;
    const along = (n: number): number[] => shape.map((_, d) => (d === dim ? n : 0));
    const n = Math.abs(by);
    return b.one('pad', [v, b.splat(fill, tensor(dtype, []))], {
      low: along(toEnd ? -n : n),
      high: along(toEnd ? n : -n),
      interior: along(0),
    });
  };
  let [r, a] = [g, shifted(x, 1, 0)];
  for (let by = 1; by < size; by *= 2) {
    r = f.add(r, f.mul(a, shifted(r, by, 0)));
    a = f.mul(a, shifted(a, by, 0));
  }
  return f.mul(shifted(y, -1, 1), r);
}

/** The source's cotangent is read where each window's choice lies: the windows are searched again, the cotangent beside. */
const selectAndScatter: Gradient<OpAttrs['select_and_scatter']> = (b, op, [g]) => {
  if (g === undefined) return [];
  noStart(op, 2);
  const { attrs, operands, regions } = op;
  const [x] = operands as [ValueId];
  const { dtype, shape } = b.typeOf(x);
  const direction = regions[0]?.ops[0]?.attrs.direction;
  if (regions[0]?.ops.length !== 2 || (direction !== 'GE' && direction !== 'LE') || regionMonoid(regions[1]) !== 'sum')
    throw new NoGradient('a select_and_scatter has a gradient where it selects by GE or LE and adds');
  const scalar = tensor(dtype, []);
  const better = b.region(() => {
    const [v, a, w, c] = [0, 1, 2, 3].map(() => b.param(scalar)) as [ValueId, ValueId, ValueId, ValueId];
    const first = b.one('compare', [v, w], { direction, compare_type: 'FLOAT' });
    b.op('return', [b.one('select', [first, v, w]), b.one('select', [first, a, c])], [], b.origin);
  });
  const ones = shape.map(() => 1);
  const starts = [b.splat(identityOf(direction === 'GE' ? 'max' : 'min', dtype), scalar), b.splat(0, scalar)];
  const windows = { ...attrs, base_dilations: ones, window_dilations: ones };
  return [undefined, b.apply('reduce_window', [x, g, ...starts], windows, [better])[1]];
};

export const windowGradients: Readonly<Record<string, Gradient>> = {
  convolution: convolution as Gradient,
  reduce_window: reduceWindow as Gradient,
  select_and_scatter: selectAndScatter as Gradient,
};
