/** fft (StableHLO spec): discrete Fourier transforms along the last one, two or three dims. */
import { allocate, stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError, type OpView, passes } from '../op.ts';
import { elementCount, isComplex, partOf, tensor, type TensorType, typeText, withDType } from '../types.ts';
import { paired, part } from './complex.ts';
import { forEachIndex } from './strided.ts';

type Attrs = OpAttrs['fft'];

export const fft = defineOp<Attrs>({
  kind: 'fft',
  infer({ operands: [type], attrs }) {
    return [transformed(type as TensorType, attrs)];
  },
  /** The transformed dims stay whole; propagation stops at the last where a real transform changes its size. */
  factors({ operands, results, attrs }) {
    const [from, to] = [(operands[0] as TensorType).shape, (results[0] as TensorType).shape];
    const batch = from.length - attrs.fft_length.length;
    const last = from.length - 1;
    const rule = new RuleBuilder([from.length], [to.length]);
    from.forEach((size, d) =>
      rule.add([d], [d], size, d < batch ? 'pass' : 'replicate', d === last && from[d] !== to[d]),
    );
    return rule.build();
  },
  kernel(view, [x]) {
    return [transform(view, x as TensorArray)];
  },
  linearity: () => [[0]],
  padRule: (_, f, rule) => (passes(rule, f) ? {} : null),
  /** 5 n log₂ n per line (Cooley and Tukey). */
  flops({ operands, results, attrs }) {
    const count = Math.max(elementCount(operands[0] as TensorType), elementCount(results[0] as TensorType));
    return (
      5 *
      count *
      Math.ceil(
        Math.log2(
          Math.max(
            2,
            attrs.fft_length.reduce((n, l) => n * l, 1),
          ),
        ),
      )
    );
  },
});

function transformed(type: TensorType, { fft_type, fft_length }: Attrs): TensorType {
  const { dtype, shape } = type;
  const wrong = (what: string): never => {
    throw new InferError(`fft ${fft_type} over [${fft_length.join(', ')}] ${what}, got ${typeText(type)}`);
  };
  if (fft_length.length < 1 || fft_length.length > 3 || fft_length.length > shape.length)
    wrong('takes one to three lengths, for the last dims');
  const real = fft_type === 'RFFT';
  if (real ? dtype !== 'f32' && dtype !== 'f64' : !isComplex(dtype)) wrong(`takes ${real ? 'f32 or f64' : 'complex'}`);
  const last = fft_length.at(-1) as number;
  const half = last === 0 ? 0 : Math.floor(last / 2) + 1;
  const expected = [...fft_length.slice(0, -1), fft_type === 'IRFFT' ? half : last];
  if (expected.some((n, i) => n !== shape[shape.length - expected.length + i]))
    wrong(`needs last dims of [${expected}]`);
  const made = [...shape.slice(0, -1), real ? half : last];
  if (fft_type === 'IRFFT') return tensor(partOf(dtype), made);
  return tensor(real ? (dtype === 'f32' ? 'c64' : 'c128') : dtype, made);
}

/** All dims as complex numbers in f64; the real ones are cut or completed before or after. */
function transform({ attrs, operands, results }: OpView<Attrs>, x: TensorArray): TensorArray {
  const { fft_type, fft_length } = attrs;
  const [from, to] = [operands[0] as TensorType, results[0] as TensorType];
  const rank = from.shape.length;
  const first = rank - fft_length.length;
  const full = [...from.shape.slice(0, first), ...fft_length];
  const z = fft_type === 'IRFFT' ? completed(x, full, first) : Planes.of(x, full);
  const inverse = fft_type === 'IFFT' || fft_type === 'IRFFT';
  for (let d = first; d < rank; d++) z.transformDim(d, inverse ? 1 : -1);
  if (inverse) z.scale(1 / fft_length.reduce((n, l) => n * l, 1));
  return z.cut(to, x.data.constructor === Float32Array ? 'true' : 'wide');
}

/** A half spectrum with the other half by symmetry: X[n - k] = conj X[k], all indices of the transformed dims mirrored. */
function completed(x: TensorArray, full: readonly number[], first: number): Planes {
  const [re, im] = [part(x, 0), part(x, 1)];
  const planes = Planes.of(undefined, full);
  const strides = stridesOf(x.shape);
  const kept = x.shape.at(-1) as number;
  forEachIndex(full, (index, flat) => {
    const mirrored = (index.at(-1) as number) >= kept;
    const at = index.reduce((o, i, d) => {
      const place = mirrored && d >= first ? ((full[d] as number) - i) % (full[d] as number) : i;
      return o + place * (strides[d] as number);
    }, 0);
    planes.re[flat] = re.data[at] as number;
    // The imaginary part of what is its own mirror image counts for nothing (as in FFTW).
    planes.im[flat] = (mirrored ? -1 : 1) * (im.data[at] as number);
  });
  return planes;
}

class Planes {
  readonly shape: readonly number[];
  readonly re: Float64Array;
  readonly im: Float64Array;

  private constructor(shape: readonly number[], re: Float64Array, im: Float64Array) {
    this.shape = shape;
    this.re = re;
    this.im = im;
  }

  static of(x: TensorArray | undefined, shape: readonly number[]): Planes {
    const count = shape.reduce((n, s) => n * s, 1);
    if (x === undefined) return new Planes(shape, new Float64Array(count), new Float64Array(count));
    const re = Float64Array.from(part(x, 0).data as Float64Array);
    return new Planes(
      shape,
      re,
      isComplex(x.dtype) ? Float64Array.from(part(x, 1).data as Float64Array) : new Float64Array(count),
    );
  }

  transformDim(dim: number, sign: 1 | -1): void {
    const size = this.shape[dim] as number;
    const step = stridesOf(this.shape)[dim] as number;
    for (let start = 0; start < this.re.length; start++) {
      if (Math.floor(start / step) % size !== 0) continue;
      const at = (k: number): number => start + k * step;
      const line = { re: new Float64Array(size), im: new Float64Array(size) };
      for (let k = 0; k < size; k++) [line.re[k], line.im[k]] = [this.re[at(k)] as number, this.im[at(k)] as number];
      const made = lineTransform(line, sign);
      for (let k = 0; k < size; k++) [this.re[at(k)], this.im[at(k)]] = [made.re[k] as number, made.im[k] as number];
    }
  }

  scale(by: number): void {
    for (let i = 0; i < this.re.length; i++) {
      (this.re[i] as number) *= by;
      (this.im[i] as number) *= by;
    }
  }

  /** The leading corner of this type: all of it, or the first half of the last dim; real parts where it is real. */
  cut(type: TensorType, precision: 'wide' | 'true'): TensorArray {
    const plane = withDType(type, partOf(type.dtype));
    const strides = stridesOf(this.shape);
    const take = (from: Float64Array): TensorArray => {
      const data = allocate(plane.dtype, elementCount(plane), precision);
      forEachIndex(plane.shape, (index, flat) => {
        data[flat] = from[index.reduce((o, i, d) => o + i * (strides[d] as number), 0)] as number;
      });
      return { dtype: plane.dtype, shape: plane.shape, data };
    };
    return isComplex(type.dtype) ? paired(type, take(this.re), take(this.im)) : take(this.re);
  }
}

interface Line {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Decimation in time by the smallest prime factor: Σ over p lines of n/p, twiddled. */
function lineTransform(x: Line, sign: 1 | -1): Line {
  const n = x.re.length;
  const p = smallestFactor(n);
  if (n <= 1) return x;
  const m = n / p;
  const parts = Array.from({ length: p }, (_, r) => {
    const pick = (from: Float64Array): Float64Array =>
      Float64Array.from({ length: m }, (_, k) => from[k * p + r] as number);
    const line = { re: pick(x.re), im: pick(x.im) };
    return m === 1 ? line : lineTransform(line, sign);
  });
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    for (let r = 0; r < p; r++) {
      const angle = (sign * 2 * Math.PI * ((k * r) % n)) / n;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const [a, b] = [parts[r]?.re[k % m] as number, parts[r]?.im[k % m] as number];
      (out.re[k] as number) += a * c - b * s;
      (out.im[k] as number) += a * s + b * c;
    }
  }
  return out;
}

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}
