// form: dot_general on f8E4M3FN
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf8E4M3FN> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y"}]>}, %b: tensor<16x8xf8E4M3FN> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}, {}]>}) -> (tensor<8x8xf8E4M3FN>) {
    %r = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf8E4M3FN>, tensor<16x8xf8E4M3FN>) -> tensor<8x8xf8E4M3FN>
    return %r : tensor<8x8xf8E4M3FN>
  }

}
