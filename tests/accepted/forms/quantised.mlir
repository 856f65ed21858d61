// form: uniform_quantize, uniform_dequantize, quantised types
// XLA: refuses: 'stablehlo.uniform_quantize' op can't be translated to XLA HLO
// shardc: refuses: uniform quantised types
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %q = stablehlo.uniform_quantize %a : (tensor<8x16xf32>) -> tensor<8x16x!quant.uniform<i8:f32, 2.000000e-01:-3>>
    %r = stablehlo.uniform_dequantize %q : (tensor<8x16x!quant.uniform<i8:f32, 2.000000e-01:-3>>) -> tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }

}
