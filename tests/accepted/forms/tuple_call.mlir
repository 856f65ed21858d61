// form: a tuple to a function and back
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<i32>) -> (tensor<8x16xf32>) {
    %t = stablehlo.tuple %a, %b : tuple<tensor<8x16xf32>, tensor<i32>>
    %u = call @f(%t) : (tuple<tensor<8x16xf32>, tensor<i32>>) -> tuple<tensor<8x16xf32>, tensor<i32>>
    %r = stablehlo.get_tuple_element %u[0] : (tuple<tensor<8x16xf32>, tensor<i32>>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }
  func.func private @f(%t: tuple<tensor<8x16xf32>, tensor<i32>>) -> tuple<tensor<8x16xf32>, tensor<i32>> {
    return %t : tuple<tensor<8x16xf32>, tensor<i32>>
  }
}
