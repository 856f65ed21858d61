// form: a program without results
// XLA: takes
// shardc: takes
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %b: tensor<i32>) -> () {
    %d = stablehlo.set_dimension_size %a, %b, dim = 0 : (tensor<8x16xf32>, tensor<i32>) -> tensor<?x16xf32, #stablehlo.bounds<8, ?>>
    return
  }

}
