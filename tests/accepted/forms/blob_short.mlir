// form: a constant with too few bytes
// XLA: refuses: elements hex data size is invalid
// shardc: refuses: a constant of 16 hex digits is no f32[4,4]
module @m {
  func.func @main(%arg0: tensor<4x4xf32> {mhlo.sharding = "{devices=[2,4]0,1,2,3,4,5,6,7}"}) -> tensor<4x4xf32> {
    %c = stablehlo.constant dense<"0x0000803F00000040"> : tensor<4x4xf32>
    %0 = stablehlo.add %c, %arg0 : tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
}
