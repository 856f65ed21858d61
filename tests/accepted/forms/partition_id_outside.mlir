// form: partition_id outside of a manual computation
// XLA: refuses: PartitionId instruction is not supported for SPMD partitioning
// shardc: refuses: axis_index over x, which is not manual here
module @m attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<ui32>) {
    %r = stablehlo.partition_id : tensor<ui32>
    return %r : tensor<ui32>
  }

}
