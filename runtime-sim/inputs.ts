/** Inputs for a run: random, but of a kind that reaches every shard and every guard. */
import { allocate, type Precision, type Storage, type TensorArray } from '../ir/array.ts';
import { type Func, typeOf } from '../ir/program.ts';
import { rounderOf } from '../ir/ops/rounding.ts';
import { DTYPES, elementCount, type TensorType } from '../ir/types.ts';
import { Random } from './random.ts';

/**
 * One array per parameter of `func`. Floats are uniform with variance 0.01, rounded to the element type: deep programs then
 * agree closely, and a skipped update still shows. Integers range over the indices that a program of these extents may use,
 * one in twenty of them negative or beyond the end; integer scalars are 1 … 7, as they may count loops.
 */
export function makeInputs(func: Func, seed: number, precision: Precision): TensorArray[] {
  const types = func.body.params.map((p) => typeOf(func, p));
  const random = new Random(seed);
  const top = Math.max(8, ...types.flatMap((t) => t.shape));
  return types.map((type) => makeInput(type, random, top, precision));
}

export function makeInput(type: TensorType, random: Random, top: number, precision: Precision): TensorArray {
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
      return floats(rounderOf(dtype), random);
    case 'complex':
      return floats(rounderOf(dtype), random);
    case 'token':
      return () => 0;
    case 'pred':
      return () => random.integer(0, 2);
    case 'signed':
    case 'unsigned': {
      const bound = bits <= 16 ? Math.min(top, bits <= 2 ? 1 : 7) : top;
      const low = cls === 'signed' ? -bound : 0;
      const end = 2 ** (cls === 'signed' ? bits - 1 : bits);
      const next =
        shape.length === 0
          ? () => random.integer(1, Math.min(8, end))
          : () => (random.uniform() < 0.05 ? random.integer(low, Math.min(2 * bound, end)) : random.integer(0, bound));
      return bits === 64 ? () => BigInt(next()) : next;
    }
  }
}

/** Half the width of a uniform distribution of variance 0.01. */
const REACH = 0.1 * Math.sqrt(3);

function floats(round: ((x: number) => number) | undefined, random: Random): () => number {
  const next = (): number => REACH * (random.bits() * 2 ** -31 - 1);
  return round === undefined ? next : () => round(next());
}
