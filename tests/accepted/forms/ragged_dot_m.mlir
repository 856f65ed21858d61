// form: chlo.ragged_dot over rows, group sizes by batch
// XLA: partitions; its CPU backend has no `ragged-dot`
// shardc: takes
module @m {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<2x8x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}, {}]>}, %b: tensor<2x3x6x4xf32>, %c: tensor<2x3xi32>) -> tensor<2x8x4xf32> {
    %r = "chlo.ragged_dot"(%a, %b, %c) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [2], lhs_ragged_dimensions = [1], rhs_group_dimensions = [1]>}> : (tensor<2x8x6xf32>, tensor<2x3x6x4xf32>, tensor<2x3xi32>) -> tensor<2x8x4xf32>
    return %r : tensor<2x8x4xf32>
  }
}
