// form: tokens: create_token, after_all
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %t1 = stablehlo.after_all %t0, %t0 : !stablehlo.token
    %r = stablehlo.negate %a : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
