/** bitcast_convert (StableHLO spec): the same bits as another element type; a minor dim joins or splits elements. */
import type { Precision, Storage, TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { DTYPES, elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { bitsOf, elementOf } from '../element-bits.ts';
import { allocateReal } from './rounding.ts';

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
    if (x.dtype === type.dtype) return [x];
    return [{ dtype: type.dtype, shape: type.shape, data: reread(x, type, ctx.precision) }];
  },
  flops: () => 0,
});

/** Of a wide element the narrow ones that it holds, least significant first; or the other way. */
function reread(
  { dtype: from, data: given }: TensorArray,
  { dtype: to, shape }: TensorType,
  precision: Precision,
): Storage {
  for (const dtype of [from, to]) if (DTYPES[dtype].class === 'complex') throw unsupported(`the bits of ${dtype}`);
  const [has, wants] = [DTYPES[from].bits, DTYPES[to].bits];
  const data = allocateReal(to, elementCount(tensor(to, shape)), precision);
  for (let i = 0; i < data.length; i++) {
    let pattern = 0n;
    if (wants <= has) {
      const parts = has / wants;
      pattern = bitsOf(from, given[Math.floor(i / parts)] as number) >> BigInt((i % parts) * wants);
    } else
      for (let part = wants / has - 1; part >= 0; part--)
        pattern = (pattern << BigInt(has)) | bitsOf(from, given[(i * wants) / has + part] as number);
    (data as Float64Array)[i] = elementOf(to, BigInt.asUintN(wants, pattern)) as number;
  }
  return data;
}
