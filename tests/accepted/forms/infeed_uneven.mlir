// form: infeed of a dim that does not divide: the same part where it does not (GSPMD)
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<6x16xf32> {mhlo.sharding = "{devices=[1,4,2]<=[2,4]T(1,0) last_tile_dim_replicate}"}) -> (tensor<6x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %l:2 = "stablehlo.infeed"(%t0) <{infeed_config = "", layout = [[1, 0]]}> {mhlo.sharding = "{{devices=[4,1,2]<=[2,4]T(1,0) last_tile_dim_replicate}, {replicated}}"} : (!stablehlo.token) -> (tensor<6x16xf32>, !stablehlo.token)
    %r = stablehlo.add %a, %l#0 : tensor<6x16xf32>
    return %r : tensor<6x16xf32>
  }

}
