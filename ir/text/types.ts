/** Types as they are written: `f32[8,6+2(0.0)]`. */
import { type PadContent, paddingOf } from '../padding.ts';
import type { ValueInfo } from '../program.ts';
import { DTYPES, isDType, partOf, tensor, type TensorType } from '../types.ts';
import type { AstData, AstType } from './ast.ts';
import type { Context } from './context.ts';
import { checkedNumber } from './literals.ts';
import { suggestion } from './problems.ts';

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
  const shape = ast.shape.map(
    ({ size, more }) => layouts.whole(size, 'an extent') + (more === undefined ? 0 : layouts.whole(more, 'padding', 1)),
  );
  if (shape.reduce((n, d) => n * Math.max(1, d), 1) > MAX_EXTENT)
    problems.fail('SH0105', `this tensor has more than 2^48 elements`, ast.span, 'a smaller tensor');
  return tensor(dtype, shape);
}

/** What a type says of padding, dim by dim. */
export function paddingOfAst(
  ast: AstType,
  type: TensorType,
  { problems }: Pick<Context, 'problems'>,
): ValueInfo['padding'] {
  const part = tensor(partOf(type.dtype), []);
  const holds = (data: AstData | undefined): PadContent => {
    if (data === undefined) return 'unknown';
    if (data.is === 'number') return { value: checkedNumber(data.text, part, data.span, problems) };
    if (data.is === 'bool') return { value: data.on ? 1 : 0 };
    if (data.is === 'word' && data.text === 'finite') return 'finite';
    return problems.fail('SH0105', 'padding holds one number or finite ones', data.span, '(0.0) or (finite)');
  };
  const whole = type.shape.map((n, d) => n - Number(ast.shape[d]?.more?.text ?? 0));
  return paddingOf(whole, type.shape, (d) => holds(ast.shape[d]?.holds));
}
