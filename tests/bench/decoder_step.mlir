module @jit_step attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]> {stablehlo.mesh = {axes = [{name = "x", size = 2 : i64}, {name = "y", size = 4 : i64}]}}
  func.func public @main(%arg0: tensor<2048x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}, {"x"}]>}, %arg1: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg2: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg3: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg4: tensor<2x64x8x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {}, {"x"}]>}, %arg5: tensor<2x512x1024xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}]>}, %arg6: tensor<2x1024x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {"x"}]>}, %arg7: tensor<32x16xi32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %arg8: tensor<32x16xi32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<f32> {jax.result_info = "result[0]"}, tensor<2048x512xf32> {jax.result_info = "result[1][0]"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1][1][0]"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1][1][1]"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1][1][2]"}, tensor<2x64x8x512xf32> {jax.result_info = "result[1][1][3]"}, tensor<2x512x1024xf32> {jax.result_info = "result[1][1][4]"}, tensor<2x1024x512xf32> {jax.result_info = "result[1][1][5]"}) {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<i32>) -> tensor<32x16xi32>
    %1 = stablehlo.compare LT, %arg7, %0, SIGNED : (tensor<32x16xi32>, tensor<32x16xi32>) -> tensor<32x16xi1>
    %c_0 = stablehlo.constant dense<2048> : tensor<i32>
    %2 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<32x16xi32>
    %3 = stablehlo.add %arg7, %2 : tensor<32x16xi32>
    %4 = stablehlo.select %1, %3, %arg7 : tensor<32x16xi1>, tensor<32x16xi32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0, 1] : (tensor<32x16xi32>) -> tensor<32x16x1xi32>
    %6 = "stablehlo.gather"(%arg0, %5) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 512>}> : (tensor<2048x512xf32>, tensor<32x16x1xi32>) -> tensor<32x16x512xf32>
    %7 = sdy.sharding_constraint %6 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %8 = stablehlo.iota dim = 0 : tensor<16xi32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<16xi32>) -> tensor<16x1xi32>
    %10 = stablehlo.iota dim = 0 : tensor<16xi32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [1] : (tensor<16xi32>) -> tensor<1x16xi32>
    %12 = stablehlo.broadcast_in_dim %9, dims = [0, 1] : (tensor<16x1xi32>) -> tensor<16x16xi32>
    %13 = stablehlo.broadcast_in_dim %11, dims = [0, 1] : (tensor<1x16xi32>) -> tensor<16x16xi32>
    %14 = stablehlo.compare GE, %12, %13, SIGNED : (tensor<16x16xi32>, tensor<16x16xi32>) -> tensor<16x16xi1>
    %cst = stablehlo.constant dense<-1.000000e+09> : tensor<f32>
    %15:2 = call @_where(%14, %cst) : (tensor<16x16xi1>, tensor<f32>) -> (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>)
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %17 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %19 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %cst_6, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x8xf32>
    %cst_7 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %21 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x8xf32>
    %cst_8 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %cst_8, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x16xf32>
    %cst_9 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %23 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x1xf32>
    %cst_10 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %24 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x1xf32>
    %cst_11 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %25 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x8xf32>
    %cst_12 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %26 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x16xf32>
    %cst_13 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %27 = stablehlo.broadcast_in_dim %cst_13, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x8xf32>
    %cst_14 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %28 = stablehlo.broadcast_in_dim %cst_14, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_15 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %29 = stablehlo.broadcast_in_dim %cst_15, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_16 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %30 = stablehlo.broadcast_in_dim %cst_16, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_17 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %31 = stablehlo.broadcast_in_dim %cst_17, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_18 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %32 = stablehlo.broadcast_in_dim %cst_18, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_19 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %33 = stablehlo.broadcast_in_dim %cst_19, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_20 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %34 = stablehlo.broadcast_in_dim %cst_20, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %c_21 = stablehlo.constant dense<0> : tensor<i32>
    %35:30 = stablehlo.while(%iterArg = %arg1, %iterArg_49 = %arg2, %iterArg_50 = %arg3, %iterArg_51 = %arg4, %iterArg_52 = %arg5, %iterArg_53 = %arg6, %iterArg_54 = %15#0, %iterArg_55 = %15#1, %iterArg_56 = %cst_1, %iterArg_57 = %c_21, %iterArg_58 = %7, %iterArg_59 = %16, %iterArg_60 = %17, %iterArg_61 = %18, %iterArg_62 = %19, %iterArg_63 = %20, %iterArg_64 = %21, %iterArg_65 = %22, %iterArg_66 = %23, %iterArg_67 = %24, %iterArg_68 = %25, %iterArg_69 = %26, %iterArg_70 = %27, %iterArg_71 = %28, %iterArg_72 = %29, %iterArg_73 = %30, %iterArg_74 = %31, %iterArg_75 = %32, %iterArg_76 = %33, %iterArg_77 = %34) : tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>
    cond {
      %c_78 = stablehlo.constant dense<2> : tensor<i32>
      %112 = stablehlo.compare LT, %iterArg_57, %c_78, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %112 : tensor<i1>
    } do {
      %112 = func.call @dynamic_index_in_dim(%iterArg, %iterArg_57) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %113 = func.call @dynamic_index_in_dim(%iterArg_49, %iterArg_57) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %114 = func.call @dynamic_index_in_dim(%iterArg_50, %iterArg_57) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %115 = func.call @dynamic_index_in_dim_0(%iterArg_51, %iterArg_57) : (tensor<2x64x8x512xf32>, tensor<i32>) -> tensor<64x8x512xf32>
      %116 = func.call @dynamic_index_in_dim_1(%iterArg_52, %iterArg_57) : (tensor<2x512x1024xf32>, tensor<i32>) -> tensor<512x1024xf32>
      %117 = func.call @dynamic_index_in_dim_2(%iterArg_53, %iterArg_57) : (tensor<2x1024x512xf32>, tensor<i32>) -> tensor<1024x512xf32>
      %118:20 = func.call @closed_call(%iterArg_54, %iterArg_55, %iterArg_56, %iterArg_58, %112, %113, %114, %115, %116, %117) : (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>) -> (tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>)
      %119 = func.call @dynamic_update_index_in_dim(%iterArg_59, %118#1, %iterArg_57) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %120 = func.call @dynamic_update_index_in_dim_4(%iterArg_60, %118#2, %iterArg_57) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %121 = func.call @dynamic_update_index_in_dim_4(%iterArg_61, %118#3, %iterArg_57) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %122 = func.call @dynamic_update_index_in_dim(%iterArg_62, %118#4, %iterArg_57) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %123 = func.call @dynamic_update_index_in_dim_5(%iterArg_63, %118#5, %iterArg_57) : (tensor<2x32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<i32>) -> tensor<2x32x64x16x8xf32>
      %124 = func.call @dynamic_update_index_in_dim_5(%iterArg_64, %118#6, %iterArg_57) : (tensor<2x32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<i32>) -> tensor<2x32x64x16x8xf32>
      %125 = func.call @dynamic_update_index_in_dim_6(%iterArg_65, %118#7, %iterArg_57) : (tensor<2x32x64x16x16xf32>, tensor<32x64x16x16xf32>, tensor<i32>) -> tensor<2x32x64x16x16xf32>
      %126 = func.call @dynamic_update_index_in_dim_7(%iterArg_66, %118#8, %iterArg_57) : (tensor<2x32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<i32>) -> tensor<2x32x64x16x1xf32>
      %127 = func.call @dynamic_update_index_in_dim_7(%iterArg_67, %118#9, %iterArg_57) : (tensor<2x32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<i32>) -> tensor<2x32x64x16x1xf32>
      %128 = func.call @dynamic_update_index_in_dim_5(%iterArg_68, %118#10, %iterArg_57) : (tensor<2x32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<i32>) -> tensor<2x32x64x16x8xf32>
      %129 = func.call @dynamic_update_index_in_dim_6(%iterArg_69, %118#11, %iterArg_57) : (tensor<2x32x64x16x16xf32>, tensor<32x64x16x16xf32>, tensor<i32>) -> tensor<2x32x64x16x16xf32>
      %130 = func.call @dynamic_update_index_in_dim_5(%iterArg_70, %118#12, %iterArg_57) : (tensor<2x32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<i32>) -> tensor<2x32x64x16x8xf32>
      %131 = func.call @dynamic_update_index_in_dim(%iterArg_71, %118#13, %iterArg_57) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %132 = func.call @dynamic_update_index_in_dim_8(%iterArg_72, %118#14, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %133 = func.call @dynamic_update_index_in_dim_8(%iterArg_73, %118#15, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %134 = func.call @dynamic_update_index_in_dim_8(%iterArg_74, %118#16, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %135 = func.call @dynamic_update_index_in_dim_8(%iterArg_75, %118#17, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %136 = func.call @dynamic_update_index_in_dim_8(%iterArg_76, %118#18, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %137 = func.call @dynamic_update_index_in_dim_8(%iterArg_77, %118#19, %iterArg_57) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %c_78 = stablehlo.constant dense<1> : tensor<i32>
      %138 = stablehlo.add %iterArg_57, %c_78 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_49, %iterArg_50, %iterArg_51, %iterArg_52, %iterArg_53, %iterArg_54, %iterArg_55, %iterArg_56, %138, %118#0, %119, %120, %121, %122, %123, %124, %125, %126, %127, %128, %129, %130, %131, %132, %133, %134, %135, %136, %137 : tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>
    }
    %36 = stablehlo.dot_general %35#10, %arg0, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<2048x512xf32>) -> tensor<32x16x2048xf32>
    %cst_22 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %37 = stablehlo.reduce(%36 init: %cst_22) applies stablehlo.maximum across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %cst_23 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %38 = stablehlo.broadcast_in_dim %cst_23, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %39 = stablehlo.maximum %38, %37 : tensor<32x16xf32>
    %40 = stablehlo.is_finite %39 : (tensor<32x16xf32>) -> tensor<32x16xi1>
    %cst_24 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %41 = stablehlo.broadcast_in_dim %cst_24, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %42 = stablehlo.select %40, %39, %41 : tensor<32x16xi1>, tensor<32x16xf32>
    %43 = stablehlo.broadcast_in_dim %42, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %44 = stablehlo.broadcast_in_dim %43, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x2048xf32>
    %45 = stablehlo.subtract %36, %44 : tensor<32x16x2048xf32>
    %46 = stablehlo.exponential %45 : tensor<32x16x2048xf32>
    %cst_25 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %47 = stablehlo.reduce(%46 init: %cst_25) applies stablehlo.add across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %48 = stablehlo.abs %47 : tensor<32x16xf32>
    %cst_26 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %49 = stablehlo.broadcast_in_dim %cst_26, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %50 = stablehlo.compare GE, %47, %49, FLOAT : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<32x16xi1>
    %51 = stablehlo.log %48 : tensor<32x16xf32>
    %52 = stablehlo.add %51, %42 : tensor<32x16xf32>
    %53 = stablehlo.iota dim = 0 : tensor<2048xi32>
    %54 = stablehlo.broadcast_in_dim %arg8, dims = [0, 1] : (tensor<32x16xi32>) -> tensor<32x16x1xi32>
    %55 = stablehlo.broadcast_in_dim %53, dims = [2] : (tensor<2048xi32>) -> tensor<1x1x2048xi32>
    %56 = stablehlo.broadcast_in_dim %55, dims = [0, 1, 2] : (tensor<1x1x2048xi32>) -> tensor<32x16x2048xi32>
    %57 = stablehlo.broadcast_in_dim %54, dims = [0, 1, 2] : (tensor<32x16x1xi32>) -> tensor<32x16x2048xi32>
    %58 = stablehlo.compare EQ, %56, %57, SIGNED : (tensor<32x16x2048xi32>, tensor<32x16x2048xi32>) -> tensor<32x16x2048xi1>
    %c_27 = stablehlo.constant dense<0> : tensor<i32>
    %59 = call @_where_9(%58, %36, %c_27) : (tensor<32x16x2048xi1>, tensor<32x16x2048xf32>, tensor<i32>) -> tensor<32x16x2048xf32>
    %cst_28 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %60 = stablehlo.reduce(%59 init: %cst_28) applies stablehlo.add across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %61 = stablehlo.subtract %52, %60 : tensor<32x16xf32>
    %cst_29 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %62 = stablehlo.reduce(%61 init: %cst_29) applies stablehlo.add across dimensions = [0, 1] : (tensor<32x16xf32>, tensor<f32>) -> tensor<f32>
    %cst_30 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %63 = stablehlo.divide %62, %cst_30 : tensor<f32>
    %cst_31 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %cst_32 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %64 = stablehlo.divide %cst_31, %cst_32 : tensor<f32>
    %65 = stablehlo.broadcast_in_dim %64, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %66 = stablehlo.negate %65 : tensor<32x16xf32>
    %67 = stablehlo.broadcast_in_dim %66, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x2048xf32>
    %68 = call @_where_10(%58, %67) : (tensor<32x16x2048xi1>, tensor<32x16x2048xf32>) -> tensor<32x16x2048xf32>
    %69 = stablehlo.divide %65, %48 : tensor<32x16xf32>
    %cst_33 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %70 = stablehlo.broadcast_in_dim %cst_33, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %71 = stablehlo.select %50, %70, %69 : tensor<32x16xi1>, tensor<32x16xf32>
    %72 = stablehlo.select %50, %69, %70 : tensor<32x16xi1>, tensor<32x16xf32>
    %73 = stablehlo.negate %71 : tensor<32x16xf32>
    %74 = stablehlo.add %72, %73 : tensor<32x16xf32>
    %75 = stablehlo.broadcast_in_dim %74, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x2048xf32>
    %76 = stablehlo.multiply %75, %46 : tensor<32x16x2048xf32>
    %77 = stablehlo.add %68, %76 : tensor<32x16x2048xf32>
    %78 = stablehlo.dot_general %77, %35#10, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x2048xf32>, tensor<32x16x512xf32>) -> tensor<2048x512xf32>
    %79 = stablehlo.dot_general %77, %arg0, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x2048xf32>, tensor<2048x512xf32>) -> tensor<32x16x512xf32>
    %cst_34 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %80 = stablehlo.broadcast_in_dim %cst_34, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %cst_35 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %81 = stablehlo.broadcast_in_dim %cst_35, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %cst_36 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %82 = stablehlo.broadcast_in_dim %cst_36, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %cst_37 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %83 = stablehlo.broadcast_in_dim %cst_37, dims = [] : (tensor<f32>) -> tensor<2x64x8x512xf32>
    %cst_38 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %84 = stablehlo.broadcast_in_dim %cst_38, dims = [] : (tensor<f32>) -> tensor<2x512x1024xf32>
    %cst_39 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %85 = stablehlo.broadcast_in_dim %cst_39, dims = [] : (tensor<f32>) -> tensor<2x1024x512xf32>
    %c_40 = stablehlo.constant dense<0> : tensor<i32>
    %86:34 = stablehlo.while(%iterArg = %35#11, %iterArg_49 = %35#12, %iterArg_50 = %35#13, %iterArg_51 = %35#14, %iterArg_52 = %arg1, %iterArg_53 = %arg2, %iterArg_54 = %arg3, %iterArg_55 = %35#15, %iterArg_56 = %35#16, %iterArg_57 = %35#17, %iterArg_58 = %35#18, %iterArg_59 = %35#19, %iterArg_60 = %35#20, %iterArg_61 = %35#21, %iterArg_62 = %arg4, %iterArg_63 = %35#22, %iterArg_64 = %arg5, %iterArg_65 = %35#23, %iterArg_66 = %35#24, %iterArg_67 = %35#25, %iterArg_68 = %35#26, %iterArg_69 = %35#27, %iterArg_70 = %35#28, %iterArg_71 = %arg6, %iterArg_72 = %35#29, %iterArg_73 = %15#0, %iterArg_74 = %c_40, %iterArg_75 = %79, %iterArg_76 = %80, %iterArg_77 = %81, %iterArg_78 = %82, %iterArg_79 = %83, %iterArg_80 = %84, %iterArg_81 = %85) : tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x64x8x512xf32>, tensor<2x32x64x16x8xf32>, tensor<2x512x1024xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x1024x512xf32>, tensor<2x32x16x1024xf32>, tensor<32x64x16x16xi1>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>
    cond {
      %c_82 = stablehlo.constant dense<2> : tensor<i32>
      %112 = stablehlo.compare LT, %iterArg_74, %c_82, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %112 : tensor<i1>
    } do {
      %c_82 = stablehlo.constant dense<2> : tensor<i32>
      %112 = stablehlo.subtract %c_82, %iterArg_74 : tensor<i32>
      %c_83 = stablehlo.constant dense<1> : tensor<i32>
      %113 = stablehlo.subtract %112, %c_83 : tensor<i32>
      %114 = func.call @dynamic_index_in_dim_11(%iterArg, %113) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %115 = func.call @dynamic_index_in_dim_12(%iterArg_49, %113) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %116 = func.call @dynamic_index_in_dim_12(%iterArg_50, %113) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %117 = func.call @dynamic_index_in_dim_11(%iterArg_51, %113) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %118 = func.call @dynamic_index_in_dim(%iterArg_52, %113) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %119 = func.call @dynamic_index_in_dim(%iterArg_53, %113) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %120 = func.call @dynamic_index_in_dim(%iterArg_54, %113) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %121 = func.call @dynamic_index_in_dim_13(%iterArg_55, %113) : (tensor<2x32x64x16x8xf32>, tensor<i32>) -> tensor<32x64x16x8xf32>
      %122 = func.call @dynamic_index_in_dim_13(%iterArg_56, %113) : (tensor<2x32x64x16x8xf32>, tensor<i32>) -> tensor<32x64x16x8xf32>
      %123 = func.call @dynamic_index_in_dim_14(%iterArg_57, %113) : (tensor<2x32x64x16x16xf32>, tensor<i32>) -> tensor<32x64x16x16xf32>
      %124 = func.call @dynamic_index_in_dim_15(%iterArg_58, %113) : (tensor<2x32x64x16x1xf32>, tensor<i32>) -> tensor<32x64x16x1xf32>
      %125 = func.call @dynamic_index_in_dim_15(%iterArg_59, %113) : (tensor<2x32x64x16x1xf32>, tensor<i32>) -> tensor<32x64x16x1xf32>
      %126 = func.call @dynamic_index_in_dim_13(%iterArg_60, %113) : (tensor<2x32x64x16x8xf32>, tensor<i32>) -> tensor<32x64x16x8xf32>
      %127 = func.call @dynamic_index_in_dim_14(%iterArg_61, %113) : (tensor<2x32x64x16x16xf32>, tensor<i32>) -> tensor<32x64x16x16xf32>
      %128 = func.call @dynamic_index_in_dim_0(%iterArg_62, %113) : (tensor<2x64x8x512xf32>, tensor<i32>) -> tensor<64x8x512xf32>
      %129 = func.call @dynamic_index_in_dim_13(%iterArg_63, %113) : (tensor<2x32x64x16x8xf32>, tensor<i32>) -> tensor<32x64x16x8xf32>
      %130 = func.call @dynamic_index_in_dim_1(%iterArg_64, %113) : (tensor<2x512x1024xf32>, tensor<i32>) -> tensor<512x1024xf32>
      %131 = func.call @dynamic_index_in_dim_11(%iterArg_65, %113) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %132 = func.call @dynamic_index_in_dim_16(%iterArg_66, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %133 = func.call @dynamic_index_in_dim_16(%iterArg_67, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %134 = func.call @dynamic_index_in_dim_16(%iterArg_68, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %135 = func.call @dynamic_index_in_dim_16(%iterArg_69, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %136 = func.call @dynamic_index_in_dim_16(%iterArg_70, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %137 = func.call @dynamic_index_in_dim_2(%iterArg_71, %113) : (tensor<2x1024x512xf32>, tensor<i32>) -> tensor<1024x512xf32>
      %138 = func.call @dynamic_index_in_dim_16(%iterArg_72, %113) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %139:7 = func.call @closed_call_17(%iterArg_73, %iterArg_75, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127, %128, %129, %130, %131, %132, %133, %134, %135, %136, %137, %138) : (tensor<32x64x16x16xi1>, tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<64x8x512xf32>, tensor<32x64x16x8xf32>, tensor<512x1024xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<1024x512xf32>, tensor<32x16x1024xf32>) -> (tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>)
      %140 = func.call @dynamic_update_index_in_dim_19(%iterArg_76, %139#1, %113) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %141 = func.call @dynamic_update_index_in_dim_19(%iterArg_77, %139#2, %113) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %142 = func.call @dynamic_update_index_in_dim_19(%iterArg_78, %139#3, %113) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %143 = func.call @dynamic_update_index_in_dim_20(%iterArg_79, %139#4, %113) : (tensor<2x64x8x512xf32>, tensor<64x8x512xf32>, tensor<i32>) -> tensor<2x64x8x512xf32>
      %144 = func.call @dynamic_update_index_in_dim_21(%iterArg_80, %139#5, %113) : (tensor<2x512x1024xf32>, tensor<512x1024xf32>, tensor<i32>) -> tensor<2x512x1024xf32>
      %145 = func.call @dynamic_update_index_in_dim_22(%iterArg_81, %139#6, %113) : (tensor<2x1024x512xf32>, tensor<1024x512xf32>, tensor<i32>) -> tensor<2x1024x512xf32>
      %c_84 = stablehlo.constant dense<1> : tensor<i32>
      %146 = stablehlo.add %iterArg_74, %c_84 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_49, %iterArg_50, %iterArg_51, %iterArg_52, %iterArg_53, %iterArg_54, %iterArg_55, %iterArg_56, %iterArg_57, %iterArg_58, %iterArg_59, %iterArg_60, %iterArg_61, %iterArg_62, %iterArg_63, %iterArg_64, %iterArg_65, %iterArg_66, %iterArg_67, %iterArg_68, %iterArg_69, %iterArg_70, %iterArg_71, %iterArg_72, %iterArg_73, %146, %139#0, %140, %141, %142, %143, %144, %145 : tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x64x8x512xf32>, tensor<2x32x64x16x8xf32>, tensor<2x512x1024xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x1024x512xf32>, tensor<2x32x16x1024xf32>, tensor<32x64x16x16xi1>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>
    }
    %87 = sdy.sharding_constraint %86#27 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %cst_41 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %88 = stablehlo.broadcast_in_dim %cst_41, dims = [] : (tensor<f32>) -> tensor<2048x512xf32>
    %89 = "stablehlo.scatter"(%88, %5, %87) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, unique_indices = false}> ({
    ^bb0(%arg9: tensor<f32>, %arg10: tensor<f32>):
      %112 = stablehlo.add %arg9, %arg10 : tensor<f32>
      stablehlo.return %112 : tensor<f32>
    }) : (tensor<2048x512xf32>, tensor<32x16x1xi32>, tensor<32x16x512xf32>) -> tensor<2048x512xf32>
    %90 = stablehlo.add %78, %89 : tensor<2048x512xf32>
    %cst_42 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %91 = stablehlo.broadcast_in_dim %cst_42, dims = [] : (tensor<f32>) -> tensor<2048x512xf32>
    %92 = stablehlo.multiply %91, %90 : tensor<2048x512xf32>
    %93 = stablehlo.subtract %arg0, %92 : tensor<2048x512xf32>
    %cst_43 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %94 = stablehlo.broadcast_in_dim %cst_43, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %95 = stablehlo.multiply %94, %86#28 : tensor<2x512x64x8xf32>
    %96 = stablehlo.subtract %arg1, %95 : tensor<2x512x64x8xf32>
    %cst_44 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %97 = stablehlo.broadcast_in_dim %cst_44, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %98 = stablehlo.multiply %97, %86#29 : tensor<2x512x64x8xf32>
    %99 = stablehlo.subtract %arg2, %98 : tensor<2x512x64x8xf32>
    %cst_45 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %100 = stablehlo.broadcast_in_dim %cst_45, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %101 = stablehlo.multiply %100, %86#30 : tensor<2x512x64x8xf32>
    %102 = stablehlo.subtract %arg3, %101 : tensor<2x512x64x8xf32>
    %cst_46 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %103 = stablehlo.broadcast_in_dim %cst_46, dims = [] : (tensor<f32>) -> tensor<2x64x8x512xf32>
    %104 = stablehlo.multiply %103, %86#31 : tensor<2x64x8x512xf32>
    %105 = stablehlo.subtract %arg4, %104 : tensor<2x64x8x512xf32>
    %cst_47 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %106 = stablehlo.broadcast_in_dim %cst_47, dims = [] : (tensor<f32>) -> tensor<2x512x1024xf32>
    %107 = stablehlo.multiply %106, %86#32 : tensor<2x512x1024xf32>
    %108 = stablehlo.subtract %arg5, %107 : tensor<2x512x1024xf32>
    %cst_48 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %109 = stablehlo.broadcast_in_dim %cst_48, dims = [] : (tensor<f32>) -> tensor<2x1024x512xf32>
    %110 = stablehlo.multiply %109, %86#33 : tensor<2x1024x512xf32>
    %111 = stablehlo.subtract %arg6, %110 : tensor<2x1024x512xf32>
    return %63, %93, %96, %99, %102, %105, %108, %111 : tensor<f32>, tensor<2048x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>
  }
  func.func private @_where(%arg0: tensor<16x16xi1>, %arg1: tensor<f32>) -> (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) {
    %0 = stablehlo.convert %arg1 : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %arg0, dims = [2, 3] : (tensor<16x16xi1>) -> tensor<32x64x16x16xi1>
    %2 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    return %1, %2 : tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_index_in_dim(%arg0: tensor<2x512x64x8xf32>, %arg1: tensor<i32>) -> tensor<512x64x8xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 512, 64, 8] : (tensor<2x512x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x512x64x8xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x512x64x8xf32>) -> tensor<512x64x8xf32>
    return %1 : tensor<512x64x8xf32>
  }
  func.func private @dynamic_index_in_dim_0(%arg0: tensor<2x64x8x512xf32>, %arg1: tensor<i32>) -> tensor<64x8x512xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 64, 8, 512] : (tensor<2x64x8x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x64x8x512xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x64x8x512xf32>) -> tensor<64x8x512xf32>
    return %1 : tensor<64x8x512xf32>
  }
  func.func private @dynamic_index_in_dim_1(%arg0: tensor<2x512x1024xf32>, %arg1: tensor<i32>) -> tensor<512x1024xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, sizes = [1, 512, 1024] : (tensor<2x512x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x512x1024xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x512x1024xf32>) -> tensor<512x1024xf32>
    return %1 : tensor<512x1024xf32>
  }
  func.func private @dynamic_index_in_dim_2(%arg0: tensor<2x1024x512xf32>, %arg1: tensor<i32>) -> tensor<1024x512xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, sizes = [1, 1024, 512] : (tensor<2x1024x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1024x512xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x1024x512xf32>) -> tensor<1024x512xf32>
    return %1 : tensor<1024x512xf32>
  }
  func.func private @closed_call(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x64x16x16xf32>, %arg2: tensor<f32>, %arg3: tensor<32x16x512xf32>, %arg4: tensor<512x64x8xf32>, %arg5: tensor<512x64x8xf32>, %arg6: tensor<512x64x8xf32>, %arg7: tensor<64x8x512xf32>, %arg8: tensor<512x1024xf32>, %arg9: tensor<1024x512xf32>) -> (tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>) {
    %0 = stablehlo.multiply %arg3, %arg3 : tensor<32x16x512xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %cst_0 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %3 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %4 = stablehlo.divide %2, %3 : tensor<32x16x1xf32>
    %cst_1 = stablehlo.constant dense<9.99999997E-7> : tensor<f32>
    %5 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %6 = stablehlo.add %4, %5 : tensor<32x16x1xf32>
    %7 = stablehlo.rsqrt %6 : tensor<32x16x1xf32>
    %8 = stablehlo.divide %7, %6 : tensor<32x16x1xf32>
    %cst_2 = stablehlo.constant dense<-5.000000e-01> : tensor<f32>
    %9 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %10 = stablehlo.multiply %9, %8 : tensor<32x16x1xf32>
    %11 = stablehlo.broadcast_in_dim %7, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %12 = stablehlo.multiply %arg3, %11 : tensor<32x16x512xf32>
    %13 = stablehlo.dot_general %arg4, %12, contracting_dims = [0] x [2], precision = [DEFAULT, DEFAULT] : (tensor<512x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x32x16xf32>
    %14 = stablehlo.transpose %13, dims = [2, 0, 3, 1] : (tensor<64x8x32x16xf32>) -> tensor<32x64x16x8xf32>
    %15 = stablehlo.dot_general %arg5, %12, contracting_dims = [0] x [2], precision = [DEFAULT, DEFAULT] : (tensor<512x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x32x16xf32>
    %16 = stablehlo.transpose %15, dims = [2, 0, 3, 1] : (tensor<64x8x32x16xf32>) -> tensor<32x64x16x8xf32>
    %17 = stablehlo.dot_general %arg6, %12, contracting_dims = [0] x [2], precision = [DEFAULT, DEFAULT] : (tensor<512x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x32x16xf32>
    %18 = stablehlo.transpose %17, dims = [2, 0, 3, 1] : (tensor<64x8x32x16xf32>) -> tensor<32x64x16x8xf32>
    %19 = stablehlo.dot_general %14, %16, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>) -> tensor<32x64x16x16xf32>
    %cst_3 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %21 = stablehlo.divide %19, %20 : tensor<32x64x16x16xf32>
    %22 = call @_where_3(%21, %arg0, %arg1) : (tensor<32x64x16x16xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32>
    %cst_4 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %23 = stablehlo.reduce(%22 init: %cst_4) applies stablehlo.maximum across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %cst_5 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %24 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<32x64x16xf32>
    %25 = stablehlo.maximum %24, %23 : tensor<32x64x16xf32>
    %26 = stablehlo.broadcast_in_dim %25, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %27 = stablehlo.broadcast_in_dim %26, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %28 = stablehlo.subtract %22, %27 : tensor<32x64x16x16xf32>
    %29 = stablehlo.exponential %28 : tensor<32x64x16x16xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %30 = stablehlo.reduce(%29 init: %cst_6) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %31 = stablehlo.broadcast_in_dim %30, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %32 = stablehlo.broadcast_in_dim %31, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %33 = stablehlo.divide %29, %32 : tensor<32x64x16x16xf32>
    %34 = stablehlo.multiply %31, %31 : tensor<32x64x16x1xf32>
    %cst_7 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %35 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<32x64x16x1xf32>
    %36 = stablehlo.divide %35, %34 : tensor<32x64x16x1xf32>
    %37 = stablehlo.dot_general %33, %18, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>) -> tensor<32x64x16x8xf32>
    %38 = stablehlo.dot_general %37, %arg7, contracting_dims = [3, 1] x [1, 0], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x8xf32>, tensor<64x8x512xf32>) -> tensor<32x16x512xf32>
    %39 = stablehlo.add %arg3, %38 : tensor<32x16x512xf32>
    %40 = sdy.sharding_constraint %39 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %41 = stablehlo.dot_general %40, %arg8, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<512x1024xf32>) -> tensor<32x16x1024xf32>
    %42 = stablehlo.multiply %41, %41 : tensor<32x16x1024xf32>
    %43 = stablehlo.multiply %42, %41 : tensor<32x16x1024xf32>
    %44 = stablehlo.multiply %41, %41 : tensor<32x16x1024xf32>
    %cst_8 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %45 = stablehlo.broadcast_in_dim %cst_8, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %46 = stablehlo.multiply %45, %44 : tensor<32x16x1024xf32>
    %cst_9 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
    %47 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %48 = stablehlo.multiply %47, %43 : tensor<32x16x1024xf32>
    %49 = stablehlo.add %41, %48 : tensor<32x16x1024xf32>
    %cst_10 = stablehlo.constant dense<0.797884583> : tensor<f32>
    %50 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %51 = stablehlo.multiply %50, %49 : tensor<32x16x1024xf32>
    %52 = stablehlo.tanh %51 : tensor<32x16x1024xf32>
    %53 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %54 = stablehlo.subtract %53, %52 : tensor<32x16x1024xf32>
    %cst_11 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %55 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %56 = stablehlo.add %55, %52 : tensor<32x16x1024xf32>
    %cst_12 = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %57 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %58 = stablehlo.multiply %57, %56 : tensor<32x16x1024xf32>
    %59 = stablehlo.multiply %41, %58 : tensor<32x16x1024xf32>
    %60 = stablehlo.dot_general %59, %arg9, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<1024x512xf32>) -> tensor<32x16x512xf32>
    %61 = stablehlo.add %40, %60 : tensor<32x16x512xf32>
    return %61, %arg3, %10, %7, %12, %16, %14, %29, %31, %36, %18, %33, %37, %40, %46, %52, %54, %58, %41, %59 : tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>
  }
  func.func private @_where_3(%arg0: tensor<32x64x16x16xf32>, %arg1: tensor<32x64x16x16xi1>, %arg2: tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32> {
    %0 = stablehlo.select %arg1, %arg0, %arg2 : tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>
    return %0 : tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_update_index_in_dim(%arg0: tensor<2x32x16x512xf32>, %arg1: tensor<32x16x512xf32>, %arg2: tensor<i32>) -> tensor<2x32x16x512xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<32x16x512xf32>) -> tensor<1x32x16x512xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x32x16x512xf32>, tensor<1x32x16x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x16x512xf32>
    return %1 : tensor<2x32x16x512xf32>
  }
  func.func private @dynamic_update_index_in_dim_4(%arg0: tensor<2x32x16x1xf32>, %arg1: tensor<32x16x1xf32>, %arg2: tensor<i32>) -> tensor<2x32x16x1xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<32x16x1xf32>) -> tensor<1x32x16x1xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x32x16x1xf32>, tensor<1x32x16x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x16x1xf32>
    return %1 : tensor<2x32x16x1xf32>
  }
  func.func private @dynamic_update_index_in_dim_5(%arg0: tensor<2x32x64x16x8xf32>, %arg1: tensor<32x64x16x8xf32>, %arg2: tensor<i32>) -> tensor<2x32x64x16x8xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3, 4] : (tensor<32x64x16x8xf32>) -> tensor<1x32x64x16x8xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1, %c_2 : (tensor<2x32x64x16x8xf32>, tensor<1x32x64x16x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x64x16x8xf32>
    return %1 : tensor<2x32x64x16x8xf32>
  }
  func.func private @dynamic_update_index_in_dim_6(%arg0: tensor<2x32x64x16x16xf32>, %arg1: tensor<32x64x16x16xf32>, %arg2: tensor<i32>) -> tensor<2x32x64x16x16xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3, 4] : (tensor<32x64x16x16xf32>) -> tensor<1x32x64x16x16xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1, %c_2 : (tensor<2x32x64x16x16xf32>, tensor<1x32x64x16x16xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x64x16x16xf32>
    return %1 : tensor<2x32x64x16x16xf32>
  }
  func.func private @dynamic_update_index_in_dim_7(%arg0: tensor<2x32x64x16x1xf32>, %arg1: tensor<32x64x16x1xf32>, %arg2: tensor<i32>) -> tensor<2x32x64x16x1xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3, 4] : (tensor<32x64x16x1xf32>) -> tensor<1x32x64x16x1xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1, %c_2 : (tensor<2x32x64x16x1xf32>, tensor<1x32x64x16x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x64x16x1xf32>
    return %1 : tensor<2x32x64x16x1xf32>
  }
  func.func private @dynamic_update_index_in_dim_8(%arg0: tensor<2x32x16x1024xf32>, %arg1: tensor<32x16x1024xf32>, %arg2: tensor<i32>) -> tensor<2x32x16x1024xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<32x16x1024xf32>) -> tensor<1x32x16x1024xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x32x16x1024xf32>, tensor<1x32x16x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
    return %1 : tensor<2x32x16x1024xf32>
  }
  func.func private @_where_9(%arg0: tensor<32x16x2048xi1>, %arg1: tensor<32x16x2048xf32>, %arg2: tensor<i32>) -> tensor<32x16x2048xf32> {
    %0 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<32x16x2048xf32>
    %2 = stablehlo.select %arg0, %arg1, %1 : tensor<32x16x2048xi1>, tensor<32x16x2048xf32>
    return %2 : tensor<32x16x2048xf32>
  }
  func.func private @_where_10(%arg0: tensor<32x16x2048xi1>, %arg1: tensor<32x16x2048xf32>) -> tensor<32x16x2048xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x16x2048xf32>
    %1 = stablehlo.select %arg0, %arg1, %0 : tensor<32x16x2048xi1>, tensor<32x16x2048xf32>
    return %1 : tensor<32x16x2048xf32>
  }
  func.func private @dynamic_index_in_dim_11(%arg0: tensor<2x32x16x512xf32>, %arg1: tensor<i32>) -> tensor<32x16x512xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 32, 16, 512] : (tensor<2x32x16x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x16x512xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x16x512xf32>) -> tensor<32x16x512xf32>
    return %1 : tensor<32x16x512xf32>
  }
  func.func private @dynamic_index_in_dim_12(%arg0: tensor<2x32x16x1xf32>, %arg1: tensor<i32>) -> tensor<32x16x1xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 32, 16, 1] : (tensor<2x32x16x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x16x1xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x16x1xf32>) -> tensor<32x16x1xf32>
    return %1 : tensor<32x16x1xf32>
  }
  func.func private @dynamic_index_in_dim_13(%arg0: tensor<2x32x64x16x8xf32>, %arg1: tensor<i32>) -> tensor<32x64x16x8xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, %c_2, sizes = [1, 32, 64, 16, 8] : (tensor<2x32x64x16x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x64x16x8xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x64x16x8xf32>) -> tensor<32x64x16x8xf32>
    return %1 : tensor<32x64x16x8xf32>
  }
  func.func private @dynamic_index_in_dim_14(%arg0: tensor<2x32x64x16x16xf32>, %arg1: tensor<i32>) -> tensor<32x64x16x16xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, %c_2, sizes = [1, 32, 64, 16, 16] : (tensor<2x32x64x16x16xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x64x16x16xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x64x16x16xf32>) -> tensor<32x64x16x16xf32>
    return %1 : tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_index_in_dim_15(%arg0: tensor<2x32x64x16x1xf32>, %arg1: tensor<i32>) -> tensor<32x64x16x1xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, %c_2, sizes = [1, 32, 64, 16, 1] : (tensor<2x32x64x16x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x64x16x1xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x64x16x1xf32>) -> tensor<32x64x16x1xf32>
    return %1 : tensor<32x64x16x1xf32>
  }
  func.func private @dynamic_index_in_dim_16(%arg0: tensor<2x32x16x1024xf32>, %arg1: tensor<i32>) -> tensor<32x16x1024xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 32, 16, 1024] : (tensor<2x32x16x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x16x1024xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x16x1024xf32>) -> tensor<32x16x1024xf32>
    return %1 : tensor<32x16x1024xf32>
  }
  func.func private @closed_call_17(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x16x512xf32>, %arg2: tensor<32x16x512xf32>, %arg3: tensor<32x16x1xf32>, %arg4: tensor<32x16x1xf32>, %arg5: tensor<32x16x512xf32>, %arg6: tensor<512x64x8xf32>, %arg7: tensor<512x64x8xf32>, %arg8: tensor<512x64x8xf32>, %arg9: tensor<32x64x16x8xf32>, %arg10: tensor<32x64x16x8xf32>, %arg11: tensor<32x64x16x16xf32>, %arg12: tensor<32x64x16x1xf32>, %arg13: tensor<32x64x16x1xf32>, %arg14: tensor<32x64x16x8xf32>, %arg15: tensor<32x64x16x16xf32>, %arg16: tensor<64x8x512xf32>, %arg17: tensor<32x64x16x8xf32>, %arg18: tensor<512x1024xf32>, %arg19: tensor<32x16x512xf32>, %arg20: tensor<32x16x1024xf32>, %arg21: tensor<32x16x1024xf32>, %arg22: tensor<32x16x1024xf32>, %arg23: tensor<32x16x1024xf32>, %arg24: tensor<32x16x1024xf32>, %arg25: tensor<1024x512xf32>, %arg26: tensor<32x16x1024xf32>) -> (tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>) {
    %0 = stablehlo.dot_general %arg1, %arg26, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<32x16x1024xf32>) -> tensor<512x1024xf32>
    %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<512x1024xf32>) -> tensor<1024x512xf32>
    %2 = stablehlo.dot_general %arg1, %arg25, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<1024x512xf32>) -> tensor<32x16x1024xf32>
    %3 = stablehlo.multiply %arg24, %2 : tensor<32x16x1024xf32>
    %4 = stablehlo.multiply %2, %arg23 : tensor<32x16x1024xf32>
    %cst = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %5 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %6 = stablehlo.multiply %5, %3 : tensor<32x16x1024xf32>
    %7 = stablehlo.multiply %6, %arg22 : tensor<32x16x1024xf32>
    %8 = stablehlo.multiply %7, %arg21 : tensor<32x16x1024xf32>
    %9 = stablehlo.add %7, %8 : tensor<32x16x1024xf32>
    %cst_0 = stablehlo.constant dense<0.797884583> : tensor<f32>
    %10 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %11 = stablehlo.multiply %10, %9 : tensor<32x16x1024xf32>
    %12 = stablehlo.add %4, %11 : tensor<32x16x1024xf32>
    %cst_1 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
    %13 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %14 = stablehlo.multiply %13, %11 : tensor<32x16x1024xf32>
    %15 = stablehlo.multiply %14, %arg20 : tensor<32x16x1024xf32>
    %16 = stablehlo.add %12, %15 : tensor<32x16x1024xf32>
    %17 = stablehlo.dot_general %16, %arg19, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<32x16x512xf32>) -> tensor<1024x512xf32>
    %18 = stablehlo.transpose %17, dims = [1, 0] : (tensor<1024x512xf32>) -> tensor<512x1024xf32>
    %19 = stablehlo.dot_general %16, %arg18, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<512x1024xf32>) -> tensor<32x16x512xf32>
    %20 = stablehlo.add %arg1, %19 : tensor<32x16x512xf32>
    %21 = sdy.sharding_constraint %20 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %22 = stablehlo.dot_general %21, %arg17, contracting_dims = [0, 1] x [0, 2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<32x64x16x8xf32>) -> tensor<512x64x8xf32>
    %23 = stablehlo.transpose %22, dims = [1, 2, 0] : (tensor<512x64x8xf32>) -> tensor<64x8x512xf32>
    %24 = stablehlo.dot_general %21, %arg16, contracting_dims = [2] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<64x8x512xf32>) -> tensor<32x16x64x8xf32>
    %25 = stablehlo.transpose %24, dims = [0, 2, 1, 3] : (tensor<32x16x64x8xf32>) -> tensor<32x64x16x8xf32>
    %26 = stablehlo.dot_general %25, %arg15, batching_dims = [0, 1] x [0, 1], contracting_dims = [2] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x8xf32>, tensor<32x64x16x16xf32>) -> tensor<32x64x8x16xf32>
    %27 = stablehlo.transpose %26, dims = [0, 1, 3, 2] : (tensor<32x64x8x16xf32>) -> tensor<32x64x16x8xf32>
    %28 = stablehlo.dot_general %25, %arg14, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x8xf32>, tensor<32x64x16x8xf32>) -> tensor<32x64x16x16xf32>
    %29 = stablehlo.broadcast_in_dim %arg13, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %30 = stablehlo.multiply %28, %29 : tensor<32x64x16x16xf32>
    %31 = stablehlo.multiply %30, %arg11 : tensor<32x64x16x16xf32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %32 = stablehlo.reduce(%31 init: %cst_2) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %33 = stablehlo.reshape %32 : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %34 = stablehlo.negate %33 : tensor<32x64x16x1xf32>
    %35 = stablehlo.broadcast_in_dim %arg12, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %36 = stablehlo.divide %28, %35 : tensor<32x64x16x16xf32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %37 = stablehlo.reduce(%34 init: %cst_3) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x1xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %38 = stablehlo.broadcast_in_dim %37, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x16xf32>
    %39 = stablehlo.add %36, %38 : tensor<32x64x16x16xf32>
    %40 = stablehlo.multiply %39, %arg11 : tensor<32x64x16x16xf32>
    %41 = call @_where_18(%arg0, %40) : (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32>
    %cst_4 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %42 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %43 = stablehlo.divide %41, %42 : tensor<32x64x16x16xf32>
    %44 = stablehlo.dot_general %43, %arg10, batching_dims = [0, 1] x [0, 1], contracting_dims = [2] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>) -> tensor<32x64x16x8xf32>
    %45 = stablehlo.dot_general %43, %arg9, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x16xf32>, tensor<32x64x16x8xf32>) -> tensor<32x64x16x8xf32>
    %46 = stablehlo.transpose %27, dims = [1, 3, 0, 2] : (tensor<32x64x16x8xf32>) -> tensor<64x8x32x16xf32>
    %47 = stablehlo.dot_general %46, %arg8, contracting_dims = [0, 1] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %48 = stablehlo.dot_general %46, %arg5, contracting_dims = [2, 3] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %49 = stablehlo.transpose %48, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %50 = stablehlo.transpose %44, dims = [1, 3, 0, 2] : (tensor<32x64x16x8xf32>) -> tensor<64x8x32x16xf32>
    %51 = stablehlo.dot_general %50, %arg7, contracting_dims = [0, 1] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %52 = stablehlo.add %47, %51 : tensor<32x16x512xf32>
    %53 = stablehlo.dot_general %50, %arg5, contracting_dims = [2, 3] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %54 = stablehlo.transpose %53, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %55 = stablehlo.transpose %45, dims = [1, 3, 0, 2] : (tensor<32x64x16x8xf32>) -> tensor<64x8x32x16xf32>
    %56 = stablehlo.dot_general %55, %arg6, contracting_dims = [0, 1] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %57 = stablehlo.add %52, %56 : tensor<32x16x512xf32>
    %58 = stablehlo.dot_general %55, %arg5, contracting_dims = [2, 3] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<64x8x32x16xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %59 = stablehlo.transpose %58, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %60 = stablehlo.multiply %arg2, %57 : tensor<32x16x512xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %61 = stablehlo.reduce(%60 init: %cst_5) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %62 = stablehlo.reshape %61 : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %63 = stablehlo.broadcast_in_dim %arg4, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %64 = stablehlo.multiply %57, %63 : tensor<32x16x512xf32>
    %65 = stablehlo.add %21, %64 : tensor<32x16x512xf32>
    %66 = stablehlo.multiply %62, %arg3 : tensor<32x16x1xf32>
    %cst_6 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %67 = stablehlo.broadcast_in_dim %cst_6, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %68 = stablehlo.divide %66, %67 : tensor<32x16x1xf32>
    %cst_7 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %69 = stablehlo.reduce(%68 init: %cst_7) applies stablehlo.add across dimensions = [2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<32x16xf32>
    %70 = stablehlo.broadcast_in_dim %69, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x512xf32>
    %71 = stablehlo.multiply %arg2, %70 : tensor<32x16x512xf32>
    %72 = stablehlo.add %65, %71 : tensor<32x16x512xf32>
    %73 = stablehlo.multiply %70, %arg2 : tensor<32x16x512xf32>
    %74 = stablehlo.add %72, %73 : tensor<32x16x512xf32>
    return %74, %59, %54, %49, %23, %18, %1 : tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>
  }
  func.func private @_where_18(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %1 = stablehlo.select %arg0, %arg1, %0 : tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>
    return %1 : tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_update_index_in_dim_19(%arg0: tensor<2x512x64x8xf32>, %arg1: tensor<512x64x8xf32>, %arg2: tensor<i32>) -> tensor<2x512x64x8xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<512x64x8xf32>) -> tensor<1x512x64x8xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x512x64x8xf32>, tensor<1x512x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x512x64x8xf32>
    return %1 : tensor<2x512x64x8xf32>
  }
  func.func private @dynamic_update_index_in_dim_20(%arg0: tensor<2x64x8x512xf32>, %arg1: tensor<64x8x512xf32>, %arg2: tensor<i32>) -> tensor<2x64x8x512xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<64x8x512xf32>) -> tensor<1x64x8x512xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x64x8x512xf32>, tensor<1x64x8x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x64x8x512xf32>
    return %1 : tensor<2x64x8x512xf32>
  }
  func.func private @dynamic_update_index_in_dim_21(%arg0: tensor<2x512x1024xf32>, %arg1: tensor<512x1024xf32>, %arg2: tensor<i32>) -> tensor<2x512x1024xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2] : (tensor<512x1024xf32>) -> tensor<1x512x1024xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0 : (tensor<2x512x1024xf32>, tensor<1x512x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x512x1024xf32>
    return %1 : tensor<2x512x1024xf32>
  }
  func.func private @dynamic_update_index_in_dim_22(%arg0: tensor<2x1024x512xf32>, %arg1: tensor<1024x512xf32>, %arg2: tensor<i32>) -> tensor<2x1024x512xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2] : (tensor<1024x512xf32>) -> tensor<1x1024x512xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0 : (tensor<2x1024x512xf32>, tensor<1x1024x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x1024x512xf32>
    return %1 : tensor<2x1024x512xf32>
  }
}
