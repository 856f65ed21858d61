/** StableHLO's generators. `random` has jax.random's functions on keys, whose numbers do not depend on the machine. */
import { type DType, tensor } from '../../../ir/types.ts';
import type { Operand, Shape, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { lift } from './lift.ts';
import { checkShape } from './types.ts';

export interface BitGenerator {
  readonly algorithm?: 'THREE_FRY' | 'PHILOX' | 'DEFAULT';
  readonly dtype?: DType;
}

/** Random bits of a state (u64[2], or u64[3] but for threefry): the state after, and the bits. */
export function rngBitGenerator(
  state: Tensor,
  shape: Shape,
  options: BitGenerator = {},
): [state: Tensor, bits: Tensor] {
  checkShape(shape);
  const { algorithm = 'THREE_FRY', dtype = 'u32' } = options;
  const [next, bits] = currentTrace().emit('rng_bit_generator', [state], { algorithm, dtype, shape });
  return [next, bits] as [Tensor, Tensor];
}

/** Numbers that the machine draws, no two machines alike: uniform from a to b, or normal of mean a and deviation b. */
export function rng(a: Operand, b: Operand, shape: Shape, distribution: 'UNIFORM' | 'NORMAL' = 'UNIFORM'): Tensor {
  const trace = currentTrace();
  checkShape(shape);
  const made = trace.build((build) => {
    const extents = build.one('constant', [], {
      value: { data: BigInt64Array.from(shape, BigInt) },
      dtype: 'i64',
      shape: tensor('i64', [shape.length]).shape,
    });
    return build.one('rng', [...lift(trace, [a, b]), extents], { distribution, shape });
  });
  return trace.tensor(made);
}
