/** Inputs for a run: random, but of a kind that reaches every shard and every guard. */
import { allocate, type Precision, type Storage, type TensorArray } from '../ir/array.ts';
import { type Func, typeOf } from '../ir/program.ts';
import { DTYPES, type DType, elementCount, type TensorType } from '../ir/types.ts';
import { Random } from './random.ts';

/**
 * One array per parameter of `func`. Floats are 0.1 · N(0, 1), rounded to the element type: deep programs then agree
 * closely, and a skipped update still shows. Integers range over the indices that a program of these extents may use,
 * one in twenty of them negative or beyond the end; integer scalars are 1 … 7, as they may count loops.
 */
export function makeInputs(func: Func, seed: number, precision: Precision): TensorArray[] {
  const types = func.body.params.map((p) => typeOf(func, p));
  const random = new Random(seed);
  const top = Math.max(8, ...types.flatMap((t) => t.shape));
  return types.map((type) => makeInput(type, random, top, precision));
}

function makeInput(type: TensorType, random: Random, top: number, precision: Precision): TensorArray {
  const data = allocate(type.dtype, elementCount(type), precision);
  const draw = drawer(type, random, top);
  for (let i = 0; i < data.length; i++) (data as NumberLike)[i] = draw();
  return { dtype: type.dtype, shape: type.shape, data };
}

/** Storage with its number/bigint split erased; `draw` gives the kind that the element type wants. */
type NumberLike = { [index: number]: number | bigint } & Storage;

function drawer({ dtype, shape }: TensorType, random: Random, top: number): () => number | bigint {
  const { class: cls, bits } = DTYPES[dtype];
  switch (cls) {
    case 'float':
      return () => roundTo(dtype, 0.1 * random.normal());
    case 'complex':
      return () => (bits === 64 ? Math.fround(random.normal()) : random.normal());
    case 'pred':
      return () => random.integer(0, 2);
    case 'signed': case 'unsigned': {
      const bound = bits <= 16 ? Math.min(top, 7) : top;
      const low = cls === 'signed' ? -bound : 0;
      const next = shape.length === 0 ? () => random.integer(1, 8)
        : () => (random.uniform() < 0.05 ? random.integer(low, 2 * bound) : random.integer(0, bound));
      return bits === 64 ? () => BigInt(next()) : next;
    }
  }
}

/** Explicit mantissa bits and the exponent of the least normal number. */
const FLOATS: Partial<Readonly<Record<DType, readonly [mantissa: number, least: number]>>> = {
  f8e4m3fn: [3, -6], f8e5m2: [2, -14], f16: [10, -14], bf16: [7, -126], f32: [23, -126],
};

/** The nearest value of the element type, ties to even. Small numbers only: overflow is not looked at. */
function roundTo(dtype: DType, value: number): number {
  const format = FLOATS[dtype];
  if (format === undefined || value === 0) return value;
  const [mantissa, least] = format;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), least) - mantissa);
  const scaled = value / unit;
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
  return (up ? down + 1 : down) * unit;
}
