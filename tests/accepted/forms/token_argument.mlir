// form: a token as argument
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: !stablehlo.token, %b: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t1 = stablehlo.after_all %a : !stablehlo.token
    %r = stablehlo.negate %b : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
