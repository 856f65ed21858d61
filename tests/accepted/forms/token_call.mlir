// form: a token through a call
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %l:2 = call @f(%t0, %a) : (!stablehlo.token, tensor<8x16xf32>) -> (!stablehlo.token, tensor<8x16xf32>)
    return %l#1 : tensor<8x16xf32>
  }
  func.func private @f(%t: !stablehlo.token, %x: tensor<8x16xf32>) -> (!stablehlo.token, tensor<8x16xf32>) {
    %v = stablehlo.negate %x : tensor<8x16xf32>
    return %t, %v : !stablehlo.token, tensor<8x16xf32>
  }
}
