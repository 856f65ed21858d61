/** Numbers, lists and base64 → elements of a type. */
import { elementsOf, fromBase64, isWide } from '../elements.ts';
import type { ElementArray, Span } from '../program.ts';
import { DTYPES, elementCount, type TensorType } from '../types.ts';
import type { AstData, AstOp } from './ast.ts';
import type { Problems } from './problems.ts';

/** What is written in a constant: one element for each of its type's, or one for all. */
export function constantElements(op: AstOp, type: TensorType, problems: Problems): ElementArray {
  const [data] = op.operands;
  if (data === undefined || op.operands.length > 1)
    return problems.fail('SH0106', 'a constant has one value', op.span, 'a number, a list, or base64"…"');
  const elements = read(data, type, problems);
  const splat = DTYPES[type.dtype].class === 'complex' ? 2 : 1;
  if (elements.length !== elementCount(type) * splat && elements.length !== splat)
    problems.fail(
      'SH0106',
      `a constant of ${elementCount(type)} elements is given ${elements.length}`,
      data.span,
      `${elementCount(type)} elements or one for all`,
    );
  return elements;
}

function read(data: AstData, type: TensorType, problems: Problems): ElementArray {
  const bytes = data.is === 'base64' ? fromBase64(type.dtype, data.text) : undefined;
  if (bytes === null) problems.fail('SH0106', `these bytes are not whole elements of ${type.dtype}`, data.span);
  return bytes ?? elementsOf(type.dtype, flatten(data, type, problems));
}

function flatten(data: AstData, type: TensorType, problems: Problems): (number | bigint)[] {
  const complex = DTYPES[type.dtype].class === 'complex';
  switch (data.is) {
    case 'list':
      return data.items.flatMap((i) => flatten(i, type, problems));
    case 'bool':
      if (type.dtype === 'pred') return [data.on ? 1 : 0];
      break;
    case 'number':
      if (!complex && type.dtype !== 'pred') return [checkedNumber(data.text, type, data.span, problems)];
      break;
    case 'pair':
      if (complex) return [Number(data.re.text), Number(data.im.text)];
      break;
    default:
      break;
  }
  return problems.fail(
    'SH0106',
    `this is not an element of ${type.dtype}`,
    data.span,
    type.dtype === 'pred' ? 'true or false' : complex ? 'a pair, as (1.0, 0.0)' : 'a number',
  );
}

export function checkedNumber(text: string, type: TensorType, span: Span, problems: Problems): number | bigint {
  const { class: cls } = DTYPES[type.dtype];
  if (cls !== 'float' && !/^-?\d+$/.test(text))
    return problems.fail('SH0106', `${text} is not a ${type.dtype}`, span, 'a whole number');
  const value = numberOf(text, type);
  const { bits } = DTYPES[type.dtype];
  const least = cls === 'signed' ? -(2 ** (bits - 1)) : 0;
  const [wide] = elementsOf(type.dtype, [value]);
  if (cls !== 'float' && (wide !== value || value < least || value >= least + 2 ** bits))
    return problems.fail('SH0106', `${text} does not fit in ${type.dtype}`, span);
  return value;
}

export function numberOf(text: string, type: TensorType): number | bigint {
  if (isWide(type.dtype)) return BigInt(text);
  if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
