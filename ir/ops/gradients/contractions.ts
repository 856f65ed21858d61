/** Gradients of dot_general, convolution and reduce. */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient, type GradientOp, NoGradient } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import type { DType } from '../../types.ts';
import { regionMonoid } from '../monoid.ts';

type Dot = OpAttrs['dot_general'];
const at = (list: readonly number[], i: number): number => list[i] as number;

/**
 * Each side is the other contracted with the cotangent over the cotangent's dims that came from the other.
 *
 *   g[b, m, n] = l[b, m, k] r[b, k, n]   →   l' = g r over n,  r' = l g over m
 */
const dotGeneral: Gradient<Dot> = (b, { attrs, operands, wanted }, [g]) => {
  if (g === undefined) return [];
  const [lhs, rhs] = operands as [ValueId, ValueId];
  const left = { batch: attrs.lhs_batch, contracting: attrs.lhs_contracting };
  const right = { batch: attrs.rhs_batch, contracting: attrs.rhs_contracting };
  const free = (id: ValueId, side: typeof left): number[] =>
    b
      .typeOf(id)
      .shape.map((_, d) => d)
      .filter((d) => !side.batch.includes(d) && !side.contracting.includes(d));
  const [lhsFree, rhsFree] = [free(lhs, left), free(rhs, right)];
  const batch = left.batch.map((_, d) => d);
  const ofLhs = lhsFree.map((_, d) => batch.length + d);
  const ofRhs = rhsFree.map((_, d) => batch.length + lhsFree.length + d);
  const ofLeft = {
    of: lhs,
    other: rhs,
    ownDims: left,
    otherDims: right,
    ownFree: lhsFree,
    otherFree: rhsFree,
    batch,
    contract: ofRhs,
  };
  const ofRight = {
    of: rhs,
    other: lhs,
    ownDims: right,
    otherDims: left,
    ownFree: rhsFree,
    otherFree: lhsFree,
    batch,
    contract: ofLhs,
  };
  return [ofLeft, ofRight].map((side, i) => (wanted[i] === true ? oneSide(b, attrs, g, side) : undefined));
};

interface Side {
  readonly of: ValueId;
  readonly other: ValueId;
  readonly ownDims: { readonly batch: readonly number[]; readonly contracting: readonly number[] };
  readonly otherDims: { readonly batch: readonly number[]; readonly contracting: readonly number[] };
  readonly ownFree: readonly number[];
  readonly otherFree: readonly number[];
  /** Dims of the cotangent. */
  readonly batch: readonly number[];
  readonly contract: readonly number[];
}

function oneSide(b: TypedBuilder, attrs: Dot, g: ValueId, s: Side): ValueId {
  const { dtype } = b.typeOf(s.of);
  const made = b.one('dot_general', [g, as(b, s.other, b.typeOf(g).dtype)], {
    ...kept(attrs),
    lhs_batch: s.batch,
    rhs_batch: s.otherDims.batch,
    lhs_contracting: s.contract,
    rhs_contracting: s.otherFree,
    dtype,
  });
  // [batch, own free, the other's contracting dims in its order] → the operand's order
  const byOther = s.otherDims.contracting.map((d, i) => ({ d, i })).sort((x, y) => x.d - y.d);
  const dims = [...s.ownDims.batch, ...s.ownFree, ...byOther.map(({ i }) => at(s.ownDims.contracting, i))];
  return b.one('transpose', [made], { permutation: dims.map((_, d) => dims.indexOf(d)) });
}

const kept = ({ precision, algorithm }: Dot): Partial<Dot> => ({
  ...(precision === undefined ? {} : { precision }),
  ...(algorithm === undefined ? {} : { algorithm }),
});

const as = (b: TypedBuilder, id: ValueId, dtype: DType): ValueId =>
  b.typeOf(id).dtype === dtype ? id : b.one('convert', [id], { dtype });

const reduce: Gradient<OpAttrs['reduce']> = (b, op, [g, ...more]) => {
  if (g === undefined && more.every((c) => c === undefined)) return [];
  const monoid = op.results.length === 1 ? regionMonoid(op.regions[0]) : null;
  if (g === undefined || monoid === null) throw new NoGradient('a reduction by a region of its own has no gradient');
  const [x, start] = op.operands as [ValueId, ValueId];
  const f = new Formula(b);
  const back = (id: ValueId): ValueId => spread(b, id, x, op.attrs.dims);
  switch (monoid) {
    case 'sum':
      return [back(g), total(b, g)];
    case 'max':
    case 'min':
      if (op.wanted[1] === true) throw new NoGradient('the start value of a largest or smallest has no gradient');
      return [sharedByTies(b, op, g, back)];
    case 'prod': {
      const scaled = f.mul(g, b.broadcastTo(start, b.typeOf(g).shape));
      const ofStart = op.wanted[1] === true ? total(b, f.mul(g, b.reduce('prod', x, op.attrs.dims))) : undefined;
      return [f.mul(back(scaled), productOfOthers(b, x, op.attrs.dims)), ofStart];
    }
    default:
      throw new NoGradient(`a reduction by "${monoid}" has no gradient`);
  }
};

/** What a start value gets: it goes into every sum. */
const total = (b: TypedBuilder, g: ValueId): ValueId =>
  b.reduce(
    'sum',
    g,
    b.typeOf(g).shape.map((_, d) => d),
  );

/** A reduced value at the operand's shape. */
function spread(b: TypedBuilder, reduced: ValueId, x: ValueId, dims: readonly number[]): ValueId {
  const { shape } = b.typeOf(x);
  return b.one('broadcast_in_dim', [reduced], { dims: shape.map((_, d) => d).filter((d) => !dims.includes(d)), shape });
}

/** All elements that are the extremum get an equal part. */
function sharedByTies(
  b: TypedBuilder,
  op: GradientOp<OpAttrs['reduce']>,
  g: ValueId,
  back: (id: ValueId) => ValueId,
): ValueId {
  const [x] = op.operands as [ValueId];
  const f = new Formula(b);
  const best = b.one('convert', [f.is('EQ', x, back(op.results[0] as ValueId))], { dtype: b.typeOf(x).dtype });
  // None where the start value is it.
  const count = f.two('maximum', b.reduce('sum', best, op.attrs.dims), { value: 1 });
  return f.mul(best, back(f.div(g, count)));
}

/** Of each element the product of the others, without division: of those before times of those after. */
function productOfOthers(b: TypedBuilder, x: ValueId, dims: readonly number[]): ValueId {
  const { shape } = b.typeOf(x);
  const keptDims = shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const order = [...keptDims, ...dims];
  const rows = keptDims.map((d) => at(shape, d));
  const count = dims.reduce((n, d) => n * at(shape, d), 1);
  const lined = b.one('reshape', [b.one('transpose', [x], { permutation: order })], { shape: [...rows, count] });
  const others = b.one('multiply', [exclusive(b, lined, 'low'), exclusive(b, lined, 'high')]);
  const unlined = b.one('reshape', [others], { shape: order.map((d) => at(shape, d)) });
  return b.one('transpose', [unlined], { permutation: order.map((_, d) => order.indexOf(d)) });
}

/** Products of all elements before (`low`) or after (`high`) each along the last dim. */
function exclusive(b: TypedBuilder, x: ValueId, side: 'low' | 'high'): ValueId {
  const { shape, dtype } = b.typeOf(x);
  const last = shape.length - 1;
  const count = at(shape, last);
  const along = (n: number, other: number): number[] => shape.map((_, d) => (d === last ? n : other));
  const one = b.splat(1, { dtype, shape: [] });
  return b.one(
    'reduce_window',
    [x, one],
    {
      window_dimensions: along(count, 1),
      window_strides: along(1, 1),
      base_dilations: along(1, 1),
      window_dilations: along(1, 1),
      pad_low: along(side === 'low' ? count : -1, 0),
      pad_high: along(side === 'low' ? -1 : count, 0),
    },
    [b.reducer('multiply', dtype)],
  );
}

export const contractionGradients: Readonly<Record<string, Gradient>> = {
  dot_general: dotGeneral as Gradient,
  reduce: reduce as Gradient,
};
