// form: nested tuples
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<i32>) -> (tensor<i32>, tensor<8x16xf32>) {
    %t = stablehlo.tuple %a, %b : tuple<tensor<8x16xf32>, tensor<i32>>
    %u = stablehlo.tuple %t, %a : tuple<tuple<tensor<8x16xf32>, tensor<i32>>, tensor<8x16xf32>>
    %w = stablehlo.get_tuple_element %u[1] : (tuple<tuple<tensor<8x16xf32>, tensor<i32>>, tensor<8x16xf32>>) -> tensor<8x16xf32>
    %v = stablehlo.get_tuple_element %u[0] : (tuple<tuple<tensor<8x16xf32>, tensor<i32>>, tensor<8x16xf32>>) -> tuple<tensor<8x16xf32>, tensor<i32>>
    %r = stablehlo.get_tuple_element %v[1] : (tuple<tensor<8x16xf32>, tensor<i32>>) -> tensor<i32>
    %n = stablehlo.negate %w : tensor<8x16xf32>
    return %r, %n : tensor<i32>, tensor<8x16xf32>
  }

}
