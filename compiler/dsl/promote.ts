/** Element types that meet: JAX's promotion lattice (jax.numpy, "Type promotion semantics"). */
import { type DType, DTYPES, isFloat, isInteger } from '../../ir/types.ts';

/**
 * One step up the lattice. `weak` stands for what a 64-bit integer meets a float through; f8 types promote only with
 * themselves, as in JAX.
 */
const ABOVE: Readonly<Record<string, readonly string[]>> = {
  pred: ['u4', 'i4'],
  u4: ['u8', 'i8'],
  i4: ['i8'],
  u8: ['u16', 'i16'],
  u16: ['u32', 'i32'],
  u32: ['u64', 'i64'],
  u64: ['weak'],
  i8: ['i16'],
  i16: ['i32'],
  i32: ['i64'],
  i64: ['weak'],
  weak: ['bf16', 'f16'],
  bf16: ['f32'],
  f16: ['f32'],
  f32: ['f64', 'c64'],
  f64: ['c128'],
  c64: ['c128'],
  c128: [],
};

function upward(from: string): string[] {
  const found = [from];
  for (let i = 0; i < found.length; i++)
    for (const next of ABOVE[found[i] as string] ?? []) if (!found.includes(next)) found.push(next);
  return found;
}

const REACH = new Map(Object.keys(ABOVE).map((name) => [name, upward(name)]));

/** The least type that holds both; undefined where JAX has none (f8 beside another type). */
export function promote(a: DType, b: DType): DType | undefined {
  if (a === b) return a;
  const [ofA, ofB] = [REACH.get(a), REACH.get(b)];
  if (ofA === undefined || ofB === undefined) return undefined;
  const both = ofA.filter((t) => ofB.includes(t));
  const least = both.find((t) => both.every((u) => REACH.get(t)?.includes(u)));
  return least === 'weak' ? 'f32' : (least as DType | undefined);
}

/** The type of a number beside a tensor: the tensor's own, unless it cannot hold the number at all. */
export function numberBeside(value: number | bigint | boolean, dtype: DType): DType {
  if (typeof value === 'boolean' || isFloat(dtype) || DTYPES[dtype].class === 'complex') return dtype;
  if (typeof value === 'number' && !Number.isInteger(value)) return 'f32';
  return isInteger(dtype) ? dtype : 'i32';
}

/** The type of a number with no tensor beside it. */
export const numberAlone = (value: number | bigint | boolean): DType =>
  typeof value === 'boolean' ? 'pred' : typeof value === 'bigint' ? 'i32' : 'f32';
