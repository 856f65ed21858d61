/** Element types as MLIR writes them; those not listed are written alike. */
import { type DType, isDType } from '../types.ts';

const NAMES: Partial<Readonly<Record<DType, string>>> = {
  pred: 'i1',
  u2: 'ui2',
  u4: 'ui4',
  u8: 'ui8',
  u16: 'ui16',
  u32: 'ui32',
  u64: 'ui64',
  f4e2m1fn: 'f4E2M1FN',
  f6e2m3fn: 'f6E2M3FN',
  f6e3m2fn: 'f6E3M2FN',
  f8e3m4: 'f8E3M4',
  f8e4m3: 'f8E4M3',
  f8e4m3b11fnuz: 'f8E4M3B11FNUZ',
  f8e4m3fn: 'f8E4M3FN',
  f8e4m3fnuz: 'f8E4M3FNUZ',
  f8e5m2: 'f8E5M2',
  f8e5m2fnuz: 'f8E5M2FNUZ',
  f8e8m0fnu: 'f8E8M0FNU',
  c64: 'complex<f32>',
  c128: 'complex<f64>',
};

const BY_NAME: ReadonlyMap<string, DType> = new Map(
  Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType]),
);

export const elementText = (dtype: DType): string => NAMES[dtype] ?? dtype;

/** Undefined for what is no element type of ours. */
export const elementNamed = (name: string): DType | undefined =>
  BY_NAME.get(name) ?? (isDType(name) && name !== 'token' && NAMES[name] === undefined ? name : undefined);
