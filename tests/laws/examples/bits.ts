/** bitcast_convert: between types of one width, and with a dim of parts. */
import { example, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

const bitcast = (from: string, dtype: string, shape: readonly number[]): OpExample =>
  example('bitcast_convert', `${from} -> ${dtype}[${shape.join(',')}]`, { attrs: { dtype, shape } });

export const bitsExamples: readonly OpExample[] = [
  bitcast('f32[4,6]', 'u32', [4, 6]),
  bitcast('u32[4,6]', 'i32', [4, 6]),
  bitcast('i32[4,6]', 'f32', [4, 6]),
  bitcast('f32[4,6]', 'u8', [4, 6, 4]),
  bitcast('u8[4,6,4]', 'u32', [4, 6]),
  bitcast('i64[4]', 'u32', [4, 2]),
  bitcast('u32[4,2]', 'i64', [4]),
  bitcast('bf16[6]', 'u16', [6]),
  bitcast('u16[6]', 'bf16', [6]),
];
