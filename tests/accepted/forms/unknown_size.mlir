// form: an argument of unknown size
// XLA: refuses: Unbounded dynamism is disabled
// shardc: refuses: dims of unknown size
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<?x16xf32>) -> () {
    return
  }

}
