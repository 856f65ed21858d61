// form: outfeed, its token placed too (GSPMD)
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %t1 = "stablehlo.outfeed"(%a, %t0) <{outfeed_config = ""}> {mhlo.sharding = "{{devices=[8,1]<=[8]}, {maximal device=0}}"} : (tensor<8x16xf32>, !stablehlo.token) -> !stablehlo.token
    %r = stablehlo.negate %a : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
