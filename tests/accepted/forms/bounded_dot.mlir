// form: dot_general on a dim with a bound on its size (GSPMD)
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}, %b: tensor<16x8xf32>, %c: tensor<i32>) -> (tensor<i32>) {
    %d = stablehlo.set_dimension_size %a, %c, dim = 0 : (tensor<8x16xf32>, tensor<i32>) -> tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    %e = stablehlo.dot_general %d, %b, contracting_dims = [1] x [0] : (tensor<?x16xf32, #stablehlo.bounds<8, ?>>, tensor<16x8xf32>) -> tensor<?x8xf32, #stablehlo.bounds<8, ?>>
    %r = stablehlo.get_dimension_size %e, dim = 0 : (tensor<?x8xf32, #stablehlo.bounds<8, ?>>) -> tensor<i32>
    return %r : tensor<i32>
  }

}
