// form: an argument with a bound on its size that nothing reads
// XLA: takes
// shardc: refuses: dims of unknown size
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<?x16xf32, #stablehlo.bounds<8, ?>>) -> () {
    return
  }

}
