// form: dynamic_conv
// XLA: refuses: 'stablehlo.dynamic_conv' op can't be translated to XLA HLO
// shardc: refuses: op dynamic_conv
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<4x8x8x4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}, {}, {}]>}, %b: tensor<3x3x4x8xf32>) -> (tensor<4x8x8x8xf32>) {
    %pad = stablehlo.constant dense<[[1, 1], [1, 1]]> : tensor<2x2xi32>
    %r = "stablehlo.dynamic_conv"(%a, %b, %pad) <{window_strides = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<4x8x8x4xf32>, tensor<3x3x4x8xf32>, tensor<2x2xi32>) -> tensor<4x8x8x8xf32>
    return %r : tensor<4x8x8x8xf32>
  }

}
