// form: mhlo.xla.rng_get_and_update_state
// XLA: takes
// shardc: refuses: op xla.rng_get_and_update_state
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<2xui64>) {
    %r = "mhlo.xla.rng_get_and_update_state"() <{delta = 1 : i64}> : () -> tensor<2xui64>
    return %r : tensor<2xui64>
  }

}
