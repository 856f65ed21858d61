/** Numbers in and out of programs: nested lists or typed arrays in, typed arrays with shape and element type out. */
import { allocate, type Storage, type TensorArray } from '../../ir/array.ts';
import { isWide } from '../../ir/elements.ts';
import { type DType, DTYPES, elementCount, type TensorType, typeText } from '../../ir/types.ts';
import { fail } from './errors.ts';
import type { Nested } from './ops/creation.ts';

/** What a run gives back: row-major elements. */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Storage;
}

/** What a run takes: an array that a run gave, a typed or plain flat array, nested lists, or a number for every element. */
export type ArrayLike = NDArray | Storage | Nested;

export const isArrayLike = (x: unknown): x is ArrayLike =>
  typeof x === 'number' ||
  typeof x === 'bigint' ||
  typeof x === 'boolean' ||
  ArrayBuffer.isView(x) ||
  isNDArray(x) ||
  (Array.isArray(x) && isNested(x));

const isNDArray = (x: unknown): x is NDArray =>
  typeof x === 'object' && x !== null && 'data' in x && ArrayBuffer.isView(x.data) && 'shape' in x;

const isNested = (x: readonly unknown[]): boolean => {
  const [first] = x;
  return (
    x.length === 0 ||
    typeof first === 'number' ||
    typeof first === 'bigint' ||
    typeof first === 'boolean' ||
    (Array.isArray(first) && isNested(first))
  );
};

export function arrayOf(value: ArrayLike, type: TensorType, what: string): TensorArray {
  const data = allocate(type.dtype, elementCount(type), 'true');
  if (isNDArray(value) && value.shape.join() !== type.shape.join())
    mismatch(what, type, `an array of shape [${value.shape.join(',')}]`);
  const flat = isNDArray(value) ? value.data : ArrayBuffer.isView(value) ? value : flattened(value);
  if (typeof flat !== 'object') fill(data, flat, type.dtype);
  else if (flat.length !== elementCount(type)) mismatch(what, type, `${flat.length} elements`);
  else
    for (let i = 0; i < data.length; i++) data[i] = stored(flat[i] as number | bigint | boolean, type.dtype) as never;
  return { dtype: type.dtype, shape: type.shape, data };
}

function fill(data: Storage, value: number | bigint | boolean, dtype: DType): void {
  (data as Float64Array).fill(stored(value, dtype) as number);
}

const stored = (value: number | bigint | boolean, dtype: DType): number | bigint => {
  if (DTYPES[dtype].class === 'pred') return Number(Boolean(value));
  return isWide(dtype) ? BigInt(value) : Number(value);
};

/** Row-major; a number stays one. */
function flattened(value: Nested): number | bigint | boolean | readonly (number | bigint | boolean)[] {
  if (typeof value !== 'object') return value;
  return (value as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as (number | bigint | boolean)[];
}

const mismatch = (what: string, type: TensorType, got: string): never =>
  fail('SH0612', `${what} is ${typeText(type)}, the run was given ${got}`, {
    expected: `${elementCount(type)} elements, row-major, or an array of shape [${type.shape.join(',')}]`,
  });

/** Nested lists of an array's elements, for reading and for tests. */
export function toNested({ shape, data }: NDArray): Nested {
  let level: Nested[] = Array.from(data as Float64Array);
  for (let d = shape.length - 1; d > 0; d--) {
    const size = shape[d] as number;
    level = Array.from({ length: size === 0 ? 0 : level.length / size }, (_, i) =>
      level.slice(i * size, (i + 1) * size),
    );
  }
  return shape.length === 0 ? (level[0] as Nested) : level;
}
