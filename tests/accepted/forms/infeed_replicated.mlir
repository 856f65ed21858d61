// form: infeed, replicated (GSPMD)
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %l:2 = "stablehlo.infeed"(%t0) <{infeed_config = "", layout = [[1, 0]]}> {mhlo.sharding = "{{replicated}, {replicated}}"} : (!stablehlo.token) -> (tensor<8x16xf32>, !stablehlo.token)
    %r = stablehlo.add %a, %l#0 : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
