/** Ops on extents of the program's own: elementwise, contractions, reductions, shapes, indices, order. */
import type { Monoid } from '../../../ir/layout.ts';
import type { Attrs, ValueId } from '../../../ir/program.ts';
import { type DType, isFloat, tensor, type TensorType, withDType, withShape } from '../../../ir/types.ts';
import { type ProgramMaker, scalarOf } from '../program.ts';
import { dimsOf, type OpMaker, sizeOf } from './maker.ts';

const UNARY = ['negate', 'tanh', 'abs', 'logistic', 'cosine', 'exponential'];
const BINARY = ['add', 'multiply', 'subtract', 'maximum', 'minimum'];
/** Types of indices: of narrow ones the numbers end within a dim. */
const INDICES: readonly DType[] = ['i32', 'i32', 'i64', 'u32', 'u64', 'i8', 'u8', 'i4', 'u4'];
const arithmetic = (t: TensorType): boolean => t.dtype !== 'pred';

export const TENSOR_OPS: Readonly<Record<string, OpMaker>> = {
  unary(p) {
    const x = p.float();
    return x === undefined ? undefined : p.b.one(p.choices.of(UNARY), [x]);
  },

  binary(p) {
    const x = p.any(arithmetic);
    if (x === undefined) return undefined;
    return p.b.one(p.choices.of(BINARY), p.choices.shuffled([x, p.like(p.b.typeOf(x))]));
  },

  dot_general(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const dims = p.choices.shuffled(dimsOf(type));
    const contracting = dims.slice(0, p.choices.chance(15) ? 2 : 1);
    const batch = dims.slice(contracting.length).filter(() => p.choices.chance(30));
    const free = Array.from({ length: 1 + p.choices.below(2) }, () => p.extent());
    const kept = type.shape.filter((_, d) => !contracting.includes(d));
    if (!p.fits([...kept, ...free])) return undefined;
    const held = p.choices.shuffled([
      ...batch.map((d) => ({ role: 'batch', d, size: sizeOf(type, d) })),
      ...contracting.map((d) => ({ role: 'contracting', d, size: sizeOf(type, d) })),
      ...free.map((size, d) => ({ role: 'free', d, size })),
    ]);
    const y = p.like(
      withShape(
        type,
        held.map((h) => h.size),
      ),
    );
    const at = (role: string) => (d: number) => held.findIndex((h) => h.role === role && h.d === d);
    return p.b.one('dot_general', [x, y], {
      lhs_batch: batch,
      rhs_batch: batch.map(at('batch')),
      lhs_contracting: contracting,
      rhs_contracting: contracting.map(at('contracting')),
      dtype: type.dtype,
    });
  },

  reduce(p) {
    const x = p.any((t) => arithmetic(t) && t.shape.length >= 1);
    if (x === undefined) return undefined;
    const dims = dimsOf(p.b.typeOf(x)).filter(() => p.choices.chance(60));
    const monoid = p.choices.of<Monoid>(['sum', 'max', 'min', 'prod']);
    return p.b.reduce(monoid, x, dims.length === 0 ? [0] : dims);
  },

  mean_and_center(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const dim = p.choices.below(type.shape.length);
    const scale = p.b.splat(
      1 / Math.max(1, sizeOf(type, dim)),
      withShape(
        type,
        type.shape.filter((_, d) => d !== dim),
      ),
    );
    const mean = p.b.one('multiply', [p.b.reduce('sum', x, [dim]), scale]);
    return p.b.one('subtract', [x, backTo(p, mean, type, dim)]);
  },

  softmax(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const dim = p.choices.below(type.shape.length);
    const shifted = p.b.one('subtract', [x, backTo(p, p.b.reduce('max', x, [dim]), type, dim)]);
    const e = p.b.one('exponential', [shifted]);
    return p.b.one('divide', [e, backTo(p, p.b.reduce('sum', e, [dim]), type, dim)]);
  },

  argmax(p) {
    const given = p.float(1);
    if (given === undefined) return undefined;
    const type = p.b.typeOf(given);
    const seesNaN = p.choices.chance(50);
    const x = seesNaN ? given : withoutNaN(p, given);
    const dim = p.choices.below(type.shape.length);
    const iota = p.b.one('iota', [], { dim, dtype: 'i32', shape: type.shape });
    const inits = [p.b.splat(-Infinity, scalarOf(type.dtype)), p.b.splat(0, scalarOf('i32'))];
    const [best, at] = p.b.apply('reduce', [x, iota, ...inits], { dims: [dim] }, [pickLarger(p, type, seesNaN)]);
    if (p.choices.chance(50)) p.bind(at as ValueId);
    return best;
  },

  transpose(p) {
    const x = p.any((t) => t.shape.length >= 2);
    if (x === undefined) return undefined;
    return p.b.one('transpose', [x], { permutation: p.choices.shuffled(dimsOf(p.b.typeOf(x)).reverse()) });
  },

  merge_dims(p) {
    const x = p.any((t) => t.shape.length >= 2);
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const at = p.choices.below(shape.length - 1);
    const merged = (shape[at] as number) * (shape[at + 1] as number);
    return p.b.one('reshape', [x], { shape: [...shape.slice(0, at), merged, ...shape.slice(at + 2)] });
  },

  split_dim(p) {
    const x = p.any((t) => t.shape.some((n) => n > 3 && divisors(n).length > 0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const at = p.choices.of(shape.flatMap((n, d) => (n > 3 && divisors(n).length > 0 ? [d] : [])));
    const [n, major] = [shape[at] as number, p.choices.of(divisors(shape[at] as number))];
    return p.b.one('reshape', [x], { shape: [...shape.slice(0, at), major, n / major, ...shape.slice(at + 1)] });
  },

  broadcast(p) {
    const x = p.any((t) => t.shape.length <= 2);
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const at = p.choices.below(shape.length + 1);
    const wide = [...shape.slice(0, at), p.extent(), ...shape.slice(at)];
    if (!p.fits(wide)) return undefined;
    return p.b.one('broadcast_in_dim', [x], { dims: shape.map((_, d) => (d < at ? d : d + 1)), shape: wide });
  },

  slice(p) {
    const x = p.any((t) => t.shape.length >= 1);
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const cut = p.choices.below(shape.length);
    const start = shape.map((n, d) => (d === cut ? p.choices.below(Math.max(1, n)) : 0));
    const limit = shape.map((n, d) => (d === cut ? n - p.choices.below(n - (start[d] as number)) : n));
    const strides = shape.map((_, d) => (d === cut ? 1 + p.choices.below(3) : 1));
    return p.b.one('slice', [x], { start, limit, strides });
  },

  pad(p) {
    const x = p.any((t) => arithmetic(t) && t.shape.length >= 1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const at = p.choices.below(type.shape.length);
    const on = (n: () => number): number[] => type.shape.map((_, d) => (d === at ? n() : 0));
    const attrs = {
      low: on(() => p.choices.of([0, 1, 3, 2, -1])),
      high: on(() => p.choices.of([1, 0, 2, 4, -1])),
      interior: on(() => p.choices.of([0, 0, 1, 2])),
    };
    const extent = sizeOf(type, at) + (attrs.low[at] as number) + (attrs.high[at] as number);
    if (extent < 1) return undefined;
    return p.b.one('pad', [x, p.b.splat(p.choices.of([0, 1]), scalarOf(type.dtype))], attrs);
  },

  concatenate(p) {
    const x = p.any((t) => t.shape.length >= 1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const dim = p.choices.below(type.shape.length);
    const other = withShape(
      type,
      type.shape.map((n, d) => (d === dim ? p.extent() : n)),
    );
    return p.b.one('concatenate', p.choices.shuffled([x, p.like(other)]), { dim });
  },

  roll(p) {
    const x = p.any((t) => t.shape.some((n) => n > 1));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const dim = p.choices.of(shape.flatMap((n, d) => (n > 1 ? [d] : [])));
    const by = 1 + p.choices.below((shape[dim] as number) - 1);
    const part = (from: number, to: number): ValueId =>
      p.b.one('slice', [x], {
        start: shape.map((_, d) => (d === dim ? from : 0)),
        limit: shape.map((n, d) => (d === dim ? to : n)),
        strides: shape.map(() => 1),
      });
    return p.b.one('concatenate', [part(by, shape[dim] as number), part(0, by)], { dim });
  },

  reverse(p) {
    const x = p.any((t) => t.shape.length >= 1);
    return x === undefined
      ? undefined
      : p.b.one('reverse', [x], { dims: [p.choices.below(p.b.typeOf(x).shape.length)] });
  },

  dynamic_slice(p) {
    const x = p.any((t) => t.shape.length >= 1 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const cut = p.choices.below(shape.length);
    const sizes = shape.map((n, d) => (d === cut ? 1 + p.choices.below(n) : n));
    return p.b.one('dynamic_slice', [x, ...starts(p, shape, cut)], { sizes });
  },

  dynamic_update_slice(p) {
    const x = p.any((t) => t.shape.length >= 1 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const cut = p.choices.below(type.shape.length);
    const update = withShape(
      type,
      type.shape.map((n, d) => (d === cut ? 1 + p.choices.below(n) : n)),
    );
    return p.b.one('dynamic_update_slice', [x, p.like(update), ...starts(p, type.shape, cut)]);
  },

  gather_rows(p) {
    const x = p.any((t) => t.shape.length >= 1 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const ids = p.argument(tensor(p.choices.of(INDICES), p.shape(1 + p.choices.below(2))));
    const lead = p.b.typeOf(ids).shape;
    if (!p.fits([...lead, ...shape.slice(1)])) return undefined;
    return p.b.one('gather', [x, ids], {
      offset_dims: shape.slice(1).map((_, d) => lead.length + d),
      collapsed_slice_dims: [0],
      operand_batching_dims: [],
      start_indices_batching_dims: [],
      start_index_map: [0],
      index_vector_dim: lead.length,
      slice_sizes: shape.map((n, d) => (d === 0 ? 1 : n)),
      indices_are_sorted: false,
    });
  },

  scatter_rows(p) {
    const x = p.float(1);
    if (x === undefined || p.b.typeOf(x).shape.includes(0)) return undefined;
    const type = p.b.typeOf(x);
    const ids = p.argument(tensor(p.choices.of(INDICES), [p.extent()]));
    const count = sizeOf(p.b.typeOf(ids), 0);
    const updates = p.like(withShape(type, [count, ...type.shape.slice(1)]));
    const combiner = p.choices.of(['add', 'maximum', 'minimum']);
    const attrs: Attrs = {
      update_window_dims: type.shape.slice(1).map((_, d) => d + 1),
      inserted_window_dims: [0],
      input_batching_dims: [],
      scatter_indices_batching_dims: [],
      scatter_dims_to_operand_dims: [0],
      index_vector_dim: 1,
      indices_are_sorted: false,
      unique_indices: false,
    };
    return p.b.one('scatter', [x, ids, updates], attrs, [p.b.reducer(combiner, type.dtype)]);
  },

  gather_windows(p) {
    const x = p.any((t) => t.shape.length >= 1 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const { addressed, batched, extents, gone, ids, slices } = windowsOf(p, shape);
    if (!p.fits(slices)) return undefined;
    return p.b.one('gather', [x, ids], {
      offset_dims: slices.slice(1).map((_, i) => i + 1),
      collapsed_slice_dims: gone,
      operand_batching_dims: batched,
      start_indices_batching_dims: batched.map(() => 0),
      start_index_map: addressed,
      index_vector_dim: 1,
      slice_sizes: extents,
      indices_are_sorted: false,
    });
  },

  scatter_windows(p) {
    const x = p.float(1);
    if (x === undefined || p.b.typeOf(x).shape.includes(0)) return undefined;
    const type = p.b.typeOf(x);
    const { addressed, batched, gone, ids, slices } = windowsOf(p, type.shape);
    if (!p.fits(slices)) return undefined;
    const attrs: Attrs = {
      update_window_dims: slices.slice(1).map((_, i) => i + 1),
      inserted_window_dims: gone,
      input_batching_dims: batched,
      scatter_indices_batching_dims: batched.map(() => 0),
      scatter_dims_to_operand_dims: addressed,
      index_vector_dim: 1,
      indices_are_sorted: false,
      unique_indices: false,
    };
    const combiner = p.choices.of(['add', 'maximum', 'minimum']);
    return p.b.one('scatter', [x, ids, p.like(withShape(type, slices))], attrs, [p.b.reducer(combiner, type.dtype)]);
  },

  /** Alone, or with a count along one of its dims. */
  sort(p) {
    const given = p.any((t) => arithmetic(t) && t.shape.length >= 1);
    if (given === undefined) return undefined;
    const type = p.b.typeOf(given);
    const scalar = scalarOf(type.dtype);
    const dim = p.choices.below(type.shape.length);
    const ofFloats = p.choices.chance(70) ? 'TOTALORDER' : 'FLOAT';
    const compare_type = isFloat(type.dtype) ? ofFloats : type.dtype.startsWith('u') ? 'UNSIGNED' : 'SIGNED';
    const x = compare_type === 'FLOAT' ? withoutNaN(p, given) : given;
    const counted = p.choices.chance(40)
      ? [p.b.one('iota', [], { dim: p.choices.below(type.shape.length), dtype: 'i32', shape: type.shape })]
      : [];
    const comparator = p.b.region(() => {
      const sides = [p.b.param(scalar), p.b.param(scalar)];
      for (const _ of counted) for (let side = 0; side < 2; side++) p.b.param(scalarOf('i32'));
      const less = p.b.one('compare', sides, { direction: p.choices.of(['LT', 'GT']), compare_type });
      p.b.op('return', [less], [], {});
    });
    const sorted = p.b.apply('sort', [x, ...counted], { dim, is_stable: true }, [comparator]);
    const [places] = sorted.slice(1);
    if (places !== undefined) p.bind(places);
    return sorted[0];
  },

  top_k(p) {
    const x = p.any((t) => arithmetic(t) && t.dtype !== 'i64' && (t.shape.at(-1) ?? 0) > 0);
    if (x === undefined) return undefined;
    const size = p.b.typeOf(x).shape.at(-1) as number;
    const made = p.b.apply('top_k', [x], { k: 1 + p.choices.below(Math.min(3, size)) });
    return made[p.choices.below(2)];
  },

  iota(p) {
    const shape = p.shape(1 + p.choices.below(2));
    const iota = p.b.one('iota', [], { dim: p.choices.below(shape.length), dtype: 'f32', shape });
    return p.b.one('multiply', [iota, p.like(tensor('f32', shape))]);
  },

  select(p) {
    const x = p.float();
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const y = p.like(type);
    const pred = p.b.one('compare', [x, p.like(type)], {
      direction: p.choices.of(['LT', 'GE']),
      compare_type: 'FLOAT',
    });
    return p.b.one('select', [pred, x, y]);
  },

  convert(p) {
    const x = p.float();
    if (x === undefined) return undefined;
    return p.b.one('convert', [x], { dtype: p.b.typeOf(x).dtype === 'f32' ? 'bf16' : 'f32' });
  },
};

/** Back to the dims that a reduction of `dim` took away. */
const backTo = (p: ProgramMaker, value: ValueId, type: TensorType, dim: number): ValueId =>
  p.b.one('broadcast_in_dim', [value], { dims: dimsOf(type).filter((d) => d !== dim), shape: type.shape });

function starts(p: ProgramMaker, shape: readonly number[], cut: number): ValueId[] {
  return shape.map((_, d) => (d === cut ? p.argument(scalarOf('i32')) : p.b.splat(0, scalarOf('i32'))));
}

/** Windows of any extent, also whole ones, at starts that address some dims; now and then one window per part of dim 0. */
function windowsOf(p: ProgramMaker, shape: readonly number[]): Windows {
  const batched = shape.length > 1 && p.choices.chance(30) ? [0] : [];
  const rest = shape.map((_, d) => d).filter((d) => !batched.includes(d));
  const addressed = p.choices.shuffled([...new Set([p.choices.of(rest), ...p.choices.some(rest)])]);
  const extents = shape.map((n, d) => {
    if (batched.includes(d)) return 1;
    return addressed.includes(d) ? p.choices.of([1, n, 1 + p.choices.below(n)]) : n;
  });
  const gone = addressed.filter((d) => extents[d] === 1 && p.choices.chance(70)).sort((a, b) => a - b);
  const count = batched.length > 0 ? (shape[0] as number) : p.extent();
  const ids = p.argument(tensor(p.choices.of(INDICES), [count, addressed.length]));
  const slices = [count, ...extents.filter((_, d) => !gone.includes(d) && !batched.includes(d))];
  return { addressed, batched, extents, gone, ids, slices };
}

interface Windows {
  readonly addressed: readonly number[];
  readonly batched: readonly number[];
  readonly extents: readonly number[];
  /** Addressed dims of which one element is taken, and no dim stands for it. */
  readonly gone: readonly number[];
  readonly ids: ValueId;
  /** Shape of all windows together, the batch dim first. */
  readonly slices: readonly number[];
}

const divisors = (n: number): number[] => Array.from({ length: n }, (_, i) => i).filter((i) => i > 1 && n % i === 0);

/**
 * A comparison that is false of NaN either way orders nothing, and what is picked by it depends on who meets whom first,
 * which StableHLO leaves open.
 */
const withoutNaN = (p: ProgramMaker, x: ValueId): ValueId => {
  const same = p.b.one('compare', [x, x], { direction: 'EQ', compare_type: 'FLOAT' });
  return p.b.one('select', [same, x, p.b.splat(0, p.b.typeOf(x))]);
};

/** (value, index) × (value, index) → the larger value, of equal ones the smaller index; the first NaN before any other. */
function pickLarger(p: ProgramMaker, type: TensorType, seesNaN: boolean) {
  const [value, index] = [withDType(type, type.dtype), scalarOf('i32')].map((t) => withShape(t, [])) as [
    TensorType,
    TensorType,
  ];
  return p.b.region(() => {
    const [a, i, b, j] = [value, index, value, index].map((t) => p.b.param(t)) as [ValueId, ValueId, ValueId, ValueId];
    const float = { compare_type: 'FLOAT' } as const;
    // NaN wins, as in JAX: else what comes out depends on the order.
    const wins = p.b.one('or', [
      p.b.one('compare', [a, b], { direction: 'GT', ...float }),
      p.b.one('compare', [a, a], { direction: 'NE', ...float }),
    ]);
    const ties = p.b.one('compare', [a, b], { direction: 'EQ', ...float });
    const first = p.b.one('compare', [i, j], { direction: 'LT', compare_type: 'SIGNED' });
    const better = p.b.one('or', [wins, p.b.one('and', [ties, first])]);
    const takes = seesNaN ? p.b.one('or', [better, p.b.one('compare', [a, a], { direction: 'NE', ...float })]) : better;
    p.b.op('return', [p.b.one('select', [takes, a, b]), p.b.one('select', [takes, i, j])], [], {});
  });
}
