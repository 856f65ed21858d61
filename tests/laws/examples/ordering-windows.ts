/** sort, top_k, reduce_window and select_and_scatter. */
import type { FuncBuilder } from '../../../ir/build.ts';
import type { Monoid } from '../../../ir/layout.ts';
import type { Block } from '../../../ir/program.ts';
import { type DType, tensor } from '../../../ir/types.ts';
import {
  example,
  type ExampleOptions,
  identity,
  MONOID_OPS,
  type OpExample,
  reducer,
  returns,
} from '../../../compiler/testing/laws/op-example.ts';

/** `first < second` (or `>`), on the first of the operands. */
const comparator =
  (types: readonly DType[], direction: 'LT' | 'GT', compare_type?: string) =>
  (b: FuncBuilder): readonly Block[] => [
    b.region(() => {
      const params = types.flatMap((t) => [b.param(tensor(t, [])), b.param(tensor(t, []))]);
      const operands = params.slice(0, 2);
      returns(
        b,
        b.op(
          'compare',
          operands,
          [tensor('pred', [])],
          {},
          { direction, ...(compare_type === undefined ? {} : { compare_type }) },
        ),
      );
    }),
  ];

const sort = (
  signature: string,
  dim: number,
  types: readonly DType[],
  direction: 'LT' | 'GT' = 'LT',
  options: ExampleOptions = {},
): OpExample =>
  example('sort', signature, { regions: comparator(types, direction), ...options, attrs: { dim, is_stable: true } });

const ties = (i: number): number => (i * 7) % 3;

const sorts: readonly OpExample[] = [
  sort('(f32[4,6]) -> f32[4,6]', 1, ['f32']),
  sort('(f32[4,6]) -> f32[4,6]', 0, ['f32'], 'GT'),
  sort('(f32[8]) -> f32[8]', 0, ['f32']),
  sort('(f32[0,6]) -> f32[0,6]', 0, ['f32']),
  sort('(f32[4,1]) -> f32[4,1]', 1, ['f32']),
  sort('(i32[2,4,6]) -> i32[2,4,6]', 1, ['i32']),
  sort('(f32[4,6], i32[4,6]) -> (f32[4,6], i32[4,6])', 1, ['f32', 'i32'], 'GT', {
    inputs: { 0: ties },
    note: 'ties keep their order',
  }),
  sort('(f32[4,6]) -> f32[4,6]', 1, ['f32'], 'LT', {
    regions: comparator(['f32'], 'LT', 'TOTALORDER'),
    inputs: { 0: (i) => [0, -0, Number.NaN, -1, Number.POSITIVE_INFINITY, 2][i % 6] as number },
    note: 'total order',
  }),
  sort('(bf16[4,6], u8[4,6], pred[4,6]) -> (bf16[4,6], u8[4,6], pred[4,6])', 0, ['bf16', 'u8', 'pred']),
  sort('(i64[4,4]) -> i64[4,4]', 0, ['i64']),
];

const topK = (signature: string, k: number, options: ExampleOptions = {}): OpExample =>
  example('top_k', signature, { ...options, attrs: { k } });

const tops: readonly OpExample[] = [
  topK('(f32[4,6]) -> (f32[4,2], i32[4,2])', 2),
  topK('(f32[4,6]) -> (f32[4,6], i32[4,6])', 6),
  topK('(f32[8]) -> (f32[1], i32[1])', 1),
  topK('(f32[2,4,6]) -> (f32[2,4,4], i32[2,4,4])', 4, { inputs: { 0: ties }, note: 'ties: the first' }),
  topK('(i32[4,6]) -> (i32[4,2], i32[4,2])', 2),
];

interface Window {
  readonly size: readonly number[];
  readonly stride?: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  readonly dilation?: readonly number[];
  readonly base?: readonly number[];
}

const each = (rank: number, value: number): number[] => Array.from({ length: rank }, () => value);

function windowed(signature: string, monoid: Monoid, dtype: DType, w: Window, options: ExampleOptions = {}): OpExample {
  const rank = w.size.length;
  const attrs = {
    window_dimensions: w.size,
    window_strides: w.stride ?? each(rank, 1),
    base_dilations: w.base ?? each(rank, 1),
    window_dilations: w.dilation ?? each(rank, 1),
    pad_low: w.low ?? each(rank, 0),
    pad_high: w.high ?? each(rank, 0),
  };
  return example('reduce_window', signature, {
    regions: reducer(MONOID_OPS[monoid], dtype),
    inputs: { 1: identity(monoid, dtype) },
    ...options,
    attrs,
  });
}

const windows: readonly OpExample[] = [
  windowed('(f32[4,8], f32[]) -> f32[4,4]', 'sum', 'f32', { size: [1, 2], stride: [1, 2] }, { flops: 32 }),
  windowed('(f32[4,8], f32[]) -> f32[4,8]', 'sum', 'f32', { size: [1, 8], low: [0, 7] }, { note: 'cumulative sum' }),
  windowed('(f32[4,8], f32[]) -> f32[4,8]', 'max', 'f32', { size: [1, 3], low: [0, 1], high: [0, 1] }),
  windowed('(f32[8,8], f32[]) -> f32[3,3]', 'max', 'f32', { size: [3, 3], stride: [2, 2] }),
  windowed('(f32[2,8], f32[]) -> f32[2,4]', 'sum', 'f32', { size: [1, 3], dilation: [1, 2] }),
  windowed('(f32[2,4], f32[]) -> f32[2,6]', 'sum', 'f32', { size: [1, 2], base: [1, 2] }),
  windowed('(i32[4,6], i32[]) -> i32[4,5]', 'min', 'i32', { size: [1, 2] }),
  windowed('(f32[4,6], f32[]) -> f32[4,6]', 'sum', 'f32', { size: [1, 1] }, { note: 'one element' }),
  windowed('(bf16[4,6], bf16[]) -> bf16[4,3]', 'sum', 'bf16', { size: [1, 2], stride: [1, 2] }),
];

const scattered = (signature: string, w: Window, options: ExampleOptions = {}): OpExample =>
  example('select_and_scatter', signature, {
    regions: (b) => [...choose(b), ...reducer('add', 'f32')(b)],
    inputs: { 2: () => 0 },
    ...options,
    attrs: {
      window_dimensions: w.size,
      window_strides: w.stride ?? each(w.size.length, 1),
      pad_low: w.low ?? each(w.size.length, 0),
      pad_high: w.high ?? each(w.size.length, 0),
    },
  });

/** `(a, b) -> a >= b`: the larger is kept. */
const choose = (b: FuncBuilder): readonly Block[] => [
  b.region(() => {
    const [x, y] = [b.param(tensor('f32', [])), b.param(tensor('f32', []))];
    returns(b, b.op('compare', [x, y], [tensor('pred', [])], {}, { direction: 'GE' }));
  }),
];

const scatters: readonly OpExample[] = [
  scattered('(f32[4,8], f32[4,4], f32[]) -> f32[4,8]', { size: [1, 2], stride: [1, 2] }),
  scattered('(f32[8,8], f32[4,4], f32[]) -> f32[8,8]', { size: [2, 2], stride: [2, 2] }),
  scattered(
    '(f32[4,6], f32[4,6], f32[]) -> f32[4,6]',
    { size: [1, 3], low: [0, 1], high: [0, 1] },
    { note: 'overlapping', wholeWork: true },
  ),
  scattered(
    '(f32[12,4], f32[6,4], f32[]) -> f32[12,4]',
    { size: [3, 1], stride: [2, 1], high: [1, 0] },
    { note: 'SAME padding', wholeWork: true },
  ),
  scattered(
    '(f32[12,4], f32[6,4], f32[]) -> f32[12,4]',
    { size: [3, 1], stride: [2, 1], low: [1, 0] },
    {
      inputs: { 0: (i) => (i % 3 === 0 ? Number.NEGATIVE_INFINITY : -i), 2: () => 0 },
      note: 'infinities at the ends',
      wholeWork: true,
    },
  ),
  ...([3, 4, 5] as const).map((size) =>
    scattered(
      '(f32[12,2], f32[4,2], f32[]) -> f32[12,2]',
      { size: [size, 1], stride: [4, 1], low: [2, 0], high: [size - 2, 0] },
      { note: 'shards that begin in the middle of a window', wholeWork: true },
    ),
  ),
];

export const orderingWindowExamples: readonly OpExample[] = [...sorts, ...tops, ...windows, ...scatters];
