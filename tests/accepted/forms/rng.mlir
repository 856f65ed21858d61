// form: rng
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %l = stablehlo.constant dense<0.0> : tensor<f32>
    %h = stablehlo.constant dense<1.0> : tensor<f32>
    %s = stablehlo.constant dense<[8, 16]> : tensor<2xi64>
    %q = "stablehlo.rng"(%l, %h, %s) <{rng_distribution = #stablehlo<rng_distribution NORMAL>}> : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<8x16xf32>
    %r = stablehlo.add %a, %q : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
