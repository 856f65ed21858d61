/** The gradient of fft: a transform is linear, and but for order and scale its own transpose (jax, lax/fft.py). */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient, type GradientOp } from '../../gradient.ts';
import type { ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import { tensor } from '../../types.ts';
import { conjugate } from './complex.ts';

type Fft = OpAttrs['fft'];

const fft: Gradient<Fft> = (b, op, [g]) => {
  if (g === undefined) return [];
  switch (op.attrs.fft_type) {
    case 'RFFT':
      return [ofRealInput(b, op, g)];
    case 'IRFFT':
      return [ofHalfSpectrum(b, op, g)];
    default:
      return [b.one('fft', [g], { ...op.attrs })];
  }
};

/** y_k = Σ x_j w^jk for the first half of k: the cotangent with zeros for the other half, transformed; its real part. */
function ofRealInput(b: TypedBuilder, { attrs, operands }: GradientOp<Fft>, g: ValueId): ValueId {
  const { shape, dtype } = b.typeOf(g);
  const whole = b.typeOf(operands[0] as ValueId).shape;
  const last = shape.length - 1;
  const none = shape.map(() => 0);
  const high = shape.map((n, d) => (d === last ? (whole[d] as number) - n : 0));
  const padded = b.one('pad', [g, b.splat(0, tensor(dtype, []))], { low: none, high, interior: none });
  return b.one('real', [b.one('fft', [padded], { ...attrs, fft_type: 'FFT' })]);
}

/** Every frequency but the first, and the middle one of an even length, stands for its mirror image too. */
function ofHalfSpectrum(b: TypedBuilder, { attrs, operands }: GradientOp<Fft>, g: ValueId): ValueId {
  const f = new Formula(b);
  const spectrum = conjugate(b, b.one('fft', [g], { ...attrs, fft_type: 'RFFT' }));
  const { shape } = b.typeOf(operands[0] as ValueId);
  const length = attrs.fft_length.at(-1) as number;
  const k = b.one('iota', [], { dim: shape.length - 1, dtype: 'i32', shape });
  const is = (n: number): ValueId =>
    b.one('compare', [k, b.splat(n, b.typeOf(k))], { direction: 'EQ', compare_type: 'SIGNED' });
  const alone = length % 2 === 0 ? b.one('or', [is(0), is(length / 2)]) : is(0);
  const scale = 1 / attrs.fft_length.reduce((n, l) => n * l, 1);
  return b.one('select', [alone, f.mul(spectrum, { value: scale }), f.mul(spectrum, { value: 2 * scale })]);
}

export const spectralGradients: Readonly<Record<string, Gradient>> = { fft: fft as Gradient };
