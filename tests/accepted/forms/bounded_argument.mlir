// form: an argument with a bound on its size, read
// XLA: refuses: Shardy propagation only supports ranked tensors with a static shape
// shardc: refuses: dims of unknown size
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<?x16xf32, #stablehlo.bounds<8, ?>>) -> (tensor<?x16xf32, #stablehlo.bounds<8, ?>>) {
    %r = stablehlo.negate %a : tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    return %r : tensor<?x16xf32, #stablehlo.bounds<8, ?>>
  }

}
