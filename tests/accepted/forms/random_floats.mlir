// form: rng_bit_generator of floats
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<3xui64>) -> (tensor<3xui64>, tensor<8x16xf32>) {
    %s, %q = stablehlo.rng_bit_generator %a, algorithm = PHILOX : (tensor<3xui64>) -> (tensor<3xui64>, tensor<8x16xf32>)
    return %s, %q : tensor<3xui64>, tensor<8x16xf32>
  }

}
