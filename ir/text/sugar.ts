/** Shorthands of .tir that stand for several ops. Each is written as the ops it means; docs/tir.md lists them. */
import type { Monoid } from '../layout.ts';
import { InferError } from '../op.ts';
import type { ValueId } from '../program.ts';
import { isFloat, tensor, type TensorType, withShape } from '../types.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { einsum } from './einsum.ts';

export interface SugarCall {
  readonly operands: readonly ValueId[];
  /** Whole numbers and lists of them, by name. */
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly equation: string | undefined;
  /** The type written after the op. */
  readonly stated: TensorType | undefined;
}

export interface Sugar {
  readonly operands: number;
  /** Attribute names; those ending in `?` may be left out. */
  readonly attrs: readonly string[];
  readonly hasEquation?: true;
  build(b: TypedBuilder, call: SugarCall): ValueId;
}

type Unary = (b: TypedBuilder, x: ValueId, type: TensorType) => ValueId;

const unary = (build: Unary): Sugar => ({
  operands: 1,
  attrs: [],
  build: (b, c) => build(b, first(c), b.typeOf(first(c))),
});
const first = (c: SugarCall): ValueId => c.operands[0] as ValueId;
const second = (c: SugarCall): ValueId => c.operands[1] as ValueId;

const reduction = (monoid: Monoid): Sugar => ({
  operands: 1,
  attrs: ['dims?'],
  build: (b, c) => b.reduce(monoid, first(c), dimsOf(b, c)),
});

const filled = (value: number): Sugar => ({
  operands: 0,
  attrs: [],
  build(b, { stated }) {
    if (stated === undefined) throw new InferError('its type must be stated, as `: f32[8,16]`');
    return b.splat(value, stated);
  },
});

const scale = (b: TypedBuilder, x: ValueId, by: number): ValueId => b.one('multiply', [x, b.splat(by, b.typeOf(x))]);
const shift = (b: TypedBuilder, x: ValueId, by: number): ValueId => b.one('add', [x, b.splat(by, b.typeOf(x))]);

export const SUGAR: Readonly<Record<string, Sugar>> = {
  einsum: {
    operands: -1,
    attrs: [],
    hasEquation: true,
    build: (b, c) => einsum(b, c.equation ?? '', c.operands),
  },
  /** [..., m, k] × [..., k, n]; leading dims are batch dims and must be equal. */
  matmul: {
    operands: 2,
    attrs: [],
    build(b, c) {
      const [m, n] = [b.typeOf(first(c)).shape.length, b.typeOf(second(c)).shape.length];
      if (m < 2 || n < 2) throw new InferError(`takes tensors of rank 2 and more, not ranks ${m} and ${n}`);
      const batch = Array.from({ length: n - 2 }, (_, i) => i);
      if (n > 2 && m !== n)
        throw new InferError(`takes equal ranks, or a right side of rank 2, not ranks ${m} and ${n}`);
      return b.one('dot_general', [first(c), second(c)], {
        lhs_batch: batch,
        rhs_batch: batch,
        lhs_contracting: [m - 1],
        rhs_contracting: [n - 2],
        dtype: b.typeOf(first(c)).dtype,
      });
    },
  },
  reduce_sum: reduction('sum'),
  reduce_prod: reduction('prod'),
  reduce_max: reduction('max'),
  reduce_min: reduction('min'),
  mean: { operands: 1, attrs: ['dims?'], build: (b, c) => mean(b, first(c), dimsOf(b, c)) },
  zeros: filled(0),
  ones: filled(1),
  square: unary((b, x) => b.one('multiply', [x, x])),
  sigmoid: unary((b, x) => b.one('logistic', [x])),
  relu: unary((b, x, type) => b.one('maximum', [x, b.splat(0, type)])),
  silu: unary((b, x) => b.one('multiply', [x, b.one('logistic', [x])])),
  /** The tanh form (Hendrycks and Gimpel, 2016), as jax.nn.gelu. */
  gelu: unary((b, x) => {
    const cube = b.one('multiply', [x, b.one('multiply', [x, x])]);
    const inner = scale(b, b.one('add', [x, scale(b, cube, 0.044715)]), Math.sqrt(2 / Math.PI));
    return b.one('multiply', [x, scale(b, shift(b, b.one('tanh', [inner]), 1), 0.5)]);
  }),
  /** exp(x − max) / Σ, over `dim` (default: the last). */
  softmax: {
    operands: 1,
    attrs: ['dim?'],
    build(b, c) {
      const { shape } = b.typeOf(first(c));
      const dim = dimOf(c, shape.length);
      const top = keep(b, b.reduce('max', first(c), [dim]), shape, [dim]);
      const raised = b.one('exponential', [b.one('subtract', [first(c), top])]);
      return b.one('divide', [raised, keep(b, b.reduce('sum', raised, [dim]), shape, [dim])]);
    },
  },
  /** x / √(mean x² + 1e-6) × scale, over the last dim. */
  rms_norm: {
    operands: 2,
    attrs: [],
    build(b, c) {
      const { shape } = b.typeOf(first(c));
      const last = shape.length - 1;
      const power = mean(b, b.one('multiply', [first(c), first(c)]), [last]);
      const factor = keep(b, b.one('rsqrt', [shift(b, power, 1e-6)]), shape, [last]);
      return b.one('multiply', [b.one('multiply', [first(c), factor]), b.broadcastTo(second(c), shape)]);
    },
  },
  /** (x − mean) / √(var + 1e-5) × scale + bias, over the last dim. */
  layer_norm: {
    operands: 3,
    attrs: [],
    build(b, c) {
      const { shape } = b.typeOf(first(c));
      const last = shape.length - 1;
      const centred = b.one('subtract', [first(c), keep(b, mean(b, first(c), [last]), shape, [last])]);
      const variance = mean(b, b.one('multiply', [centred, centred]), [last]);
      const factor = keep(b, b.one('rsqrt', [shift(b, variance, 1e-5)]), shape, [last]);
      const scaled = b.one('multiply', [b.one('multiply', [centred, factor]), b.broadcastTo(second(c), shape)]);
      return b.one('add', [scaled, b.broadcastTo(c.operands[2] as ValueId, shape)]);
    },
  },
  /** Rows of a table by index: table [v, d], ids [...] → [..., d]. */
  embedding: {
    operands: 2,
    attrs: [],
    build(b, c) {
      const [table, ids] = [b.typeOf(first(c)), b.typeOf(second(c))];
      if (table.shape.length !== 2) throw new InferError(`takes a table of rank 2, not ${table.shape.length}`);
      return b.one('gather', [first(c), second(c)], {
        offset_dims: [ids.shape.length],
        collapsed_slice_dims: [0],
        operand_batching_dims: [],
        start_indices_batching_dims: [],
        start_index_map: [0],
        index_vector_dim: ids.shape.length,
        slice_sizes: [1, table.shape[1] as number],
        indices_are_sorted: false,
      });
    },
  },
};

function mean(b: TypedBuilder, x: ValueId, dims: readonly number[]): ValueId {
  const { shape } = b.typeOf(x);
  return scale(b, b.reduce('sum', x, dims), 1 / dims.reduce((n, d) => n * (shape[d] as number), 1));
}

/** A reduced value back at its full shape. */
function keep(b: TypedBuilder, reduced: ValueId, shape: readonly number[], without: readonly number[]): ValueId {
  return b.one('broadcast_in_dim', [reduced], {
    dims: shape.map((_, d) => d).filter((d) => !without.includes(d)),
    shape,
  });
}

function dimOf(c: SugarCall, rank: number): number {
  const dim = (c.attrs.dim as number | undefined) ?? -1;
  if (dim < -rank || dim >= rank) throw new InferError(`dim ${dim} is not of a tensor of rank ${rank}`);
  return dim < 0 ? dim + rank : dim;
}

function dimsOf(b: TypedBuilder, c: SugarCall): number[] {
  const { shape } = b.typeOf(first(c));
  const dims = (c.attrs.dims as readonly number[] | undefined) ?? shape.map((_, d) => d);
  return dims.map((d) => {
    if (d < -shape.length || d >= shape.length)
      throw new InferError(`dim ${d} is not of a tensor of rank ${shape.length}`);
    return d < 0 ? d + shape.length : d;
  });
}

/** Literal operands (`add %x, 2.0`) take the element type of the operand beside them; this is its type at an op's operand. */
export function literalType(
  kind: string,
  index: number,
  text: string,
  known: readonly (TensorType | undefined)[],
): TensorType | undefined {
  const scalarOperand: Readonly<Record<string, number>> = { reduce: 0, reduce_window: 0, pad: 0 };
  if (kind === 'dynamic_slice' || kind === 'dynamic_update_slice') return tensor('i32', []);
  const beside = kind === 'select' ? known[index === 1 ? 2 : 1] : known.find((t) => t !== undefined);
  if (beside === undefined) return undefined;
  if (!isFloat(beside.dtype) && !/^-?\d+$/.test(text)) throw new InferError(`${text} is not a ${beside.dtype}`);
  return Object.hasOwn(scalarOperand, kind) ? tensor(beside.dtype, []) : withShape(beside, beside.shape);
}
