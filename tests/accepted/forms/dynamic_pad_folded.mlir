// form: dynamic_pad, padding computed from dims and constants
// XLA: takes
// shardc: the same numbers
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<10x16xf32>) {
    %s0 = stablehlo.get_dimension_size %a, dim = 0 : (tensor<8x16xf32>) -> tensor<i32>
    %eight = stablehlo.constant dense<7> : tensor<i32>
    %d = stablehlo.subtract %s0, %eight : tensor<i32>
    %v0 = stablehlo.reshape %d : (tensor<i32>) -> tensor<1xi32>
    %v1 = stablehlo.constant dense<0> : tensor<1xi32>
    %s = stablehlo.concatenate %v0, %v1, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
    %in = stablehlo.constant dense<0> : tensor<2xi32>
    %z = stablehlo.constant dense<1.0> : tensor<f32>
    %r = stablehlo.dynamic_pad %a, %z, %s, %s, %in : (tensor<8x16xf32>, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<10x16xf32>
    return %r : tensor<10x16xf32>
  }

}
