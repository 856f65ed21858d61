// form: dynamic_gather, sizes constant
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<4x1xi32>) -> (tensor<4x16xf32>) {
    %ss = stablehlo.constant dense<[1, 16]> : tensor<2xi32>
    %r = "stablehlo.dynamic_gather"(%a, %b, %ss) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false}> : (tensor<8x16xf32>, tensor<4x1xi32>, tensor<2xi32>) -> tensor<4x16xf32>
    return %r : tensor<4x16xf32>
  }

}
