// form: chlo.ragged_dot over a contracted dim, group sizes by batch
// XLA: partitions; its CPU backend has no `ragged-dot`
// shardc: takes
module @m {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<2x5x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}, {}]>}, %b: tensor<2x8x4xf32>, %c: tensor<2x3xi32>) -> tensor<3x2x5x4xf32> {
    %r = "chlo.ragged_dot"(%a, %b, %c) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [2], rhs_group_dimensions = []>}> : (tensor<2x5x8xf32>, tensor<2x8x4xf32>, tensor<2x3xi32>) -> tensor<3x2x5x4xf32>
    return %r : tensor<3x2x5x4xf32>
  }
}
