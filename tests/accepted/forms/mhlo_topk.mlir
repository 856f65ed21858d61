// form: mhlo.topk
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x4xf32>, tensor<8x4xi32>) {
    %r:2 = "mhlo.topk"(%a) <{k = 4 : i64, largest = true}> : (tensor<8x16xf32>) -> (tensor<8x4xf32>, tensor<8x4xi32>)
    return %r#0, %r#1 : tensor<8x4xf32>, tensor<8x4xi32>
  }

}
