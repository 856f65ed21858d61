/** Windows, convolutions, and ops that stand for whole algorithms. */
import type { Monoid } from '../../../ir/layout.ts';
import { identityOf } from '../../../ir/monoid.ts';
import type { ValueId } from '../../../ir/program.ts';
import { REDUCERS } from '../../../ir/typed-build.ts';
import { DTYPES, isFloat, tensor, withShape } from '../../../ir/types.ts';
import { scalarOf } from '../program.ts';
import { type OpMaker, sizeOf } from './maker.ts';

export const LIBRARY_OPS: Readonly<Record<string, OpMaker>> = {
  /** Through complex numbers and back. */
  fft(p) {
    const x = p.any((t) => t.dtype === 'f32' && t.shape.length >= 1 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const fft_length = shape.slice(-(1 + p.choices.below(Math.min(3, shape.length))));
    const z = p.b.one('complex', [x, p.like(p.b.typeOf(x))]);
    const made = p.b.one('fft', [z], { fft_type: p.choices.of(['FFT', 'IFFT']), fft_length });
    return p.b.one(p.choices.of(['real', 'imag', 'abs']), [p.b.one('multiply', [made, z])]);
  },

  /** L of a well-conditioned matrix, and what it solves. */
  cholesky(p) {
    const x = p.any((t) => t.dtype === 'f32' && t.shape.length >= 2 && !t.shape.includes(0));
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const n = shape.at(-2) as number;
    const batch = shape.slice(0, -2).map((_, d) => d);
    const contracting = [shape.length - 1];
    const square = tensor('f32', [...shape.slice(0, -1), n]);
    if (!p.fits(square.shape)) return undefined;
    const product = p.b.one('dot_general', [x, x], {
      lhs_batch: batch,
      rhs_batch: batch,
      lhs_contracting: contracting,
      rhs_contracting: contracting,
      dtype: 'f32',
    });
    const [row, column] = [shape.length - 2, shape.length - 1].map((dim) =>
      p.b.one('iota', [], { dim, dtype: 'i32', shape: square.shape }),
    ) as [ValueId, ValueId];
    const diagonal = p.b.one('compare', [row, column], { direction: 'EQ', compare_type: 'SIGNED' });
    const ridge = p.b.one('select', [diagonal, p.b.splat(1, square), p.b.splat(0, square)]);
    const factor = p.b.one('cholesky', [p.b.one('add', [product, ridge])], { lower: true });
    return p.b.one('triangular_solve', [factor, x], {
      left_side: true,
      lower: true,
      unit_diagonal: false,
      transpose_a: p.choices.of(['NO_TRANSPOSE', 'TRANSPOSE']),
    });
  },

  random_bits(p) {
    const x = p.float();
    if (x === undefined) return undefined;
    const { shape } = p.b.typeOf(x);
    const state = p.argument(tensor('u64', [2]));
    const algorithm = p.choices.of(['PHILOX', 'THREE_FRY', 'DEFAULT']);
    const dtype = p.choices.of(['u32', 'u64', 'u8'] as const);
    const bits = p.b.apply('rng_bit_generator', [state], { algorithm, dtype, shape })[1] as ValueId;
    const wide = p.b.one('convert', [bits], { dtype: p.b.typeOf(x).dtype });
    const unit = p.b.splat(2 ** -DTYPES[dtype].bits, p.b.typeOf(x));
    return p.b.one('add', [x, p.b.one('multiply', [wide, unit])]);
  },

  cumulative(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const { shape, dtype } = p.b.typeOf(x);
    const dim = p.choices.below(shape.length);
    const monoid = p.choices.of<Monoid>(['sum', 'max']);
    const on = (n: number, other: number): number[] => shape.map((_, d) => (d === dim ? n : other));
    const before = on(sizeOf(p.b.typeOf(x), dim) - 1, 0);
    const reverse = p.choices.chance(30);
    const attrs = {
      window_dimensions: on(sizeOf(p.b.typeOf(x), dim), 1),
      window_strides: on(1, 1),
      base_dilations: on(1, 1),
      window_dilations: on(1, 1),
      pad_low: reverse ? on(0, 0) : before,
      pad_high: reverse ? before : on(0, 0),
    };
    const init = p.b.splat(identityOf(monoid, dtype), scalarOf(dtype));
    return p.b.one('reduce_window', [x, init], attrs, [p.b.reducer(REDUCERS[monoid], dtype)]);
  },

  window(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const dim = p.choices.below(type.shape.length);
    const size = 2 + p.choices.below(3);
    const low = p.choices.below(3);
    const high = p.choices.below(3);
    if (sizeOf(type, dim) + low + high < size) return undefined;
    const on = (n: number, other: number): number[] => type.shape.map((_, d) => (d === dim ? n : other));
    const attrs = {
      window_dimensions: on(size, 1),
      window_strides: on(p.choices.of([1, 1, 2, 3]), 1),
      base_dilations: on(1, 1),
      window_dilations: on(1, 1),
      pad_low: on(low, 0),
      pad_high: on(high, 0),
    };
    const monoid = p.choices.of<Monoid>(['sum', 'max', 'min']);
    const init = p.b.splat(identityOf(monoid, type.dtype), scalarOf(type.dtype));
    return p.b.one('reduce_window', [x, init], attrs, [p.b.reducer(REDUCERS[monoid], type.dtype)]);
  },

  convolution(p) {
    const x = p.any((t) => isFloat(t.dtype) && t.shape.length === 3);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const [size, features] = [1 + p.choices.below(3), p.extent()];
    const kernel = p.like(withShape(type, [sizeOf(type, 1), features, size]));
    const attrs = {
      input_dims: [0, 1, 2],
      kernel_dims: [0, 1, 2],
      output_dims: [0, 1, 2],
      strides: [p.choices.of([1, 2, 3])],
      pad_low: [p.choices.below(3)],
      pad_high: [p.choices.below(3)],
      lhs_dilation: [p.choices.of([1, 1, 2])],
      rhs_dilation: [p.choices.of([1, 1, 2])],
      reversal: [p.choices.chance(20)],
      feature_group_count: 1,
      batch_group_count: 1,
      dtype: type.dtype,
    };
    const spatial = (sizeOf(type, 2) - 1) * (attrs.lhs_dilation[0] as number) + 1;
    const reach = (size - 1) * (attrs.rhs_dilation[0] as number) + 1;
    if (spatial + (attrs.pad_low[0] as number) + (attrs.pad_high[0] as number) < reach) return undefined;
    return p.b.one('convolution', [x, kernel], attrs);
  },
};
