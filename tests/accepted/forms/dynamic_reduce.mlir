// form: elementwise ops and reductions on `tensor<?x16xf32>` whose size is known
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}]>}) -> (tensor<8x16xf32>) {
    %s = stablehlo.constant dense<[8, 16]> : tensor<2xi32>
    %q = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [1] : (tensor<16xf32>, tensor<2xi32>) -> tensor<?x16xf32>
    %n = stablehlo.negate %q : tensor<?x16xf32>
    %m = stablehlo.add %n, %q : tensor<?x16xf32>
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %d = stablehlo.reduce(%m init: %z) applies stablehlo.add across dimensions = [0] : (tensor<?x16xf32>, tensor<f32>) -> tensor<16xf32>
    %r = stablehlo.broadcast_in_dim %d, dims = [1] : (tensor<16xf32>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
