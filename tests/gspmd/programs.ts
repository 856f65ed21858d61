/**
 * A hundred programs of one to five ops, every op annotated in GSPMD's way: the layout changes and op strategies where
 * XLA's partitioner has a case of its own, or none (docs: `PartitionedHlo::ReshardNoCache`, the dot, gather and scatter
 * handlers). Annotations are hard, so the plans between them decide what moves.
 */
export interface AnnotatedProgram {
  readonly name: string;
  readonly text: string;
}

type Typed = readonly [type: string, sharding: string];

/** Ops are written as `%0 = stablehlo.negate %a0 {S} : …`; {S} becomes the op's annotation. */
function program(
  name: string,
  args: readonly Typed[],
  ops: readonly (readonly [string, string])[],
  result: Typed,
): AnnotatedProgram {
  const params = args.map(([type, s], i) => `%a${i}: tensor<${type}> {mhlo.sharding = "${s}"}`);
  const body = ops.map(([op, s]) => `    ${op.replace('{S}', `{mhlo.sharding = "${s}"}`)}`);
  const last = /^(%\w+) =/.exec(ops.at(-1)?.[0] ?? '')?.[1] ?? '%0';
  return {
    name,
    text: [
      `module @${name} {`,
      `  func.func public @main(${params.join(', ')}) -> (tensor<${result[0]}> {mhlo.sharding = "${result[1]}"}) {`,
      ...body,
      `    return ${last} : tensor<${result[0]}>`,
      '  }',
      '}',
      '',
    ].join('\n'),
  };
}

// --- shardings over 8 devices: letters say which digits of the device's number shard a dim -----------------------------

const R = '{replicated}';
/** One tensor dim per entry, its tiles; what is left of the devices replicates. */
function tiles(tile: readonly number[], order = '', devices = 8): string {
  const count = tile.reduce((n, t) => n * t, 1);
  if (count === 1) return R;
  const rest = devices / count;
  const dims = rest > 1 ? [...tile, rest] : tile;
  return `{devices=[${dims.join(',')}]${order === '' ? `<=[${devices}]` : order}${rest > 1 ? ' last_tile_dim_replicate' : ''}}`;
}

// --- layout changes ----------------------------------------------------------------------------------------------------

/** [name, tensor, from, to]: one op whose operand and result are annotated apart. */
const CHANGES: readonly (readonly [string, string, string, string])[] = [
  ['axis_to_other_dim', '16x32xf32', tiles([8, 1]), tiles([1, 8])],
  ['axis_to_other_dim_half', '16x32xf32', tiles([4, 1]), tiles([1, 4])],
  ['crossed_axes', '16x16x16xf32', tiles([2, 1, 4], '<=[4,2]T(1,0)'), tiles([1, 8, 1])],
  ['crossed_axes_back', '16x16x16xf32', tiles([1, 8, 1]), tiles([2, 1, 4], '<=[4,2]T(1,0)')],
  ['crossed_and_split', '16x16x16xf32', tiles([4, 1, 2], '<=[2,4]T(1,0)'), tiles([2, 4, 1])],
  ['swap_dims', '16x16xf32', tiles([4, 2]), tiles([4, 2], '<=[2,4]T(1,0)')],
  ['swap_square', '16x16xf32', tiles([2, 2]), tiles([2, 2], '<=[2,2,2]T(1,0,2)')],
  ['rotate_three', '8x8x8xf32', tiles([2, 2, 2]), tiles([2, 2, 2], '<=[2,2,2]T(1,2,0)')],
  ['reverse_three', '8x8x8xf32', tiles([2, 2, 2]), tiles([2, 2, 2], '<=[2,2,2]T(2,1,0)')],
  ['order_of_one_dim', '16x8xf32', tiles([8, 1]), tiles([8, 1], '<=[2,4]T(1,0)')],
  ['order_and_dim', '16x16xf32', tiles([8, 1]), tiles([1, 8], '<=[2,4]T(1,0)')],
  ['listed_order', '16x8xf32', tiles([8, 1]), tiles([8, 1], '0,2,4,6,1,3,5,7')],
  ['gather_minor', '16x16xf32', tiles([8, 1]), tiles([2, 1])],
  ['gather_major', '16x16xf32', tiles([8, 1]), tiles([2, 1], '<=[4,2]T(1,0)')],
  ['gather_middle', '16x16xf32', tiles([8, 1]), tiles([4, 1], '<=[2,2,2]T(0,2,1)')],
  ['gather_one_of_two', '16x16xf32', tiles([4, 2]), tiles([4, 1])],
  ['gather_other_of_two', '16x16xf32', tiles([4, 2]), tiles([1, 2], '<=[4,2]T(1,0)')],
  ['gather_all', '16x16xf32', tiles([4, 2]), R],
  ['slice_all', '16x16xf32', R, tiles([4, 2], '<=[2,4]T(1,0)')],
  ['slice_more', '16x16xf32', tiles([2, 1]), tiles([2, 4])],
  ['slice_major', '16x16xf32', tiles([4, 1], '<=[2,4]T(1,0)'), tiles([8, 1])],
  ['other_axis', '16x16xf32', tiles([2, 1]), tiles([2, 1], '<=[4,2]T(1,0)')],
  ['other_axis_other_dim', '16x16xf32', tiles([2, 1]), tiles([1, 2], '<=[4,2]T(1,0)')],
  ['other_axis_wider', '16x16xf32', tiles([2, 1]), tiles([4, 1], '<=[2,4]T(1,0)')],
  ['other_axis_narrower', '16x16xf32', tiles([4, 1]), tiles([2, 1], '<=[4,2]T(1,0)')],
  ['two_dims_to_two', '8x8x8x8xf32', tiles([2, 4, 1, 1]), tiles([1, 1, 2, 4])],
  ['two_dims_to_two_crossed', '8x8x8x8xf32', tiles([2, 4, 1, 1]), tiles([1, 1, 4, 2], '<=[2,4]T(1,0)')],
  ['two_dims_to_one', '16x16x16xf32', tiles([2, 4, 1]), tiles([1, 1, 8])],
  ['one_dim_to_two', '16x16x16xf32', tiles([8, 1, 1]), tiles([1, 2, 4])],
  ['one_dim_to_two_turned', '16x16x16xf32', tiles([8, 1, 1]), tiles([1, 4, 2], '<=[2,4]T(1,0)')],
  ['move_and_gather', '16x16x16xf32', tiles([8, 1, 1]), tiles([1, 2, 1])],
  ['move_and_slice', '16x16x16xf32', tiles([2, 1, 1]), tiles([1, 2, 4])],
  ['move_major_keep_minor', '16x16xf32', tiles([8, 1]), tiles([4, 2], '<=[2,4]T(1,0)')],
  ['thirds_move', '12x12xf32', tiles([3, 1], '', 6), tiles([1, 3], '', 6)],
  ['thirds_and_halves', '12x12xf32', tiles([3, 2], '', 6), tiles([2, 3], '<=[3,2]T(1,0)', 6)],
  ['sixths_move', '12x12xf32', tiles([6, 1], '', 6), tiles([1, 6], '<=[2,3]T(1,0)', 6)],
  ['twelfths_cross', '24x24x24xf32', tiles([3, 1, 4], '<=[4,3]T(1,0)', 12), tiles([1, 12, 1], '', 12)],
];

const changes = CHANGES.map(([name, type, from, to]) =>
  program(`change_${name}`, [[type, from]], [[`%0 = stablehlo.negate %a0 {S} : tensor<${type}>`, to]], [type, to]),
);

// --- dot ---------------------------------------------------------------------------------------------------------------

/** [name, lhs, rhs, result]: f32[16,32] · f32[32,64]. */
const DOTS: readonly (readonly [string, string, string, string])[] = [
  ['rows', tiles([8, 1]), R, tiles([8, 1])],
  ['columns', R, tiles([1, 8]), tiles([1, 8])],
  ['rows_and_columns', tiles([2, 1]), tiles([1, 4], '<=[2,4]T(1,0)'), tiles([2, 4])],
  ['contracting', tiles([1, 8]), tiles([8, 1]), R],
  ['contracting_scattered', tiles([1, 8]), tiles([8, 1]), tiles([8, 1])],
  ['contracting_and_rows', tiles([2, 4]), tiles([4, 1], '<=[2,4]T(1,0)'), tiles([2, 1])],
  ['contracting_and_columns', tiles([1, 4]), tiles([4, 2]), tiles([1, 2], '<=[4,2]T(1,0)')],
  ['same_axis_both_free', tiles([8, 1]), tiles([1, 8]), tiles([8, 1])],
  ['same_axis_both_free_columns', tiles([8, 1]), tiles([1, 8]), tiles([1, 8])],
  ['weights_gathered', tiles([2, 1]), tiles([2, 4]), tiles([2, 4])],
  ['weights_2d', tiles([2, 4]), tiles([4, 2], '<=[2,4]T(1,0)'), tiles([2, 4])],
  ['mismatched_contracting', tiles([1, 8]), tiles([8, 1], '<=[2,4]T(1,0)'), R],
  ['lhs_contracting_alone', tiles([1, 8]), R, tiles([8, 1])],
  ['rows_in_other_order', tiles([8, 1], '<=[2,4]T(1,0)'), R, tiles([8, 1])],
  ['whole_operands', R, R, tiles([4, 2], '<=[2,4]T(1,0)')],
];
const dots = DOTS.map(([name, lhs, rhs, out]) =>
  program(
    `dot_${name}`,
    [
      ['16x32xf32', lhs],
      ['32x64xf32', rhs],
    ],
    [
      [
        '%0 = stablehlo.dot_general %a0, %a1, contracting_dims = [1] x [0] {S} : (tensor<16x32xf32>, tensor<32x64xf32>) -> tensor<16x64xf32>',
        out,
      ],
    ],
    ['16x64xf32', out],
  ),
);

/** f32[8,16,32] · f32[8,32,16], batch 0. */
const BATCH_DOTS: readonly (readonly [string, string, string, string])[] = [
  ['alike', tiles([8, 1, 1]), tiles([8, 1, 1]), tiles([8, 1, 1])],
  ['lhs_alone', tiles([8, 1, 1]), R, tiles([8, 1, 1])],
  ['other_order', tiles([8, 1, 1]), tiles([8, 1, 1], '<=[2,4]T(1,0)'), tiles([8, 1, 1])],
  ['and_rows', tiles([2, 4, 1]), tiles([2, 1, 1]), tiles([2, 4, 1])],
  ['and_contracting', tiles([2, 1, 4]), tiles([2, 4, 1]), tiles([2, 1, 1])],
  ['heads_to_sequence', tiles([4, 2, 1]), tiles([4, 1, 2]), tiles([1, 8, 1], '<=[4,2]T(1,0)')],
];
const batchDots = BATCH_DOTS.map(([name, lhs, rhs, out]) =>
  program(
    `batch_dot_${name}`,
    [
      ['8x16x32xf32', lhs],
      ['8x32x16xf32', rhs],
    ],
    [
      [
        '%0 = stablehlo.dot_general %a0, %a1, batching_dims = [0] x [0], contracting_dims = [2] x [1] {S} : (tensor<8x16x32xf32>, tensor<8x32x16xf32>) -> tensor<8x16x16xf32>',
        out,
      ],
    ],
    ['8x16x16xf32', out],
  ),
);

// --- one op of the other kinds -----------------------------------------------------------------------------------------

/** [name, operand types and shardings, ops with their shardings, result]. */
const OTHERS: readonly (readonly [string, readonly Typed[], readonly (readonly [string, string])[], Typed])[] = [
  [
    'add_of_two_layouts',
    [
      ['16x16xf32', tiles([8, 1])],
      ['16x16xf32', tiles([1, 8])],
    ],
    [['%0 = stablehlo.add %a0, %a1 {S} : tensor<16x16xf32>', tiles([8, 1])]],
    ['16x16xf32', tiles([8, 1])],
  ],
  [
    'add_meets_elsewhere',
    [
      ['16x16xf32', tiles([4, 1])],
      ['16x16xf32', tiles([4, 1])],
    ],
    [['%0 = stablehlo.multiply %a0, %a1 {S} : tensor<16x16xf32>', tiles([1, 4], '<=[2,4]T(1,0)')]],
    ['16x16xf32', tiles([1, 4], '<=[2,4]T(1,0)')],
  ],
  [
    'transpose_in_place',
    [['16x32xf32', tiles([4, 2])]],
    [
      [
        '%0 = stablehlo.transpose %a0, dims = [1, 0] {S} : (tensor<16x32xf32>) -> tensor<32x16xf32>',
        tiles([2, 4], '<=[4,2]T(1,0)'),
      ],
    ],
    ['32x16xf32', tiles([2, 4], '<=[4,2]T(1,0)')],
  ],
  [
    'transpose_that_moves',
    [['16x32xf32', tiles([4, 2])]],
    [['%0 = stablehlo.transpose %a0, dims = [1, 0] {S} : (tensor<16x32xf32>) -> tensor<32x16xf32>', tiles([4, 2])]],
    ['32x16xf32', tiles([4, 2])],
  ],
  [
    'reduce_over_sharded',
    [['16x32xf32', tiles([2, 4])]],
    [
      ['%c = stablehlo.constant dense<0.0> : tensor<f32>', R],
      [
        '%0 = stablehlo.reduce(%a0 init: %c) applies stablehlo.add across dimensions = [1] {S} : (tensor<16x32xf32>, tensor<f32>) -> tensor<16xf32>',
        tiles([2]),
      ],
    ],
    ['16xf32', tiles([2])],
  ],
  [
    'reduce_and_scatter',
    [['16x32xf32', tiles([1, 8])]],
    [
      ['%c = stablehlo.constant dense<0.0> : tensor<f32>', R],
      [
        '%0 = stablehlo.reduce(%a0 init: %c) applies stablehlo.add across dimensions = [1] {S} : (tensor<16x32xf32>, tensor<f32>) -> tensor<16xf32>',
        tiles([8]),
      ],
    ],
    ['16xf32', tiles([8])],
  ],
  [
    'reduce_max_partly',
    [['16x32xf32', tiles([1, 4])]],
    [
      ['%c = stablehlo.constant dense<0xFF800000> : tensor<f32>', R],
      [
        '%0 = stablehlo.reduce(%a0 init: %c) applies stablehlo.maximum across dimensions = [1] {S} : (tensor<16x32xf32>, tensor<f32>) -> tensor<16xf32>',
        R,
      ],
    ],
    ['16xf32', R],
  ],
  [
    'broadcast_in_new_dim',
    [['16xf32', tiles([8])]],
    [['%0 = stablehlo.broadcast_in_dim %a0, dims = [0] {S} : (tensor<16xf32>) -> tensor<16x32xf32>', tiles([1, 8])]],
    ['16x32xf32', tiles([1, 8])],
  ],
  [
    'reshape_merges',
    [['8x4x16xf32', tiles([2, 1, 4])]],
    [['%0 = stablehlo.reshape %a0 {S} : (tensor<8x4x16xf32>) -> tensor<32x16xf32>', tiles([2, 4])]],
    ['32x16xf32', tiles([2, 4])],
  ],
  [
    'reshape_merges_both',
    [['8x4x16xf32', tiles([2, 4, 1])]],
    [['%0 = stablehlo.reshape %a0 {S} : (tensor<8x4x16xf32>) -> tensor<32x16xf32>', tiles([2, 1])]],
    ['32x16xf32', tiles([2, 1])],
  ],
  [
    'reshape_splits',
    [['32x16xf32', tiles([8, 1])]],
    [['%0 = stablehlo.reshape %a0 {S} : (tensor<32x16xf32>) -> tensor<4x8x16xf32>', tiles([4, 2, 1])]],
    ['4x8x16xf32', tiles([4, 2, 1])],
  ],
  [
    'reshape_splits_minor',
    [['32x16xf32', tiles([8, 1])]],
    [['%0 = stablehlo.reshape %a0 {S} : (tensor<32x16xf32>) -> tensor<4x8x16xf32>', tiles([1, 8, 1])]],
    ['4x8x16xf32', tiles([1, 8, 1])],
  ],
  [
    'concatenate_on_sharded',
    [
      ['16x8xf32', tiles([8, 1])],
      ['16x8xf32', tiles([8, 1])],
    ],
    [
      [
        '%0 = stablehlo.concatenate %a0, %a1, dim = 0 {S} : (tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<32x8xf32>',
        tiles([8, 1]),
      ],
    ],
    ['32x8xf32', tiles([8, 1])],
  ],
  [
    'concatenate_then_move',
    [
      ['8x16xf32', tiles([1, 8])],
      ['8x16xf32', tiles([1, 8], '<=[2,4]T(1,0)')],
    ],
    [
      [
        '%0 = stablehlo.concatenate %a0, %a1, dim = 0 {S} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<16x16xf32>',
        tiles([1, 8]),
      ],
    ],
    ['16x16xf32', tiles([1, 8])],
  ],
  [
    'slice_of_sharded',
    [['32x16xf32', tiles([8, 1])]],
    [['%0 = stablehlo.slice %a0 [0:16, 0:16] {S} : (tensor<32x16xf32>) -> tensor<16x16xf32>', tiles([8, 1])]],
    ['16x16xf32', tiles([8, 1])],
  ],
  [
    'slice_other_dim',
    [['32x16xf32', tiles([4, 2])]],
    [['%0 = stablehlo.slice %a0 [0:32, 0:8] {S} : (tensor<32x16xf32>) -> tensor<32x8xf32>', tiles([4, 1])]],
    ['32x8xf32', tiles([4, 1])],
  ],
  [
    'pad_sharded',
    [
      ['16x16xf32', tiles([8, 1])],
      ['f32', R],
    ],
    [
      [
        '%0 = stablehlo.pad %a0, %a1, low = [8, 0], high = [8, 0], interior = [0, 0] {S} : (tensor<16x16xf32>, tensor<f32>) -> tensor<32x16xf32>',
        tiles([8, 1]),
      ],
    ],
    ['32x16xf32', tiles([8, 1])],
  ],
  [
    'reverse_sharded',
    [['16x16xf32', tiles([8, 1])]],
    [['%0 = stablehlo.reverse %a0, dims = [0] {S} : tensor<16x16xf32>', tiles([8, 1])]],
    ['16x16xf32', tiles([8, 1])],
  ],
  [
    'sort_sharded_dim',
    [['16x32xf32', tiles([1, 8])]],
    [
      [
        '%0 = "stablehlo.sort"(%a0) <{dimension = 1 : i64}> ({\n    ^bb0(%p: tensor<f32>, %q: tensor<f32>):\n      %t = stablehlo.compare LT, %p, %q : (tensor<f32>, tensor<f32>) -> tensor<i1>\n      stablehlo.return %t : tensor<i1>\n    }) {S} : (tensor<16x32xf32>) -> tensor<16x32xf32>',
        tiles([1, 8]),
      ],
    ],
    ['16x32xf32', tiles([1, 8])],
  ],
  [
    'iota_laid_out',
    [['16x16xf32', tiles([8, 1])]],
    [
      ['%1 = stablehlo.iota dim = 0 {S} : tensor<16x16xf32>', tiles([1, 8])],
      ['%0 = stablehlo.add %a0, %1 {S} : tensor<16x16xf32>', tiles([8, 1])],
    ],
    ['16x16xf32', tiles([8, 1])],
  ],
  [
    'select_by_three',
    [
      ['16x16xi1', tiles([8, 1])],
      ['16x16xf32', tiles([4, 2])],
      ['16x16xf32', tiles([4, 2], '<=[2,4]T(1,0)')],
    ],
    [['%0 = stablehlo.select %a0, %a1, %a2 {S} : tensor<16x16xi1>, tensor<16x16xf32>', tiles([4, 2])]],
    ['16x16xf32', tiles([4, 2])],
  ],
  [
    'convert_narrows',
    [['16x16xf32', tiles([8, 1])]],
    [['%0 = stablehlo.convert %a0 {S} : (tensor<16x16xf32>) -> tensor<16x16xf16>', R]],
    ['16x16xf16', R],
  ],
  [
    'dynamic_slice_whole_dim',
    [
      ['16x32xf32', tiles([1, 8])],
      ['i32', R],
      ['i32', R],
    ],
    [
      [
        '%0 = stablehlo.dynamic_slice %a0, %a1, %a2, sizes = [4, 32] {S} : (tensor<16x32xf32>, tensor<i32>, tensor<i32>) -> tensor<4x32xf32>',
        tiles([1, 8]),
      ],
    ],
    ['4x32xf32', tiles([1, 8])],
  ],
  [
    'dynamic_slice_sharded_dim',
    [
      ['16x32xf32', tiles([8, 1])],
      ['i32', R],
      ['i32', R],
    ],
    [
      [
        '%0 = stablehlo.dynamic_slice %a0, %a1, %a2, sizes = [1, 32] {S} : (tensor<16x32xf32>, tensor<i32>, tensor<i32>) -> tensor<1x32xf32>',
        R,
      ],
    ],
    ['1x32xf32', R],
  ],
  [
    'embedding_vocab_sharded',
    [
      ['64x16xf32', tiles([8, 1])],
      ['8x1xi32', R],
    ],
    [
      [
        '%0 = "stablehlo.gather"(%a0, %a1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 16>}> {S} : (tensor<64x16xf32>, tensor<8x1xi32>) -> tensor<8x16xf32>',
        R,
      ],
    ],
    ['8x16xf32', R],
  ],
  [
    'embedding_features_sharded',
    [
      ['64x16xf32', tiles([1, 4])],
      ['8x1xi32', tiles([2, 1], '<=[4,2]T(1,0)')],
    ],
    [
      [
        '%0 = "stablehlo.gather"(%a0, %a1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 16>}> {S} : (tensor<64x16xf32>, tensor<8x1xi32>) -> tensor<8x16xf32>',
        tiles([2, 4], '<=[4,2]T(1,0)'),
      ],
    ],
    ['8x16xf32', tiles([2, 4], '<=[4,2]T(1,0)')],
  ],
  [
    'scatter_add_rows',
    [
      ['64x16xf32', tiles([1, 8])],
      ['8x1xi32', R],
      ['8x16xf32', tiles([1, 8])],
    ],
    [
      [
        '%0 = "stablehlo.scatter"(%a0, %a1, %a2) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n    ^bb0(%p: tensor<f32>, %q: tensor<f32>):\n      %t = stablehlo.add %p, %q : tensor<f32>\n      stablehlo.return %t : tensor<f32>\n    }) {S} : (tensor<64x16xf32>, tensor<8x1xi32>, tensor<8x16xf32>) -> tensor<64x16xf32>',
        tiles([1, 8]),
      ],
    ],
    ['64x16xf32', tiles([1, 8])],
  ],
  [
    'convolution_batch',
    [
      ['8x16x4xf32', tiles([8, 1, 1])],
      ['3x4x8xf32', R],
    ],
    [
      [
        '%0 = stablehlo.convolution(%a0, %a1) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {pad = [[1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, mhlo.sharding = "#"} : (tensor<8x16x4xf32>, tensor<3x4x8xf32>) -> tensor<8x16x8xf32>'.replace(
          '#',
          tiles([8, 1, 1]),
        ),
        tiles([8, 1, 1]),
      ],
    ],
    ['8x16x8xf32', tiles([8, 1, 1])],
  ],
  [
    'convolution_spatial',
    [
      ['2x32x4xf32', tiles([1, 8, 1])],
      ['3x4x8xf32', R],
    ],
    [
      [
        '%0 = stablehlo.convolution(%a0, %a1) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {pad = [[1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, mhlo.sharding = "#"} : (tensor<2x32x4xf32>, tensor<3x4x8xf32>) -> tensor<2x32x8xf32>'.replace(
          '#',
          tiles([1, 8, 1]),
        ),
        tiles([1, 8, 1]),
      ],
    ],
    ['2x32x8xf32', tiles([1, 8, 1])],
  ],
];
const others = OTHERS.map(([name, args, ops, result]) => program(`op_${name}`, args, ops, result));

// --- chains ------------------------------------------------------------------------------------------------------------

const dot = (name: string, a: string, b: string, m: number, k: number, n: number): string =>
  `${name} = stablehlo.dot_general ${a}, ${b}, contracting_dims = [1] x [0] {S} : (tensor<${m}x${k}xf32>, tensor<${k}x${n}xf32>) -> tensor<${m}x${n}xf32>`;
const tanh = (name: string, a: string, type: string): string => `${name} = stablehlo.tanh ${a} {S} : tensor<${type}>`;

/** [name, weights 32x64 and 64x32, hidden, output], activations 16x32. */
const MLPS: readonly (readonly [string, string, string, string, string, string])[] = [
  ['tensor_parallel', R, tiles([1, 8]), tiles([8, 1]), tiles([1, 8]), R],
  ['sequence_parallel', tiles([8, 1]), tiles([1, 8]), tiles([8, 1]), tiles([1, 8]), tiles([8, 1])],
  ['fsdp', tiles([8, 1]), tiles([8, 1]), tiles([8, 1]), tiles([8, 1]), tiles([8, 1])],
  ['two_d', tiles([2, 4]), tiles([2, 4]), tiles([4, 2], '<=[2,4]T(1,0)'), tiles([2, 4]), tiles([2, 4])],
  [
    'data_and_tensor',
    tiles([2, 1]),
    tiles([1, 4], '<=[2,4]T(1,0)'),
    tiles([4, 1], '<=[2,4]T(1,0)'),
    tiles([2, 4]),
    tiles([2, 1]),
  ],
  [
    'orders_differ',
    tiles([2, 1], '<=[4,2]T(1,0)'),
    tiles([1, 4]),
    tiles([4, 1]),
    tiles([2, 4], '<=[4,2]T(1,0)'),
    tiles([8, 1]),
  ],
];
const mlps = MLPS.map(([name, x, w1, w2, hidden, out]) =>
  program(
    `mlp_${name}`,
    [
      ['16x32xf32', x],
      ['32x64xf32', w1],
      ['64x32xf32', w2],
    ],
    [
      [dot('%h', '%a0', '%a1', 16, 32, 64), hidden],
      [tanh('%t', '%h', '16x64xf32'), hidden],
      [dot('%0', '%t', '%a2', 16, 64, 32), out],
    ],
    ['16x32xf32', out],
  ),
);

/** Elementwise ops, each annotated with the next layout: the plan between two annotations, several times over. */
const TOURS: readonly (readonly [string, string, readonly string[]])[] = [
  ['around_the_dims', '16x16x16xf32', [tiles([8, 1, 1]), tiles([1, 8, 1]), tiles([1, 1, 8]), tiles([8, 1, 1])]],
  ['crossing', '16x16x16xf32', [tiles([2, 4, 1]), tiles([1, 2, 4]), tiles([4, 1, 2], '<=[2,4]T(1,0)')]],
  [
    'orders',
    '16x8xf32',
    [tiles([8, 1]), tiles([8, 1], '<=[2,4]T(1,0)'), tiles([8, 1], '<=[4,2]T(1,0)'), tiles([8, 1])],
  ],
  ['in_and_out', '16x16xf32', [tiles([8, 1]), R, tiles([4, 2]), tiles([2, 1]), tiles([2, 4])]],
  [
    'partial',
    '16x16xf32',
    [tiles([2, 1]), tiles([2, 1], '<=[2,2,2]T(1,0,2)'), tiles([2, 1], '<=[4,2]T(1,0)'), tiles([1, 2])],
  ],
  ['thirds', '12x12xf32', [tiles([6, 1], '', 6), tiles([2, 3], '', 6), tiles([3, 2], '', 6), tiles([1, 6], '', 6)]],
  [
    'sixteen',
    '16x16x16xf32',
    [tiles([4, 4, 1], '', 16), tiles([1, 4, 4], '', 16), tiles([16, 1, 1], '<=[4,4]T(1,0)', 16)],
  ],
];
const tours = TOURS.map(([name, type, [first = R, ...stops]]) =>
  program(
    `tour_${name}`,
    [[type, first]],
    stops.map((s, i) => [tanh(`%${i}`, i === 0 ? '%a0' : `%${i - 1}`, type), s] as const),
    [type, stops.at(-1) ?? R],
  ),
);

export const PROGRAMS: readonly AnnotatedProgram[] = [...changes, ...dots, ...batchDots, ...others, ...mlps, ...tours];
