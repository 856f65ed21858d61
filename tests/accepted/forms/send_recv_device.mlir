// form: send and recv on one device each (GSPMD)
// XLA: partitions; its CPU backend has no `send`
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %t1 = "stablehlo.send"(%a, %t0) <{channel_handle = #stablehlo.channel_handle<handle = 5, type = 1>, is_host_transfer = false}> {mhlo.sharding = "{maximal device=0}"} : (tensor<8x16xf32>, !stablehlo.token) -> !stablehlo.token
    %l:2 = "stablehlo.recv"(%t1) <{channel_handle = #stablehlo.channel_handle<handle = 5, type = 1>, is_host_transfer = false}> {mhlo.sharding = "{{maximal device=3}, {maximal device=3}}"} : (!stablehlo.token) -> (tensor<8x16xf32>, !stablehlo.token)
    %r = stablehlo.add %a, %l#0 : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
