// form: dynamic_pad, padding an argument
// XLA: refuses: 'stablehlo.dynamic_pad' op can't be translated to XLA HLO
// shardc: refuses: padding of dynamic_pad that is not a constant
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<2xi32>) -> (tensor<10x16xf32>) {
    %lo = stablehlo.constant dense<[1, 0]> : tensor<2xi32>
    %hi = stablehlo.constant dense<[1, 0]> : tensor<2xi32>
    %in = stablehlo.constant dense<[0, 0]> : tensor<2xi32>
    %z = stablehlo.constant dense<1.0> : tensor<f32>
    %r = stablehlo.dynamic_pad %a, %z, %b, %hi, %in : (tensor<8x16xf32>, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<10x16xf32>
    return %r : tensor<10x16xf32>
  }

}
