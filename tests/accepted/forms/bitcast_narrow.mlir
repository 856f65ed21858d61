// form: bitcast_convert of i8 to i4
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xi8> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16x2xi4>) {
    %r = stablehlo.bitcast_convert %a : (tensor<8x16xi8>) -> tensor<8x16x2xi4>
    return %r : tensor<8x16x2xi4>
  }

}
