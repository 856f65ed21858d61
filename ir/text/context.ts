/** What the reading of one function knows of its file. */
import type { Registry } from '../op.ts';
import type { Level } from '../program.ts';
import { DTYPES, isDType, tensor, type TensorType } from '../types.ts';
import type { AstType } from './ast.ts';
import type { LayoutReader } from './layouts.ts';
import { type Problems, suggestion } from './problems.ts';

/** What a call needs to know of a function. */
export interface Signature {
  readonly params: readonly TensorType[];
  readonly results: readonly TensorType[] | undefined;
}

export interface Context {
  readonly registry: Registry;
  readonly problems: Problems;
  readonly layouts: LayoutReader;
  readonly level: Level;
  readonly signatures: Map<string, Signature>;
}

const MAX_EXTENT = 2 ** 48;

export function typeOfAst(ast: AstType, { problems, layouts }: Pick<Context, 'problems' | 'layouts'>): TensorType {
  const dtype = ast.dtype.text;
  if (!isDType(dtype))
    return problems.fail(
      'SH0105',
      `${dtype} is not an element type`,
      ast.dtype.span,
      Object.keys(DTYPES).join(', '),
      suggestion(dtype, Object.keys(DTYPES)),
    );
  const shape = ast.shape.map((n) => layouts.whole(n, 'an extent'));
  if (shape.reduce((n, d) => n * Math.max(1, d), 1) > MAX_EXTENT)
    problems.fail('SH0105', `this tensor has more than 2^48 elements`, ast.span, 'a smaller tensor');
  return tensor(dtype, shape);
}
