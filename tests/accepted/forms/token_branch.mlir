// form: a token through a branch
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<i32>) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %l:2 = "stablehlo.case"(%b) ({
    %v = stablehlo.negate %a : tensor<8x16xf32>
    %t = stablehlo.after_all %t0 : !stablehlo.token
    stablehlo.return %v, %t : tensor<8x16xf32>, !stablehlo.token
    }, {
    stablehlo.return %a, %t0 : tensor<8x16xf32>, !stablehlo.token
    }) : (tensor<i32>) -> (tensor<8x16xf32>, !stablehlo.token)
    return %l#0 : tensor<8x16xf32>
  }

}
