// form: a token through a loop
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %i = stablehlo.constant dense<0> : tensor<i32>
    %n = stablehlo.constant dense<3> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %l:3 = stablehlo.while(%k = %i, %v = %a, %t = %t0) : tensor<i32>, tensor<8x16xf32>, !stablehlo.token cond {
    %p = stablehlo.compare LT, %k, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
    } do {
    %k2 = stablehlo.add %k, %one : tensor<i32>
    %v2 = stablehlo.add %v, %v : tensor<8x16xf32>
    %t2 = stablehlo.after_all %t : !stablehlo.token
    stablehlo.return %k2, %v2, %t2 : tensor<i32>, tensor<8x16xf32>, !stablehlo.token
    }
    return %l#1 : tensor<8x16xf32>
  }

}
