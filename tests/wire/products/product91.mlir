module @product attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=2, "z"=2]>
  func.func public @main(%arg0: tensor<8x8x16x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"z"}, {}, {"x"}, {}]>}, %arg1: tensor<8x1x1x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}, {}, {}]>}) -> (tensor<8x8x16x16xf32>) {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[i, 0, 1, o]->[b, 0, 1, f], window = {pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<8x8x16x8xf32>, tensor<8x1x1x16xf32>) -> tensor<8x8x16x16xf32>
    return %0 : tensor<8x8x16x16xf32>
  }
}
