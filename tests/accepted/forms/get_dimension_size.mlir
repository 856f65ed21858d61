// form: a shape made of get_dimension_size
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %s0 = stablehlo.get_dimension_size %a, dim = 0 : (tensor<8x16xf32>) -> tensor<i32>
    %s1 = stablehlo.get_dimension_size %a, dim = 1 : (tensor<8x16xf32>) -> tensor<i32>
    %v0 = stablehlo.reshape %s0 : (tensor<i32>) -> tensor<1xi32>
    %v1 = stablehlo.reshape %s1 : (tensor<i32>) -> tensor<1xi32>
    %s = stablehlo.concatenate %v0, %v1, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
    %z = stablehlo.constant dense<1.0> : tensor<f32>
    %o = stablehlo.dynamic_broadcast_in_dim %z, %s, dims = [] : (tensor<f32>, tensor<2xi32>) -> tensor<?x?xf32>
    %q = stablehlo.dynamic_reshape %o, %s : (tensor<?x?xf32>, tensor<2xi32>) -> tensor<8x16xf32>
    %r = stablehlo.add %a, %q : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
