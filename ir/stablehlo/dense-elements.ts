/** Constants: `dense<…>` of a known type → its elements. */
import { elementOf, rawBytes } from '../element-bits.ts';
import { elementsOf, isWide } from '../elements.ts';
import { rounderOf } from '../ops/rounding.ts';
import type { ElementArray } from '../program.ts';
import { DTYPES, type DType, elementCount, isFloat, partOf, type TensorType, typeText, widthOf } from '../types.ts';
import type { Reader } from './reader.ts';

/** The elements of `dense<…>` of a known type: splat, nested lists, hex bit patterns, or a hex blob. */
export function denseElements(r: Reader, type: () => TensorType): { data: ElementArray; type: TensorType } {
  r.expect('dense');
  r.expect('<');
  const images: string[] = [];
  let depth = 0;
  while (!(depth === 0 && r.is('>'))) {
    if (r.is('[') || r.is('(')) depth++;
    else if (r.is(']') || r.is(')')) depth--;
    else if (!r.is(',')) images.push(r.image);
    r.take();
  }
  r.expect('>');
  r.expect(':');
  const known = type();
  const [first] = images;
  const width = widthOf(known.dtype);
  const expected = elementCount(known) * width;
  if (first?.startsWith('"0x')) {
    const data = blob(Buffer.from(first.slice(3, -1), 'hex'), known.dtype, expected);
    if (data !== undefined) return { data, type: known };
    const size = rawBytes(known.dtype);
    throw r.error(
      `a constant of ${first.length - 4} hex digits is no ${typeText(known)}`,
      `${2 * size * expected} digits, or ${2 * size * width} for all elements alike`,
      'is the file truncated?',
      r.at - 1,
    );
  }
  if (images.length !== expected && images.length !== width)
    throw r.error(
      `a constant of ${expected} elements is given ${images.length}`,
      `${expected} elements or one for all`,
      undefined,
      r.at - 1,
    );
  const wrong = images.find((i) => !isElement(i, known.dtype));
  if (wrong !== undefined) throw r.error(`${wrong} is no element of ${known.dtype}`, known.dtype, undefined, r.at - 1);
  return { data: fromImages(images, known.dtype), type: known };
}

const INTEGER = /^(?:-?\d+|0x[\da-f]+)$/i;

function isElement(image: string, dtype: DType): boolean {
  const { class: cls } = DTYPES[dtype];
  if (cls === 'pred') return image === 'true' || image === 'false' || INTEGER.test(image);
  return cls === 'float' || cls === 'complex' ? !Number.isNaN(Number(image)) : INTEGER.test(image);
}

function fromImages(images: readonly string[], dtype: DType): ElementArray {
  const real = partOf(dtype);
  // Few digits tell the elements of a narrow type apart, and stand for the nearest one.
  const round = real === 'f32' || real === 'f64' ? undefined : rounderOf(real);
  const number = (image: string): number | bigint => {
    if (image === 'true') return 1;
    if (image === 'false') return 0;
    if (image.startsWith('0x') && isFloat(real)) return elementOf(real, BigInt(image));
    if (isWide(dtype)) return BigInt(image);
    return round === undefined ? Number(image) : round(Number(image));
  };
  return elementsOf(dtype, images.map(number));
}

/**
 * Raw little-endian bytes: of all `count` numbers, or of one element for all; undefined = of neither. Truth values may be
 * bits, as PyTorch/XLA 2.9 prints them.
 */
function blob(bytes: Buffer, dtype: DType, count: number): ElementArray | undefined {
  if (dtype === 'pred' && bytes.length !== count && bytes.length === Math.ceil(count / 8))
    return elementsOf(
      dtype,
      Array.from({ length: count }, (_, i) => ((bytes[i >> 3] as number) >> (i & 7)) & 1),
    );
  const size = rawBytes(dtype);
  if (bytes.length !== size * count && bytes.length !== size * widthOf(dtype)) return undefined;
  const real = partOf(dtype);
  const read = (i: number): number | bigint => {
    let pattern = 0n;
    for (let b = size - 1; b >= 0; b--) pattern = (pattern << 8n) | BigInt(bytes[i * size + b] as number);
    return elementOf(real, pattern);
  };
  return elementsOf(
    dtype,
    Array.from({ length: bytes.length / size }, (_, i) => read(i)),
  );
}
