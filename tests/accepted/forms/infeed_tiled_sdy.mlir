// form: infeed, laid out by Shardy
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %l:2 = "stablehlo.infeed"(%t0) <{infeed_config = "", layout = [[1, 0]]}> {sdy.sharding = #sdy.sharding_per_value<[<@mesh, [{"x"}, {}]>, <@mesh, []>]>} : (!stablehlo.token) -> (tensor<8x16xf32>, !stablehlo.token)
    %r = stablehlo.add %a, %l#0 : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
