// form: an infeed of two tensors (GSPMD)
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %f:3 = "stablehlo.infeed"(%t0) <{infeed_config = "", layout = [[1, 0], [0]]}> {mhlo.sharding = "{{devices=[2,1,4]<=[8] last_tile_dim_replicate}, {replicated}, {replicated}}"} : (!stablehlo.token) -> (tensor<8x16xf32>, tensor<16xi32>, !stablehlo.token)
    %c = stablehlo.convert %f#1 : (tensor<16xi32>) -> tensor<16xf32>
    %b = stablehlo.broadcast_in_dim %c, dims = [1] : (tensor<16xf32>) -> tensor<8x16xf32>
    %s = stablehlo.multiply %f#0, %b : tensor<8x16xf32>
    %r = stablehlo.add %a, %s : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
