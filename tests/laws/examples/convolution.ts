/** convolution: strides, dilations, paddings, groups, and the forms its gradients take. */
import { example, type ExampleOptions, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

interface Window {
  readonly strides?: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  readonly lhs?: readonly number[];
  readonly rhs?: readonly number[];
  readonly reversal?: readonly boolean[];
}

interface Form extends Window {
  /** By role: [batch, feature, ...spatial], [input feature, output feature, ...spatial], [batch, feature, ...spatial]. */
  readonly dims?: readonly (readonly number[])[];
  readonly groups?: number;
  readonly batchGroups?: number;
}

function convolution(signature: string, form: Form, options: ExampleOptions = {}): OpExample {
  const rank = signature.slice(0, signature.indexOf(']')).split(',').length;
  const each = <T>(value: T): T[] => Array.from({ length: rank - 2 }, () => value);
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const last = [0, rank - 1, ...spatial.map((s) => s + 1)];
  const [input_dims, kernel_dims, output_dims] = form.dims ?? [last, [rank - 2, rank - 1, ...spatial], last];
  const dtype = /-> (\w+)\[/.exec(signature)?.[1];
  return example('convolution', signature, {
    ...options,
    attrs: {
      input_dims,
      kernel_dims,
      output_dims,
      strides: form.strides ?? each(1),
      pad_low: form.low ?? each(0),
      pad_high: form.high ?? each(0),
      lhs_dilation: form.lhs ?? each(1),
      rhs_dilation: form.rhs ?? each(1),
      reversal: form.reversal ?? each(false),
      feature_group_count: form.groups ?? 1,
      batch_group_count: form.batchGroups ?? 1,
      dtype,
    },
  });
}

export const convolutionExamples: readonly OpExample[] = [
  convolution('(f32[2,8,2], f32[3,2,2]) -> f32[2,14,2]', { lhs: [2], high: [1] }, { note: 'shards between elements' }),
  convolution(
    '(f32[2,8,2], f32[3,2,2]) -> f32[2,6,2]',
    { strides: [3], lhs: [2], low: [1], high: [2] },
    { note: 'shards between elements, strides' },
  ),
  convolution(
    '(f32[2,12,4], f32[3,4,6]) -> f32[2,12,6]',
    { low: [1], high: [1] },
    { flops: 2 * 2 * 12 * 6 * 3 * 4, note: 'same' },
  ),
  convolution('(f32[2,12,4], f32[1,4,6]) -> f32[2,12,6]', {}, { note: '1×1' }),
  convolution('(f32[2,12,4], f32[3,4,6]) -> f32[2,10,6]', {}, { note: 'valid' }),
  convolution('(f32[2,12,4], f32[3,4,6]) -> f32[2,6,6]', { strides: [2], high: [1] }, { note: 'stride 2' }),
  convolution('(f32[2,12,4], f32[5,4,2]) -> f32[2,12,2]', { low: [0], high: [4] }, { note: 'one-sided' }),
  convolution('(f32[2,12,2], f32[3,2,2]) -> f32[2,12,2]', { low: [-2], high: [4] }, { note: 'negative padding' }),
  convolution('(f32[2,12,2], f32[7,2,2]) -> f32[2,12,2]', { low: [3], high: [3] }, { note: 'wider than a shard' }),
  convolution(
    '(f32[2,12,2], f32[3,2,2]) -> f32[2,12,2]',
    { low: [2], high: [2], rhs: [2] },
    { note: 'dilated kernel' },
  ),
  convolution('(f32[2,12,2], f32[3,2,2]) -> f32[2,24,2]', { low: [1], high: [2], lhs: [2] }, { note: 'dilated input' }),
  convolution(
    '(f32[2,6,2], f32[2,2,2]) -> f32[2,12,2]',
    { low: [0], high: [2], lhs: [2], strides: [1] },
    { note: 'dilated input, even window' },
  ),
  convolution(
    '(f32[2,6,2], f32[3,2,2]) -> f32[2,6,2]',
    { low: [1], high: [1], reversal: [true] },
    { note: 'reversed' },
  ),
  convolution(
    '(f32[2,12,6,2], f32[3,3,2,4]) -> f32[2,12,6,4]',
    { low: [1, 1], high: [1, 1] },
    { note: 'two spatial dims' },
  ),
  convolution(
    '(f32[2,8,12], f32[3,3,8]) -> f32[2,8,8]',
    { low: [1], high: [1], groups: 4 },
    { note: 'feature groups' },
  ),
  convolution('(f32[2,8,12], f32[3,1,12]) -> f32[2,8,12]', { low: [1], high: [1], groups: 12 }, { note: 'depthwise' }),
  convolution(
    '(f32[8,8,4], f32[3,4,8]) -> f32[2,8,8]',
    { low: [1], high: [1], batchGroups: 4 },
    { note: 'batch groups' },
  ),
  convolution(
    '(f32[2,12,4], f32[2,12,6]) -> f32[3,4,6]',
    {
      dims: [
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
      ],
      low: [1],
      high: [1],
    },
    { note: 'backprop to the filter' },
  ),
  convolution(
    '(f32[2,12,4], f32[2,12,6]) -> f32[3,4,6]',
    {
      dims: [
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
      ],
      low: [1],
      high: [1],
      reversal: [true],
    },
    { note: 'backprop to the filter, reversed' },
  ),
  convolution(
    '(f32[2,12,4], f32[2,6,6]) -> f32[3,4,6]',
    {
      dims: [
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
      ],
      low: [0],
      high: [1],
      rhs: [2],
    },
    { note: 'backprop of stride 2 to the filter' },
  ),
  convolution(
    '(f32[2,6,6], f32[3,4,6]) -> f32[2,12,4]',
    {
      dims: [
        [0, 2, 1],
        [2, 1, 0],
        [0, 2, 1],
      ],
      lhs: [2],
      low: [2],
      high: [1],
      reversal: [true],
    },
    { note: 'backprop of stride 2 to the input' },
  ),
  convolution(
    '(f32[2,12,4], f32[2,10,6]) -> f32[3,4,6]',
    {
      dims: [
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
      ],
    },
    { note: 'backprop of valid to the filter' },
  ),
  convolution('(bf16[2,6,2], bf16[3,2,2]) -> bf16[2,6,2]', { low: [1], high: [1] }),
  convolution('(i32[2,6,2], i32[3,2,2]) -> i32[2,6,2]', { low: [1], high: [1] }),
  convolution('(i64[2,6,2], i64[3,2,2]) -> i64[2,6,2]', { low: [1], high: [1] }),
  convolution('(bf16[2,6,2], bf16[3,2,2]) -> f32[2,6,2]', { low: [1], high: [1] }),
  convolution(
    '(f32[4,6], f32[6,8]) -> f32[4,8]',
    {
      dims: [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
    },
    { note: 'no spatial dim' },
  ),
];
