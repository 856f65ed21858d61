/** dynamic_slice, dynamic_update_slice, gather and scatter. */
import type { FuncBuilder } from '../../../ir/build.ts';
import type { Monoid } from '../../../ir/layout.ts';
import type { Block } from '../../../ir/program.ts';
import { type DType, tensor } from '../../../ir/types.ts';
import {
  example,
  type ExampleOptions,
  MONOID_OPS,
  monoidTypes,
  type OpExample,
  reducer,
  returns,
} from '../../../compiler/testing/laws/op-example.ts';

const slices: readonly OpExample[] = [
  example('dynamic_slice', '(f32[4,6], i32[], i32[]) -> f32[4,2]', { attrs: { sizes: [4, 2] } }),
  example('dynamic_slice', '(f32[4,6], i32[], i32[]) -> f32[1,6]', {
    attrs: { sizes: [1, 6] },
    inputs: { 1: () => -3 },
    note: 'clamped low',
  }),
  example('dynamic_slice', '(bf16[6], i64[]) -> bf16[4]', {
    attrs: { sizes: [4] },
    inputs: { 1: () => 99 },
    note: 'clamped high',
  }),
  example('dynamic_slice', '(i64[4,6], i32[], i32[]) -> i64[4,6]', { attrs: { sizes: [4, 6] } }),
  example('dynamic_slice', '(f32[4,6], u32[], u32[]) -> f32[4,0]', { attrs: { sizes: [4, 0] } }),
  example('dynamic_update_slice', '(f32[4,6], f32[4,2], i32[], i32[]) -> f32[4,6]'),
  example('dynamic_update_slice', '(f32[4,6], f32[1,6], i32[], i32[]) -> f32[4,6]', {
    inputs: { 2: () => -3 },
    note: 'clamped low',
  }),
  example('dynamic_update_slice', '(i64[6], i64[4], i64[]) -> i64[6]', {
    inputs: { 2: () => 99 },
    note: 'clamped high',
  }),
  example('dynamic_update_slice', '(bf16[4,6], bf16[4,6], i32[], i32[]) -> bf16[4,6]'),
  example('dynamic_update_slice', '(pred[4,6], pred[4,0], i32[], i32[]) -> pred[4,6]'),
];

interface GatherDims {
  readonly offset?: readonly number[];
  readonly collapsed?: readonly number[];
  readonly batching?: readonly [operand: readonly number[], indices: readonly number[]];
  readonly map: readonly number[];
  readonly vector: number;
  readonly sizes: readonly number[];
}

const gather = (signature: string, dims: GatherDims, options: ExampleOptions = {}): OpExample =>
  example('gather', signature, {
    ...options,
    attrs: {
      offset_dims: dims.offset ?? [],
      collapsed_slice_dims: dims.collapsed ?? [],
      operand_batching_dims: dims.batching?.[0] ?? [],
      start_indices_batching_dims: dims.batching?.[1] ?? [],
      start_index_map: dims.map,
      index_vector_dim: dims.vector,
      slice_sizes: dims.sizes,
      indices_are_sorted: false,
    },
  });

const rows: GatherDims = { offset: [1], collapsed: [0], map: [0], vector: 1, sizes: [1, 6] };
const gathers: readonly OpExample[] = [
  gather('(f32[12,6], i32[4,1]) -> f32[4,6]', rows),
  gather('(bf16[12,6], i32[4]) -> bf16[4,6]', rows, { note: 'implicit index vector' }),
  gather('(i32[12,6], i64[4,1]) -> i32[4,6]', rows),
  gather('(i64[12,6], u32[4,1]) -> i64[4,6]', rows),
  gather('(pred[12,6], i32[4,1]) -> pred[4,6]', rows),
  gather('(f32[12,6], i32[4,1]) -> f32[4,6]', rows, {
    inputs: { 0: (i) => (i % 7 === 0 ? Number.NaN : -i) },
    note: 'NaN rows',
  }),
  gather('(f32[12,6], i32[2,6,1]) -> f32[2,6,6]', { ...rows, offset: [2], vector: 2 }),
  gather(
    '(f32[12,6], i32[2,1,6]) -> f32[6,2,6]',
    { ...rows, offset: [0], vector: 1 },
    { note: 'offset first, vector inside' },
  ),
  gather(
    '(f32[4,6], i32[8,2]) -> f32[8]',
    { collapsed: [0, 1], map: [0, 1], vector: 1, sizes: [1, 1] },
    { note: 'two components' },
  ),
  gather(
    '(f32[4,6], i32[2,8]) -> f32[8]',
    { collapsed: [0, 1], map: [1, 0], vector: 0, sizes: [1, 1] },
    { note: 'components swapped' },
  ),
  gather(
    '(f32[8,6], i32[4,1]) -> f32[4,3,6]',
    { offset: [1, 2], map: [0], vector: 1, sizes: [3, 6] },
    { note: 'windows of 3 rows' },
  ),
  gather(
    '(f32[8,6], i32[4,1]) -> f32[4,1,6]',
    { offset: [1, 2], map: [0], vector: 1, sizes: [1, 6] },
    { note: 'window of 1 row kept' },
  ),
  gather(
    '(f32[4,12,6], i32[4,2,1]) -> f32[4,2,6]',
    {
      offset: [2],
      collapsed: [1],
      batching: [[0], [0]],
      map: [1],
      vector: 2,
      sizes: [1, 1, 6],
    },
    { note: 'batching dims' },
  ),
  gather(
    '(f32[6,4,8], i32[2,4,6,1]) -> f32[2,4,6]',
    {
      collapsed: [2],
      batching: [
        [0, 1],
        [2, 1],
      ],
      map: [2],
      vector: 3,
      sizes: [1, 1, 1],
    },
    { note: 'two batching dims, swapped' },
  ),
  gather(
    '(f32[4,12], i32[6,1]) -> f32[6]',
    { collapsed: [0, 1], map: [1], vector: 1, sizes: [1, 1] },
    { note: 'a collapsed dim not addressed' },
  ),
  gather(
    '(f32[4,12], i32[6,1]) -> f32[6,1]',
    { offset: [1], collapsed: [1], map: [1], vector: 1, sizes: [1, 1] },
    { note: 'a window of 1 not addressed' },
  ),
  gather('(f32[1,6], i32[4,1]) -> f32[4,6]', rows, { note: 'one row' }),
  gather(
    '(f32[4,12,6], i32[4,2]) -> f32[4,3,6]',
    { offset: [1, 2], batching: [[0], [0]], map: [1, 2], vector: 1, sizes: [1, 3, 6] },
    { note: 'a dim addressed and taken whole' },
  ),
  gather(
    '(f32[12,6], i32[4,2]) -> f32[4,6]',
    { offset: [1], collapsed: [0], map: [0, 1], vector: 1, sizes: [1, 6] },
    { note: 'rows, the columns addressed too' },
  ),
  gather('(f32[12,6], i32[0,1]) -> f32[0,6]', rows, { note: 'no index' }),
];

interface ScatterDims {
  readonly window?: readonly number[];
  readonly inserted?: readonly number[];
  readonly batching?: readonly [operand: readonly number[], indices: readonly number[]];
  readonly map: readonly number[];
  readonly vector: number;
}

const scatter = (signature: string, dims: ScatterDims, options: ExampleOptions): OpExample =>
  example('scatter', signature, {
    ...options,
    wholeWork: true,
    attrs: {
      update_window_dims: dims.window ?? [],
      inserted_window_dims: dims.inserted ?? [],
      input_batching_dims: dims.batching?.[0] ?? [],
      scatter_indices_batching_dims: dims.batching?.[1] ?? [],
      scatter_dims_to_operand_dims: dims.map,
      index_vector_dim: dims.vector,
      indices_are_sorted: false,
      unique_indices: false,
    },
  });

const byRow: ScatterDims = { window: [1], inserted: [0], map: [0], vector: 1 };
const adding = (dtype: DType, note?: string): ExampleOptions => ({
  regions: reducer('add', dtype),
  ...(note === undefined ? {} : { note }),
});

/** The update replaces what was there. */
const replacing =
  (...dtypes: readonly DType[]) =>
  (b: FuncBuilder): readonly Block[] => [
    b.region(() => {
      for (const t of dtypes) b.param(tensor(t, []));
      returns(
        b,
        dtypes.map((t) => b.param(tensor(t, []))),
      );
    }),
  ];

const scatters: readonly OpExample[] = [
  ...(Object.keys(MONOID_OPS) as Monoid[]).flatMap((monoid) =>
    monoidTypes(monoid).map((dtype) =>
      scatter(`(${dtype}[6,4], i32[12,1], ${dtype}[12,4]) -> ${dtype}[6,4]`, byRow, {
        regions: reducer(MONOID_OPS[monoid], dtype),
        note: monoid,
      }),
    ),
  ),
  scatter('(f32[12,6], i32[4], f32[4,6]) -> f32[12,6]', byRow, adding('f32', 'implicit index vector')),
  scatter('(f32[12,6], i64[4,1], f32[4,6]) -> f32[12,6]', byRow, adding('f32')),
  scatter('(f32[12,6], u32[4,1], f32[4,6]) -> f32[12,6]', byRow, adding('f32')),
  scatter(
    '(f32[4,6], i32[8,2], f32[8]) -> f32[4,6]',
    { inserted: [0, 1], map: [0, 1], vector: 1 },
    adding('f32', 'two components'),
  ),
  scatter(
    '(f32[4,6], i32[2,8], f32[8]) -> f32[4,6]',
    { inserted: [0, 1], map: [1, 0], vector: 0 },
    adding('f32', 'components swapped'),
  ),
  scatter(
    '(f32[8,6], i32[4,1], f32[4,3,6]) -> f32[8,6]',
    { window: [1, 2], map: [0], vector: 1 },
    adding('f32', 'windows of 3 rows'),
  ),
  scatter(
    '(f32[8,6], i32[4,1], f32[4,1,6]) -> f32[8,6]',
    { window: [1, 2], map: [0], vector: 1 },
    adding('f32', 'window of 1 row'),
  ),
  scatter(
    '(f32[4,12,6], i32[4,2,1], f32[4,2,6]) -> f32[4,12,6]',
    {
      window: [2],
      inserted: [1],
      batching: [[0], [0]],
      map: [1],
      vector: 2,
    },
    adding('f32', 'batching dims'),
  ),
  scatter(
    '(f32[4,12], i32[6,1], f32[6]) -> f32[4,12]',
    { inserted: [0, 1], map: [1], vector: 1 },
    adding('f32', 'an inserted dim not addressed'),
  ),
  scatter(
    '(f32[4,12,6], i32[4,2], f32[4,3,6]) -> f32[4,12,6]',
    { window: [1, 2], batching: [[0], [0]], map: [1, 2], vector: 1 },
    {
      ...adding('f32', 'a dim addressed and taken whole'),
      inputs: { 1: (i) => [3, 0, 10, 0, 5, 1, 0, 0][i] as number },
    },
  ),
  scatter(
    '(f32[12,6], i32[5,2], f32[5,6]) -> f32[12,6]',
    { window: [1], inserted: [0], map: [0, 1], vector: 1 },
    {
      ...adding('f32', 'rows, the columns addressed too'),
      inputs: { 1: (i) => [3, 0, 11, 0, 12, 0, 5, -1, 2, 0][i] as number },
    },
  ),
  scatter(
    '(f32[8,6], i32[4,1], f32[4,3,6]) -> f32[8,6]',
    { window: [1, 2], map: [0], vector: 1 },
    {
      ...adding('f32', 'windows that reach out at either end'),
      inputs: { 1: (i) => [-1, 6, 5, 0][i] as number },
    },
  ),
  scatter('(f32[6,4], i32[12,1], f32[12,4]) -> f32[6,4]', byRow, {
    regions: replacing('f32'),
    note: 'replace',
  }),
  scatter('(f32[6,4], i32[6,4], i32[12,1], f32[12,4], i32[12,4]) -> (f32[6,4], i32[6,4])', byRow, {
    regions: replacing('f32', 'i32'),
    note: 'replace two',
  }),
  scatter('(f32[12,6], i32[0,1], f32[0,6]) -> f32[12,6]', byRow, adding('f32', 'no update')),
];

export const indexingExamples: readonly OpExample[] = [...slices, ...gathers, ...scatters];
