/** Shapes and element types as users give them. */
import { type DType, DTYPES, isDType } from '../../../ir/types.ts';
import { suggestion } from '../../../ir/text/problems.ts';
import { fail } from '../errors.ts';
import type { Shape } from '../tensor.ts';

export function checkShape(shape: Shape): void {
  if (!Array.isArray(shape))
    fail('SH0105', `${typeof shape} ${String(shape)} is not a shape`, { expected: 'extents in a list: [8, 16]' });
  const bad = (shape as Shape).find((n) => !Number.isSafeInteger(n) || n < 0);
  if (bad !== undefined) fail('SH0105', `${bad} is not the extent of a dim`, { expected: 'a whole number from 0' });
}

/** NumPy's names, which people type first. */
const ELSEWHERE: Readonly<Record<string, DType>> = {
  bool: 'pred',
  boolean: 'pred',
  bfloat16: 'bf16',
  float: 'f32',
  float16: 'f16',
  float32: 'f32',
  float64: 'f64',
  int: 'i32',
  int8: 'i8',
  int32: 'i32',
  int64: 'i64',
  uint8: 'u8',
  uint32: 'u32',
  complex64: 'c64',
  complex128: 'c128',
};

export function checkDType(dtype: string): asserts dtype is DType {
  if (isDType(dtype)) return;
  const known = Object.hasOwn(ELSEWHERE, dtype) ? `"${ELSEWHERE[dtype]}" here` : suggestion(dtype, Object.keys(DTYPES));
  fail('SH0105', `"${String(dtype)}" is not an element type`, {
    expected: Object.keys(DTYPES).join(', '),
    ...(known === undefined ? {} : { help: known }),
  });
}
