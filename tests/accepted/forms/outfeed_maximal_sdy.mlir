// form: outfeed on one device, its mesh at the end of the file
// XLA: takes
// shardc: the same data in and out, in the simulator
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x16xf32>) {
    %t0 = stablehlo.create_token : !stablehlo.token
    %t1 = "stablehlo.outfeed"(%a, %t0) <{outfeed_config = ""}> {sdy.sharding = #sdy.sharding_per_value<[<@maximal_mesh_0, []>]>} : (tensor<8x16xf32>, !stablehlo.token) -> !stablehlo.token
    %r = stablehlo.negate %a : tensor<8x16xf32>
    return %r : tensor<8x16xf32>
  }
  sdy.mesh @maximal_mesh_0 = <[], device_ids=[0]>
}
