// form: real_dynamic_slice, bounds an argument
// XLA: refuses: 'stablehlo.real_dynamic_slice' op can't be translated to XLA HLO
// shardc: refuses: bounds of real_dynamic_slice that is not a constant
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<2xi32>) -> (tensor<3x16xf32>) {
    %b0 = stablehlo.constant dense<[2, 0]> : tensor<2xi32>
    %e0 = stablehlo.constant dense<[8, 16]> : tensor<2xi32>
    %s0 = stablehlo.constant dense<[2, 1]> : tensor<2xi32>
    %r = stablehlo.real_dynamic_slice %a, %b, %e0, %s0 : (tensor<8x16xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<3x16xf32>
    return %r : tensor<3x16xf32>
  }

}
