// form: a tuple as argument: read as its values
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tuple<tensor<8x16xf32>, tensor<i32>>) -> (tensor<8x16xf32>) {
    %r = stablehlo.get_tuple_element %a[0] : (tuple<tensor<8x16xf32>, tensor<i32>>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
