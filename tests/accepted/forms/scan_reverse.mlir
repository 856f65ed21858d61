// form: chlo.scan backwards, in generic form
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>, tensor<16xf32>) {
    %z = stablehlo.constant dense<0.0> : tensor<16xf32>
    %r, %f = "chlo.scan"(%a, %z) <{dimension = 0 : i64, is_reverse = true, operandSegmentSizes = array<i32: 1, 1>, resultSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%x: tensor<16xf32>, %s: tensor<16xf32>):
    %h = stablehlo.multiply %x, %x : tensor<16xf32>
    %n = stablehlo.add %h, %s : tensor<16xf32>
    stablehlo.return %h, %n : tensor<16xf32>, tensor<16xf32>
    }) : (tensor<8x16xf32>, tensor<16xf32>) -> (tensor<8x16xf32>, tensor<16xf32>)
    return %r, %f : tensor<8x16xf32>, tensor<16xf32>
  }

}
