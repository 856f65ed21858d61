// form: a named type, as MLIR gives long tuples
// XLA: takes
// shardc: the same numbers
!tuple = tuple<tensor<8x4xf32>, tensor<8x4xf32>>
module @m {
  func.func @main(%arg0: tensor<8x4xf32> {mhlo.sharding = "{devices=[2,4]0,1,2,3,4,5,6,7}"}) -> tensor<8x4xf32> {
    %0 = call @f(%arg0) : (tensor<8x4xf32>) -> !tuple
    %1 = stablehlo.get_tuple_element %0[1] : (!tuple) -> tensor<8x4xf32>
    return %1 : tensor<8x4xf32>
  }
  func.func private @f(%arg0: tensor<8x4xf32>) -> !tuple {
    %0 = stablehlo.tanh %arg0 : tensor<8x4xf32>
    %1 = stablehlo.tuple %0, %arg0 : !tuple
    return %1 : !tuple
  }
}
