// form: a reduction over a dim with a bound on its size (GSPMD)
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}, %b: tensor<i32>) -> (tensor<16xf32>) {
    %d = stablehlo.set_dimension_size %a, %b, dim = 0 : (tensor<8x16xf32>, tensor<i32>) -> tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    %e = stablehlo.multiply %d, %d : tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %r = stablehlo.reduce(%e init: %z) applies stablehlo.add across dimensions = [0] : (tensor<?x16xf32, #stablehlo.bounds<8, ?>>, tensor<f32>) -> tensor<16xf32>
    return %r : tensor<16xf32>
  }

}
