/** bitcast_convert (StableHLO spec): the same bits as another element type; a minor dim joins or splits elements. */
import { allocate, type Storage, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { DTYPES, type DType, elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { allocateReal, roundAll } from './rounding.ts';

export const bitcastConvert = defineOp<OpAttrs['bitcast_convert']>({
  kind: 'bitcast_convert',
  infer({ operands, attrs }) {
    const [from] = operands as readonly [TensorType];
    const to = tensor(attrs.dtype, attrs.shape);
    const [narrow, wide] = DTYPES[from.dtype].bits < DTYPES[to.dtype].bits ? [from, to] : [to, from];
    const ratio = DTYPES[wide.dtype].bits / DTYPES[narrow.dtype].bits;
    const split = ratio === 1 ? wide.shape : [...wide.shape, ratio];
    if (tensor(narrow.dtype, split) !== narrow)
      throw new InferError(`bitcast_convert: ${typeText(from)} and ${typeText(to)} have not the same bits`);
    return [to];
  },
  /** The dim that holds the parts of an element stays whole. */
  factors({ operands, results }) {
    const [from, to] = [(operands[0] as TensorType).shape, (results[0] as TensorType).shape];
    const rule = new RuleBuilder([from.length], [to.length]);
    const common = Math.min(from.length, to.length);
    for (let d = 0; d < common; d++) rule.add([d], [d], from[d] as number);
    if (from.length > common) rule.add([common], [null], from[common] as number, 'replicate');
    if (to.length > common) rule.add([null], [common], to[common] as number, 'replicate');
    return rule.build({ elementwise: from.length === to.length });
  },
  kernel({ results }, [a], ctx) {
    const x = a as TensorArray;
    const type = results[0] as TensorType;
    const from = access(x.dtype);
    const to = access(type.dtype);
    const bytes = new DataView(new ArrayBuffer(x.data.length * from.size));
    for (let i = 0; i < x.data.length; i++) from.write(bytes, i * from.size, x.data[i] as number);
    const data = allocateReal(type.dtype, elementCount(type), ctx.precision);
    for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = to.read(bytes, i * to.size);
    return [{ dtype: type.dtype, shape: type.shape, data }];
  },
  flops: () => 0,
});

interface Access {
  /** Bytes. */
  readonly size: number;
  readonly read: (bytes: DataView, at: number) => number;
  readonly write: (bytes: DataView, at: number, value: number) => void;
}

/** Little-endian elements in memory; floats are rounded to their type first. */
function access(dtype: DType): Access {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'complex' || bits < 8) throw unsupported(`the bits of ${dtype}`);
  const size = bits / 8;
  if (dtype === 'bf16') {
    const round = (v: number): number => (roundAll('bf16', 'true', Float32Array.of(v)) as Float32Array)[0] as number;
    const half = new DataView(new ArrayBuffer(4));
    return {
      size,
      read: (b, at) => {
        half.setUint32(0, b.getUint16(at, true) << 16);
        return half.getFloat32(0);
      },
      write: (b, at, v) => {
        half.setFloat32(0, round(v));
        b.setUint16(at, half.getUint16(0), true);
      },
    };
  }
  if (cls === 'float' && bits < 32) throw unsupported(`the bits of ${dtype}`);
  const view = (b: DataView, at: number): Storage => {
    const storage = allocate(dtype, 0, 'true').constructor as new (
      buffer: ArrayBuffer,
      at: number,
      n: number,
    ) => Storage;
    return new storage(b.buffer as ArrayBuffer, at, 1);
  };
  return {
    size,
    read: (b, at) => view(b, at)[0] as number,
    write: (b, at, v) => {
      (view(b, at) as Float64Array)[0] = v;
    },
  };
}
