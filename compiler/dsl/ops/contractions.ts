/** Sums of products: einsum, matmul, dot_general. */
import { einsum as writeEinsum } from '../../../ir/text/einsum.ts';
import type { DType } from '../../../ir/types.ts';
import { fail } from '../errors.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { currentTrace, mustBeTensor } from '../trace.ts';
import { convert } from './elementwise.ts';
import { commonType } from './lift.ts';
import { reshape } from './shaping.ts';

type Dims<L extends string> = L extends `${string}${infer Rest}` ? readonly [number, ...Dims<Rest>] : readonly [];
type ResultOf<E extends string> = string extends E ? Shape : E extends `${string}->${infer Out}` ? Dims<Out> : Shape;

/** One letter per dim, spaces allowed: `einsum('bm,mf->bf', x, w)`. Letters that the result lacks are summed over. */
export function einsum<const E extends string>(
  equation: E,
  ...operands: readonly Tensor[]
): Tensor<DType, ResultOf<E>> {
  const trace = currentTrace();
  if (operands.length === 0) fail('SH0206', 'einsum takes at least one tensor');
  const dtype = commonType(trace, operands);
  const ids = operands.map((x) => trace.id(convert(x, dtype)));
  const call = { name: `einsum ${equation}`, operands };
  return trace.tensor(trace.build((b) => writeEinsum(b, equation, ids), call)) as Tensor<DType, ResultOf<E>>;
}

/** As NumPy: the last two dims multiply, leading dims are batch dims; a vector is a row on the left, a column on the right. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  [a, b].forEach(mustBeTensor);
  if (a.rank === 0 || b.rank === 0) fail('SH0204', 'matmul takes no scalars', { help: 'multiply(a, b)' });
  if (a.rank === 1) return dropDim(matmul(reshape(a, [1, -1]), b), b.rank === 1 ? 0 : -2);
  if (b.rank === 1) return dropDim(matmul(a, reshape(b, [-1, 1])), -1);
  const letters = 'abcdefghijklmnop';
  if (a.shape.at(-1) !== b.shape.at(-2))
    fail(
      'SH0204',
      `matmul of ${String(a)} and ${String(b)}: rows of ${a.shape.at(-1)} meet columns of ${b.shape.at(-2)}`,
      {
        expected: '[..., n, k] and [..., k, m]',
      },
    );
  const batch = Math.max(a.rank, b.rank) - 2;
  const of = (x: Tensor, end: string): string => letters.slice(batch - (x.rank - 2), batch) + end;
  return einsum(`${of(a, 'yz')},${of(b, 'zx')}->${letters.slice(0, batch)}yx`, a, b);
}

function dropDim(x: Tensor, dim: number): Tensor {
  return reshape(
    x,
    x.shape.filter((_, d) => d !== (dim < 0 ? dim + x.rank : dim)),
  );
}

export interface DotDims {
  readonly lhsBatch?: Shape;
  readonly rhsBatch?: Shape;
  readonly lhsContracting: Shape;
  readonly rhsContracting: Shape;
  /** Element type of the result where it differs from the operands': bf16 × bf16 → f32. */
  readonly dtype?: DType;
}

export function dotGeneral(lhs: Tensor, rhs: Tensor, dims: DotDims): Tensor {
  return currentTrace().emit('dot_general', [lhs, rhs], {
    lhs_batch: dims.lhsBatch ?? [],
    rhs_batch: dims.rhsBatch ?? [],
    lhs_contracting: dims.lhsContracting,
    rhs_contracting: dims.rhsContracting,
    dtype: dims.dtype ?? lhs.dtype,
  })[0] as Tensor;
}
