// form: a maximum over complex numbers
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xcomplex<f32>> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<16xcomplex<f32>>) {
    %z = stablehlo.constant dense<(-100.0,0.0)> : tensor<complex<f32>>
    %r = stablehlo.reduce(%a init: %z) applies stablehlo.maximum across dimensions = [0] : (tensor<8x16xcomplex<f32>>, tensor<complex<f32>>) -> tensor<16xcomplex<f32>>
    return %r : tensor<16xcomplex<f32>>
  }

}
