// form: chlo.mulhi of 64-bit integers (GSPMD)
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xui64> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}, %b: tensor<8x16xui64> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}) -> (tensor<8x16xui64>) {
    %r = chlo.mulhi %a, %b : tensor<8x16xui64>, tensor<8x16xui64> -> tensor<8x16xui64>
    return %r : tensor<8x16xui64>
  }

}
