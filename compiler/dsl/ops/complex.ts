/** Complex numbers: made of two reals, taken apart again. */
import { type DType, isComplex, tensor } from '../../../ir/types.ts';
import type { Operand, Shape, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { negate } from './elementwise.ts';
import { asTensor, lift } from './lift.ts';

/** re + i·im, of f32 or f64. */
export function complex(re: Operand, im: Operand): Tensor<'c64' | 'c128'> {
  const trace = currentTrace();
  return trace.tensor(trace.build((b) => b.one('complex', lift(trace, [re, im])))) as Tensor<'c64' | 'c128'>;
}

/** The real part; a real tensor is its own. */
export const real = <S extends Shape>(x: Tensor<DType, S>): Tensor<DType, S> =>
  (isComplex(asTensor(x).dtype) ? currentTrace().emit('real', [x])[0] : x) as Tensor<DType, S>;

/** The imaginary part; of a real tensor zeros. */
export function imag<S extends Shape>(x: Tensor<DType, S>): Tensor<DType, S> {
  const trace = currentTrace();
  if (isComplex(asTensor(x).dtype)) return trace.emit('imag', [x])[0] as Tensor<DType, S>;
  return trace.tensor(trace.build((b) => b.splat(0, tensor(x.dtype, x.shape)))) as Tensor<DType, S>;
}

export const conjugate = <T extends Tensor>(x: T): T =>
  (isComplex(asTensor(x).dtype) ? complex(real(x), negate(imag(x))) : x) as Tensor as T;
