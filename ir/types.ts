/** Element types and tensor types. Types are hash-consed: two equal types are the same object, so `===` compares them. */

/** What StableHLO calls the element type. `pred` prints as `i1` in StableHLO. */
export type DType =
  | 'pred'
  | 'i2'
  | 'i4'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'u2'
  | 'u4'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f4e2m1fn'
  | 'f6e2m3fn'
  | 'f6e3m2fn'
  | 'f8e3m4'
  | 'f8e4m3'
  | 'f8e4m3b11fnuz'
  | 'f8e4m3fn'
  | 'f8e4m3fnuz'
  | 'f8e5m2'
  | 'f8e5m2fnuz'
  | 'f8e8m0fnu'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f64'
  | 'c64'
  | 'c128'
  /** Orders side effects; has no elements. */
  | 'token';

export type DTypeClass = 'pred' | 'signed' | 'unsigned' | 'float' | 'complex' | 'token';

export interface DTypeInfo {
  readonly bytes: number;
  readonly bits: number;
  readonly class: DTypeClass;
}

const row = (bits: number, cls: DTypeClass): DTypeInfo => ({ bits, bytes: cls === 'pred' ? 1 : bits / 8, class: cls });

export const DTYPES: Readonly<Record<DType, DTypeInfo>> = {
  pred: row(1, 'pred'),
  i2: row(2, 'signed'),
  i4: row(4, 'signed'),
  i8: row(8, 'signed'),
  i16: row(16, 'signed'),
  i32: row(32, 'signed'),
  i64: row(64, 'signed'),
  u2: row(2, 'unsigned'),
  u4: row(4, 'unsigned'),
  u8: row(8, 'unsigned'),
  u16: row(16, 'unsigned'),
  u32: row(32, 'unsigned'),
  u64: row(64, 'unsigned'),
  f4e2m1fn: row(4, 'float'),
  f6e2m3fn: row(6, 'float'),
  f6e3m2fn: row(6, 'float'),
  f8e3m4: row(8, 'float'),
  f8e4m3: row(8, 'float'),
  f8e4m3b11fnuz: row(8, 'float'),
  f8e4m3fn: row(8, 'float'),
  f8e4m3fnuz: row(8, 'float'),
  f8e5m2: row(8, 'float'),
  f8e5m2fnuz: row(8, 'float'),
  f8e8m0fnu: row(8, 'float'),
  f16: row(16, 'float'),
  bf16: row(16, 'float'),
  f32: row(32, 'float'),
  f64: row(64, 'float'),
  c64: row(64, 'complex'),
  c128: row(128, 'complex'),
  token: row(0, 'token'),
};

export const isDType = (name: string): name is DType => Object.hasOwn(DTYPES, name);
export const isFloat = (t: DType): boolean => DTYPES[t].class === 'float';
export const isComplex = (t: DType): boolean => DTYPES[t].class === 'complex';
/** Has the type derivatives? */
export const isInexact = (t: DType): boolean => isFloat(t) || isComplex(t);
/** Numbers of storage per element: complex values are pairs. */
export const widthOf = (t: DType): 1 | 2 => (isComplex(t) ? 2 : 1);
/** Of the real and imaginary parts of a complex type; itself otherwise. */
export const partOf = (t: DType): DType => (t === 'c64' ? 'f32' : t === 'c128' ? 'f64' : t);
export const isInteger = (t: DType): boolean => DTYPES[t].class === 'signed' || DTYPES[t].class === 'unsigned';

export interface TensorType {
  readonly dtype: DType;
  /** Global (or, at the local level, per-device) extents, major first. */
  readonly shape: readonly number[];
}

// Hash-consing table. It holds immutable data only and is invisible to semantics, so it may outlive a compile.
// A process may hold shardc twice (the command line and what a user's file imports), so there is one for all of them.
const TABLE = Symbol.for('shardc.types');
const shared = globalThis as { [TABLE]?: Map<string, TensorType> };
const interned = (shared[TABLE] ??= new Map());

/** The one object that stands for `dtype[shape]`. */
export function tensor(dtype: DType, shape: readonly number[]): TensorType {
  const key = `${dtype}:${shape.join('x')}`;
  let type = interned.get(key);
  if (type === undefined) {
    type = Object.freeze({ dtype, shape: Object.freeze([...shape]) });
    interned.set(key, type);
  }
  return type;
}

/** The extent of a dim whose size the text leaves open (`?`): none outlives the importer. */
export const UNKNOWN = -1;
export const hasUnknownDims = ({ shape }: TensorType): boolean => shape.includes(UNKNOWN);
/** May a value of type `known` stand where `stated` is written? */
export const fitsType = (known: TensorType, stated: TensorType): boolean =>
  known === stated ||
  (known.dtype === stated.dtype &&
    known.shape.length === stated.shape.length &&
    stated.shape.every((n, d) => n === UNKNOWN || n === known.shape[d]));

export const withShape = (type: TensorType, shape: readonly number[]): TensorType => tensor(type.dtype, shape);
export const withDType = (type: TensorType, dtype: DType): TensorType => tensor(dtype, type.shape);
export const elementCount = (type: TensorType): number => type.shape.reduce((n, d) => n * d, 1);
/** Bytes of the dense array (narrow types count a part of a byte per element). */
export const byteSize = (type: TensorType): number => elementCount(type) * DTYPES[type.dtype].bytes;
/** `f32[8,128]`, the way .tir writes it. */
export const typeText = (type: TensorType): string => `${type.dtype}[${type.shape.join(',')}]`;

const TYPE = /^([a-z][a-z0-9]*)\[([0-9,]*)\]$/;

/** The inverse; undefined of what is no type. */
export function readType(text: string): TensorType | undefined {
  const [, dtype, dims] = TYPE.exec(text) ?? [];
  if (dtype === undefined || !isDType(dtype)) return undefined;
  return tensor(dtype, dims === undefined || dims === '' ? [] : dims.split(',').map(Number));
}
