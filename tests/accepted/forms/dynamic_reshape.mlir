// form: dynamic_reshape to `tensor<?x?xf32>`, its shape constant
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<16x8xf32>) {
    %s = stablehlo.constant dense<[16, 8]> : tensor<2xi32>
    %q = stablehlo.dynamic_reshape %a, %s : (tensor<8x16xf32>, tensor<2xi32>) -> tensor<?x?xf32>
    %r = stablehlo.dynamic_reshape %q, %s : (tensor<?x?xf32>, tensor<2xi32>) -> tensor<16x8xf32>
    return %r : tensor<16x8xf32>
  }

}
