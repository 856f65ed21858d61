// form: dynamic_broadcast_in_dim to `tensor<?x?xf32>`, its shape constant
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}]>}) -> (tensor<8x16xf32>) {
    %s = stablehlo.constant dense<[8, 16]> : tensor<2xi32>
    %q = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [1] : (tensor<16xf32>, tensor<2xi32>) -> tensor<?x?xf32>
    %n = stablehlo.negate %q : tensor<?x?xf32>
    %r = stablehlo.dynamic_reshape %n, %s : (tensor<?x?xf32>, tensor<2xi32>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
