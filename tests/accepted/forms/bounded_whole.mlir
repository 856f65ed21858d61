// form: set_dimension_size back to the bound (GSPMD)
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}, %b: tensor<i32>) -> (tensor<8x16xf32>) {
    %d = stablehlo.set_dimension_size %a, %b, dim = 0 : (tensor<8x16xf32>, tensor<i32>) -> tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    %e = stablehlo.negate %d : tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    %k = stablehlo.constant dense<8> : tensor<i32>
    %r = stablehlo.set_dimension_size %e, %k, dim = 0 : (tensor<?x16xf32, #stablehlo.bounds<8, ?>>, tensor<i32>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
