// form: a result whose size only the run knows (GSPMD)
// XLA: takes
// shardc: refuses: a result on a dim whose size is only known at run time
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}, %b: tensor<i32>) -> (tensor<8x16xf32>) {
    %r = stablehlo.set_dimension_size %a, %b, dim = 0 : (tensor<8x16xf32>, tensor<i32>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
