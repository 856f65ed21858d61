module @jit_step attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2, "y"=4]> {stablehlo.mesh = {axes = [{name = "x", size = 2 : i64}, {name = "y", size = 4 : i64}]}}
  func.func public @main(%arg0: tensor<2048x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}, {"x"}]>}, %arg1: tensor<2x512x1024xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}]>}, %arg2: tensor<2x1024x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {"x"}]>}, %arg3: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg4: tensor<2x64x8x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {}, {"x"}]>}, %arg5: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg6: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg7: tensor<2048x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}, {"x"}]>}, %arg8: tensor<2x512x1024xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}]>}, %arg9: tensor<2x1024x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {"x"}]>}, %arg10: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg11: tensor<2x64x8x512xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"y"}, {}, {"x"}]>}, %arg12: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg13: tensor<2x512x64x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {"y"}, {}]>}, %arg14: tensor<32x16xi32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}, %arg15: tensor<32x16xi32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<f32> {jax.result_info = "result[0]"}, tensor<2048x512xf32> {jax.result_info = "result[1]['embed']"}, tensor<2x512x1024xf32> {jax.result_info = "result[1]['w1']"}, tensor<2x1024x512xf32> {jax.result_info = "result[1]['w2']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1]['wk']"}, tensor<2x64x8x512xf32> {jax.result_info = "result[1]['wo']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1]['wq']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[1]['wv']"}, tensor<2048x512xf32> {jax.result_info = "result[2]['embed']"}, tensor<2x512x1024xf32> {jax.result_info = "result[2]['w1']"}, tensor<2x1024x512xf32> {jax.result_info = "result[2]['w2']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[2]['wk']"}, tensor<2x64x8x512xf32> {jax.result_info = "result[2]['wo']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[2]['wq']"}, tensor<2x512x64x8xf32> {jax.result_info = "result[2]['wv']"}) {
    %c = stablehlo.constant dense<"0x01000000000000000000000000000000010100000000000000000000000000000101010000000000000000000000000001010101000000000000000000000000010101010100000000000000000000000101010101010000000000000000000001010101010101000000000000000000010101010101010100000000000000000101010101010101010000000000000001010101010101010101000000000000010101010101010101010100000000000101010101010101010101010000000001010101010101010101010101000000010101010101010101010101010100000101010101010101010101010101010001010101010101010101010101010101"> : tensor<16x16xi1>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<32x16xi32>
    %1 = stablehlo.compare LT, %arg14, %0, SIGNED : (tensor<32x16xi32>, tensor<32x16xi32>) -> tensor<32x16xi1>
    %c_1 = stablehlo.constant dense<2048> : tensor<i32>
    %2 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<32x16xi32>
    %3 = stablehlo.add %arg14, %2 : tensor<32x16xi32>
    %4 = stablehlo.select %1, %3, %arg14 : tensor<32x16xi1>, tensor<32x16xi32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0, 1] : (tensor<32x16xi32>) -> tensor<32x16x1xi32>
    %6 = "stablehlo.gather"(%arg0, %5) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 512>}> : (tensor<2048x512xf32>, tensor<32x16x1xi32>) -> tensor<32x16x512xf32>
    %7 = sdy.sharding_constraint %6 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %cst = stablehlo.constant dense<-1.000000e+09> : tensor<f32>
    %8:2 = call @_where(%c, %cst) : (tensor<16x16xi1>, tensor<f32>) -> (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>)
    %cst_2 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %9 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %10 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %11 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %12 = stablehlo.broadcast_in_dim %cst_6, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_7 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %13 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<2x32x16x64x8xf32>
    %cst_8 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %14 = stablehlo.broadcast_in_dim %cst_8, dims = [] : (tensor<f32>) -> tensor<2x32x16x64x8xf32>
    %cst_9 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %15 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x16xf32>
    %cst_10 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x1xf32>
    %cst_11 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %17 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x1xf32>
    %cst_12 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<2x32x64x16x16xf32>
    %cst_13 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %19 = stablehlo.broadcast_in_dim %cst_13, dims = [] : (tensor<f32>) -> tensor<2x32x16x64x8xf32>
    %cst_14 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %cst_14, dims = [] : (tensor<f32>) -> tensor<2x32x16x64x8xf32>
    %cst_15 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %21 = stablehlo.broadcast_in_dim %cst_15, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_16 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %cst_16, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_17 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %23 = stablehlo.broadcast_in_dim %cst_17, dims = [] : (tensor<f32>) -> tensor<2x32x16x1xf32>
    %cst_18 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %24 = stablehlo.broadcast_in_dim %cst_18, dims = [] : (tensor<f32>) -> tensor<2x32x16x512xf32>
    %cst_19 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %25 = stablehlo.broadcast_in_dim %cst_19, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_20 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %26 = stablehlo.broadcast_in_dim %cst_20, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_21 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %27 = stablehlo.broadcast_in_dim %cst_21, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_22 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %28 = stablehlo.broadcast_in_dim %cst_22, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_23 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %29 = stablehlo.broadcast_in_dim %cst_23, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %cst_24 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %30 = stablehlo.broadcast_in_dim %cst_24, dims = [] : (tensor<f32>) -> tensor<2x32x16x1024xf32>
    %c_25 = stablehlo.constant dense<0> : tensor<i32>
    %31:33 = stablehlo.while(%iterArg = %arg1, %iterArg_59 = %arg2, %iterArg_60 = %arg3, %iterArg_61 = %arg4, %iterArg_62 = %arg5, %iterArg_63 = %arg6, %iterArg_64 = %8#0, %iterArg_65 = %8#1, %iterArg_66 = %cst_2, %iterArg_67 = %c_25, %iterArg_68 = %7, %iterArg_69 = %9, %iterArg_70 = %10, %iterArg_71 = %11, %iterArg_72 = %12, %iterArg_73 = %13, %iterArg_74 = %14, %iterArg_75 = %15, %iterArg_76 = %16, %iterArg_77 = %17, %iterArg_78 = %18, %iterArg_79 = %19, %iterArg_80 = %20, %iterArg_81 = %21, %iterArg_82 = %22, %iterArg_83 = %23, %iterArg_84 = %24, %iterArg_85 = %25, %iterArg_86 = %26, %iterArg_87 = %27, %iterArg_88 = %28, %iterArg_89 = %29, %iterArg_90 = %30) : tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>
    cond {
      %c_91 = stablehlo.constant dense<2> : tensor<i32>
      %126 = stablehlo.compare LT, %iterArg_67, %c_91, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %126 : tensor<i1>
    } do {
      %126 = func.call @dynamic_index_in_dim(%iterArg, %iterArg_67) : (tensor<2x512x1024xf32>, tensor<i32>) -> tensor<512x1024xf32>
      %127 = func.call @dynamic_index_in_dim_0(%iterArg_59, %iterArg_67) : (tensor<2x1024x512xf32>, tensor<i32>) -> tensor<1024x512xf32>
      %128 = func.call @dynamic_index_in_dim_1(%iterArg_60, %iterArg_67) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %129 = func.call @dynamic_index_in_dim_2(%iterArg_61, %iterArg_67) : (tensor<2x64x8x512xf32>, tensor<i32>) -> tensor<64x8x512xf32>
      %130 = func.call @dynamic_index_in_dim_1(%iterArg_62, %iterArg_67) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %131 = func.call @dynamic_index_in_dim_1(%iterArg_63, %iterArg_67) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %132:23 = func.call @closed_call(%iterArg_64, %iterArg_65, %iterArg_66, %iterArg_68, %126, %127, %128, %129, %130, %131) : (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<32x16x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>) -> (tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>)
      %133 = func.call @dynamic_update_index_in_dim(%iterArg_69, %132#1, %iterArg_67) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %134 = func.call @dynamic_update_index_in_dim_4(%iterArg_70, %132#2, %iterArg_67) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %135 = func.call @dynamic_update_index_in_dim_4(%iterArg_71, %132#3, %iterArg_67) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %136 = func.call @dynamic_update_index_in_dim(%iterArg_72, %132#4, %iterArg_67) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %137 = func.call @dynamic_update_index_in_dim_5(%iterArg_73, %132#5, %iterArg_67) : (tensor<2x32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<i32>) -> tensor<2x32x16x64x8xf32>
      %138 = func.call @dynamic_update_index_in_dim_5(%iterArg_74, %132#6, %iterArg_67) : (tensor<2x32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<i32>) -> tensor<2x32x16x64x8xf32>
      %139 = func.call @dynamic_update_index_in_dim_6(%iterArg_75, %132#7, %iterArg_67) : (tensor<2x32x64x16x16xf32>, tensor<32x64x16x16xf32>, tensor<i32>) -> tensor<2x32x64x16x16xf32>
      %140 = func.call @dynamic_update_index_in_dim_7(%iterArg_76, %132#8, %iterArg_67) : (tensor<2x32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<i32>) -> tensor<2x32x64x16x1xf32>
      %141 = func.call @dynamic_update_index_in_dim_7(%iterArg_77, %132#9, %iterArg_67) : (tensor<2x32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<i32>) -> tensor<2x32x64x16x1xf32>
      %142 = func.call @dynamic_update_index_in_dim_6(%iterArg_78, %132#10, %iterArg_67) : (tensor<2x32x64x16x16xf32>, tensor<32x64x16x16xf32>, tensor<i32>) -> tensor<2x32x64x16x16xf32>
      %143 = func.call @dynamic_update_index_in_dim_5(%iterArg_79, %132#11, %iterArg_67) : (tensor<2x32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<i32>) -> tensor<2x32x16x64x8xf32>
      %144 = func.call @dynamic_update_index_in_dim_5(%iterArg_80, %132#12, %iterArg_67) : (tensor<2x32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<i32>) -> tensor<2x32x16x64x8xf32>
      %145 = func.call @dynamic_update_index_in_dim(%iterArg_81, %132#13, %iterArg_67) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %146 = func.call @dynamic_update_index_in_dim_4(%iterArg_82, %132#14, %iterArg_67) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %147 = func.call @dynamic_update_index_in_dim_4(%iterArg_83, %132#15, %iterArg_67) : (tensor<2x32x16x1xf32>, tensor<32x16x1xf32>, tensor<i32>) -> tensor<2x32x16x1xf32>
      %148 = func.call @dynamic_update_index_in_dim(%iterArg_84, %132#16, %iterArg_67) : (tensor<2x32x16x512xf32>, tensor<32x16x512xf32>, tensor<i32>) -> tensor<2x32x16x512xf32>
      %149 = func.call @dynamic_update_index_in_dim_8(%iterArg_85, %132#17, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %150 = func.call @dynamic_update_index_in_dim_8(%iterArg_86, %132#18, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %151 = func.call @dynamic_update_index_in_dim_8(%iterArg_87, %132#19, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %152 = func.call @dynamic_update_index_in_dim_8(%iterArg_88, %132#20, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %153 = func.call @dynamic_update_index_in_dim_8(%iterArg_89, %132#21, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %154 = func.call @dynamic_update_index_in_dim_8(%iterArg_90, %132#22, %iterArg_67) : (tensor<2x32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<i32>) -> tensor<2x32x16x1024xf32>
      %c_91 = stablehlo.constant dense<1> : tensor<i32>
      %155 = stablehlo.add %iterArg_67, %c_91 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_59, %iterArg_60, %iterArg_61, %iterArg_62, %iterArg_63, %iterArg_64, %iterArg_65, %iterArg_66, %155, %132#0, %133, %134, %135, %136, %137, %138, %139, %140, %141, %142, %143, %144, %145, %146, %147, %148, %149, %150, %151, %152, %153, %154 : tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>, tensor<f32>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>
    }
    %32 = stablehlo.multiply %31#10, %31#10 : tensor<32x16x512xf32>
    %cst_26 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %33 = stablehlo.reduce(%32 init: %cst_26) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %34 = stablehlo.broadcast_in_dim %33, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %cst_27 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %35 = stablehlo.broadcast_in_dim %cst_27, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %36 = stablehlo.divide %34, %35 : tensor<32x16x1xf32>
    %cst_28 = stablehlo.constant dense<9.99999997E-7> : tensor<f32>
    %37 = stablehlo.broadcast_in_dim %cst_28, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %38 = stablehlo.add %36, %37 : tensor<32x16x1xf32>
    %39 = stablehlo.rsqrt %38 : tensor<32x16x1xf32>
    %40 = stablehlo.divide %39, %38 : tensor<32x16x1xf32>
    %cst_29 = stablehlo.constant dense<-5.000000e-01> : tensor<f32>
    %41 = stablehlo.broadcast_in_dim %cst_29, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %42 = stablehlo.multiply %41, %40 : tensor<32x16x1xf32>
    %43 = stablehlo.broadcast_in_dim %39, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %44 = stablehlo.multiply %31#10, %43 : tensor<32x16x512xf32>
    %45 = stablehlo.dot_general %44, %arg0, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<2048x512xf32>) -> tensor<32x16x2048xf32>
    %46:3 = call @log_softmax(%45) : (tensor<32x16x2048xf32>) -> (tensor<32x16x2048xf32>, tensor<32x16x2048xf32>, tensor<32x16x1xf32>)
    %47 = stablehlo.broadcast_in_dim %arg15, dims = [0, 1] : (tensor<32x16xi32>) -> tensor<32x16x1xi32>
    %48:2 = call @take_along_axis(%46#0, %47) : (tensor<32x16x2048xf32>, tensor<32x16x1xi32>) -> (tensor<32x16x1xf32>, tensor<32x16x1x1xi32>)
    %cst_30 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %49 = stablehlo.reduce(%48#0 init: %cst_30) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<f32>
    %cst_31 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %50 = stablehlo.divide %49, %cst_31 : tensor<f32>
    %51 = stablehlo.negate %50 : tensor<f32>
    %cst_32 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %52 = stablehlo.negate %cst_32 : tensor<f32>
    %cst_33 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %53 = stablehlo.divide %52, %cst_33 : tensor<f32>
    %54 = stablehlo.broadcast_in_dim %53, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %55 = call @take_along_axis_9(%48#1, %54) : (tensor<32x16x1x1xi32>, tensor<32x16x1xf32>) -> tensor<32x16x2048xf32>
    %56 = call @log_softmax_10(%46#1, %46#2, %55) : (tensor<32x16x2048xf32>, tensor<32x16x1xf32>, tensor<32x16x2048xf32>) -> tensor<32x16x2048xf32>
    %57 = stablehlo.dot_general %56, %44, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x2048xf32>, tensor<32x16x512xf32>) -> tensor<2048x512xf32>
    %58 = stablehlo.dot_general %56, %arg0, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x2048xf32>, tensor<2048x512xf32>) -> tensor<32x16x512xf32>
    %59 = stablehlo.multiply %31#10, %58 : tensor<32x16x512xf32>
    %cst_34 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %60 = stablehlo.reduce(%59 init: %cst_34) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %61 = stablehlo.reshape %60 : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %62 = stablehlo.broadcast_in_dim %39, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %63 = stablehlo.multiply %58, %62 : tensor<32x16x512xf32>
    %64 = stablehlo.multiply %61, %42 : tensor<32x16x1xf32>
    %cst_35 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %65 = stablehlo.broadcast_in_dim %cst_35, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %66 = stablehlo.divide %64, %65 : tensor<32x16x1xf32>
    %cst_36 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %67 = stablehlo.reduce(%66 init: %cst_36) applies stablehlo.add across dimensions = [2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<32x16xf32>
    %68 = stablehlo.broadcast_in_dim %67, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x512xf32>
    %69 = stablehlo.multiply %31#10, %68 : tensor<32x16x512xf32>
    %70 = stablehlo.add %63, %69 : tensor<32x16x512xf32>
    %71 = stablehlo.multiply %68, %31#10 : tensor<32x16x512xf32>
    %72 = stablehlo.add %70, %71 : tensor<32x16x512xf32>
    %cst_37 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %73 = stablehlo.broadcast_in_dim %cst_37, dims = [] : (tensor<f32>) -> tensor<2x512x1024xf32>
    %cst_38 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %74 = stablehlo.broadcast_in_dim %cst_38, dims = [] : (tensor<f32>) -> tensor<2x1024x512xf32>
    %cst_39 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %75 = stablehlo.broadcast_in_dim %cst_39, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %cst_40 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %76 = stablehlo.broadcast_in_dim %cst_40, dims = [] : (tensor<f32>) -> tensor<2x64x8x512xf32>
    %cst_41 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %77 = stablehlo.broadcast_in_dim %cst_41, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %cst_42 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %78 = stablehlo.broadcast_in_dim %cst_42, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %c_43 = stablehlo.constant dense<0> : tensor<i32>
    %79:37 = stablehlo.while(%iterArg = %31#11, %iterArg_59 = %31#12, %iterArg_60 = %31#13, %iterArg_61 = %arg5, %iterArg_62 = %31#14, %iterArg_63 = %arg3, %iterArg_64 = %arg6, %iterArg_65 = %31#15, %iterArg_66 = %31#16, %iterArg_67 = %31#17, %iterArg_68 = %31#18, %iterArg_69 = %31#19, %iterArg_70 = %31#20, %iterArg_71 = %31#21, %iterArg_72 = %arg4, %iterArg_73 = %31#22, %iterArg_74 = %31#23, %iterArg_75 = %31#24, %iterArg_76 = %31#25, %iterArg_77 = %arg1, %iterArg_78 = %31#26, %iterArg_79 = %31#27, %iterArg_80 = %31#28, %iterArg_81 = %31#29, %iterArg_82 = %31#30, %iterArg_83 = %31#31, %iterArg_84 = %arg2, %iterArg_85 = %31#32, %iterArg_86 = %8#0, %iterArg_87 = %c_43, %iterArg_88 = %72, %iterArg_89 = %73, %iterArg_90 = %74, %iterArg_91 = %75, %iterArg_92 = %76, %iterArg_93 = %77, %iterArg_94 = %78) : tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x512x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x16x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x512x1024xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x1024x512xf32>, tensor<2x32x16x1024xf32>, tensor<32x64x16x16xi1>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>
    cond {
      %c_95 = stablehlo.constant dense<2> : tensor<i32>
      %126 = stablehlo.compare LT, %iterArg_87, %c_95, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %126 : tensor<i1>
    } do {
      %c_95 = stablehlo.constant dense<2> : tensor<i32>
      %126 = stablehlo.subtract %c_95, %iterArg_87 : tensor<i32>
      %c_96 = stablehlo.constant dense<1> : tensor<i32>
      %127 = stablehlo.subtract %126, %c_96 : tensor<i32>
      %128 = func.call @dynamic_index_in_dim_11(%iterArg, %127) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %129 = func.call @dynamic_index_in_dim_12(%iterArg_59, %127) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %130 = func.call @dynamic_index_in_dim_12(%iterArg_60, %127) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %131 = func.call @dynamic_index_in_dim_1(%iterArg_61, %127) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %132 = func.call @dynamic_index_in_dim_11(%iterArg_62, %127) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %133 = func.call @dynamic_index_in_dim_1(%iterArg_63, %127) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %134 = func.call @dynamic_index_in_dim_1(%iterArg_64, %127) : (tensor<2x512x64x8xf32>, tensor<i32>) -> tensor<512x64x8xf32>
      %135 = func.call @dynamic_index_in_dim_13(%iterArg_65, %127) : (tensor<2x32x16x64x8xf32>, tensor<i32>) -> tensor<32x16x64x8xf32>
      %136 = func.call @dynamic_index_in_dim_13(%iterArg_66, %127) : (tensor<2x32x16x64x8xf32>, tensor<i32>) -> tensor<32x16x64x8xf32>
      %137 = func.call @dynamic_index_in_dim_14(%iterArg_67, %127) : (tensor<2x32x64x16x16xf32>, tensor<i32>) -> tensor<32x64x16x16xf32>
      %138 = func.call @dynamic_index_in_dim_15(%iterArg_68, %127) : (tensor<2x32x64x16x1xf32>, tensor<i32>) -> tensor<32x64x16x1xf32>
      %139 = func.call @dynamic_index_in_dim_15(%iterArg_69, %127) : (tensor<2x32x64x16x1xf32>, tensor<i32>) -> tensor<32x64x16x1xf32>
      %140 = func.call @dynamic_index_in_dim_14(%iterArg_70, %127) : (tensor<2x32x64x16x16xf32>, tensor<i32>) -> tensor<32x64x16x16xf32>
      %141 = func.call @dynamic_index_in_dim_13(%iterArg_71, %127) : (tensor<2x32x16x64x8xf32>, tensor<i32>) -> tensor<32x16x64x8xf32>
      %142 = func.call @dynamic_index_in_dim_2(%iterArg_72, %127) : (tensor<2x64x8x512xf32>, tensor<i32>) -> tensor<64x8x512xf32>
      %143 = func.call @dynamic_index_in_dim_13(%iterArg_73, %127) : (tensor<2x32x16x64x8xf32>, tensor<i32>) -> tensor<32x16x64x8xf32>
      %144 = func.call @dynamic_index_in_dim_11(%iterArg_74, %127) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %145 = func.call @dynamic_index_in_dim_12(%iterArg_75, %127) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %146 = func.call @dynamic_index_in_dim_12(%iterArg_76, %127) : (tensor<2x32x16x1xf32>, tensor<i32>) -> tensor<32x16x1xf32>
      %147 = func.call @dynamic_index_in_dim(%iterArg_77, %127) : (tensor<2x512x1024xf32>, tensor<i32>) -> tensor<512x1024xf32>
      %148 = func.call @dynamic_index_in_dim_11(%iterArg_78, %127) : (tensor<2x32x16x512xf32>, tensor<i32>) -> tensor<32x16x512xf32>
      %149 = func.call @dynamic_index_in_dim_16(%iterArg_79, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %150 = func.call @dynamic_index_in_dim_16(%iterArg_80, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %151 = func.call @dynamic_index_in_dim_16(%iterArg_81, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %152 = func.call @dynamic_index_in_dim_16(%iterArg_82, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %153 = func.call @dynamic_index_in_dim_16(%iterArg_83, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %154 = func.call @dynamic_index_in_dim_0(%iterArg_84, %127) : (tensor<2x1024x512xf32>, tensor<i32>) -> tensor<1024x512xf32>
      %155 = func.call @dynamic_index_in_dim_16(%iterArg_85, %127) : (tensor<2x32x16x1024xf32>, tensor<i32>) -> tensor<32x16x1024xf32>
      %156:7 = func.call @closed_call_17(%iterArg_86, %iterArg_88, %128, %129, %130, %131, %132, %133, %134, %135, %136, %137, %138, %139, %140, %141, %142, %143, %144, %145, %146, %147, %148, %149, %150, %151, %152, %153, %154, %155) : (tensor<32x64x16x16xi1>, tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<512x64x8xf32>, tensor<32x16x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>, tensor<64x8x512xf32>, tensor<32x16x64x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<512x1024xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<1024x512xf32>, tensor<32x16x1024xf32>) -> (tensor<32x16x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>)
      %157 = func.call @dynamic_update_index_in_dim_19(%iterArg_89, %156#1, %127) : (tensor<2x512x1024xf32>, tensor<512x1024xf32>, tensor<i32>) -> tensor<2x512x1024xf32>
      %158 = func.call @dynamic_update_index_in_dim_20(%iterArg_90, %156#2, %127) : (tensor<2x1024x512xf32>, tensor<1024x512xf32>, tensor<i32>) -> tensor<2x1024x512xf32>
      %159 = func.call @dynamic_update_index_in_dim_21(%iterArg_91, %156#3, %127) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %160 = func.call @dynamic_update_index_in_dim_22(%iterArg_92, %156#4, %127) : (tensor<2x64x8x512xf32>, tensor<64x8x512xf32>, tensor<i32>) -> tensor<2x64x8x512xf32>
      %161 = func.call @dynamic_update_index_in_dim_21(%iterArg_93, %156#5, %127) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %162 = func.call @dynamic_update_index_in_dim_21(%iterArg_94, %156#6, %127) : (tensor<2x512x64x8xf32>, tensor<512x64x8xf32>, tensor<i32>) -> tensor<2x512x64x8xf32>
      %c_97 = stablehlo.constant dense<1> : tensor<i32>
      %163 = stablehlo.add %iterArg_87, %c_97 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_59, %iterArg_60, %iterArg_61, %iterArg_62, %iterArg_63, %iterArg_64, %iterArg_65, %iterArg_66, %iterArg_67, %iterArg_68, %iterArg_69, %iterArg_70, %iterArg_71, %iterArg_72, %iterArg_73, %iterArg_74, %iterArg_75, %iterArg_76, %iterArg_77, %iterArg_78, %iterArg_79, %iterArg_80, %iterArg_81, %iterArg_82, %iterArg_83, %iterArg_84, %iterArg_85, %iterArg_86, %163, %156#0, %157, %158, %159, %160, %161, %162 : tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x512x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x1xf32>, tensor<2x32x64x16x16xf32>, tensor<2x32x16x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x32x16x64x8xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1xf32>, tensor<2x32x16x1xf32>, tensor<2x512x1024xf32>, tensor<2x32x16x512xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x32x16x1024xf32>, tensor<2x1024x512xf32>, tensor<2x32x16x1024xf32>, tensor<32x64x16x16xi1>, tensor<i32>, tensor<32x16x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>
    }
    %80 = sdy.sharding_constraint %79#30 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %cst_44 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %81 = stablehlo.broadcast_in_dim %cst_44, dims = [] : (tensor<f32>) -> tensor<2048x512xf32>
    %82 = "stablehlo.scatter"(%81, %5, %80) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, unique_indices = false}> ({
    ^bb0(%arg16: tensor<f32>, %arg17: tensor<f32>):
      %126 = stablehlo.add %arg16, %arg17 : tensor<f32>
      stablehlo.return %126 : tensor<f32>
    }) : (tensor<2048x512xf32>, tensor<32x16x1xi32>, tensor<32x16x512xf32>) -> tensor<2048x512xf32>
    %83 = stablehlo.add %57, %82 : tensor<2048x512xf32>
    %cst_45 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %84 = stablehlo.broadcast_in_dim %cst_45, dims = [] : (tensor<f32>) -> tensor<2048x512xf32>
    %85 = stablehlo.multiply %84, %arg7 : tensor<2048x512xf32>
    %86 = stablehlo.add %85, %83 : tensor<2048x512xf32>
    %cst_46 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %87 = stablehlo.broadcast_in_dim %cst_46, dims = [] : (tensor<f32>) -> tensor<2x512x1024xf32>
    %88 = stablehlo.multiply %87, %arg8 : tensor<2x512x1024xf32>
    %89 = stablehlo.add %88, %79#31 : tensor<2x512x1024xf32>
    %cst_47 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %90 = stablehlo.broadcast_in_dim %cst_47, dims = [] : (tensor<f32>) -> tensor<2x1024x512xf32>
    %91 = stablehlo.multiply %90, %arg9 : tensor<2x1024x512xf32>
    %92 = stablehlo.add %91, %79#32 : tensor<2x1024x512xf32>
    %cst_48 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %93 = stablehlo.broadcast_in_dim %cst_48, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %94 = stablehlo.multiply %93, %arg10 : tensor<2x512x64x8xf32>
    %95 = stablehlo.add %94, %79#33 : tensor<2x512x64x8xf32>
    %cst_49 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %96 = stablehlo.broadcast_in_dim %cst_49, dims = [] : (tensor<f32>) -> tensor<2x64x8x512xf32>
    %97 = stablehlo.multiply %96, %arg11 : tensor<2x64x8x512xf32>
    %98 = stablehlo.add %97, %79#34 : tensor<2x64x8x512xf32>
    %cst_50 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %99 = stablehlo.broadcast_in_dim %cst_50, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %100 = stablehlo.multiply %99, %arg12 : tensor<2x512x64x8xf32>
    %101 = stablehlo.add %100, %79#35 : tensor<2x512x64x8xf32>
    %cst_51 = stablehlo.constant dense<0.899999976> : tensor<f32>
    %102 = stablehlo.broadcast_in_dim %cst_51, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %103 = stablehlo.multiply %102, %arg13 : tensor<2x512x64x8xf32>
    %104 = stablehlo.add %103, %79#36 : tensor<2x512x64x8xf32>
    %cst_52 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %105 = stablehlo.broadcast_in_dim %cst_52, dims = [] : (tensor<f32>) -> tensor<2048x512xf32>
    %106 = stablehlo.multiply %105, %86 : tensor<2048x512xf32>
    %107 = stablehlo.subtract %arg0, %106 : tensor<2048x512xf32>
    %cst_53 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %108 = stablehlo.broadcast_in_dim %cst_53, dims = [] : (tensor<f32>) -> tensor<2x512x1024xf32>
    %109 = stablehlo.multiply %108, %89 : tensor<2x512x1024xf32>
    %110 = stablehlo.subtract %arg1, %109 : tensor<2x512x1024xf32>
    %cst_54 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %111 = stablehlo.broadcast_in_dim %cst_54, dims = [] : (tensor<f32>) -> tensor<2x1024x512xf32>
    %112 = stablehlo.multiply %111, %92 : tensor<2x1024x512xf32>
    %113 = stablehlo.subtract %arg2, %112 : tensor<2x1024x512xf32>
    %cst_55 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %114 = stablehlo.broadcast_in_dim %cst_55, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %115 = stablehlo.multiply %114, %95 : tensor<2x512x64x8xf32>
    %116 = stablehlo.subtract %arg3, %115 : tensor<2x512x64x8xf32>
    %cst_56 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %117 = stablehlo.broadcast_in_dim %cst_56, dims = [] : (tensor<f32>) -> tensor<2x64x8x512xf32>
    %118 = stablehlo.multiply %117, %98 : tensor<2x64x8x512xf32>
    %119 = stablehlo.subtract %arg4, %118 : tensor<2x64x8x512xf32>
    %cst_57 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %120 = stablehlo.broadcast_in_dim %cst_57, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %121 = stablehlo.multiply %120, %101 : tensor<2x512x64x8xf32>
    %122 = stablehlo.subtract %arg5, %121 : tensor<2x512x64x8xf32>
    %cst_58 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %123 = stablehlo.broadcast_in_dim %cst_58, dims = [] : (tensor<f32>) -> tensor<2x512x64x8xf32>
    %124 = stablehlo.multiply %123, %104 : tensor<2x512x64x8xf32>
    %125 = stablehlo.subtract %arg6, %124 : tensor<2x512x64x8xf32>
    return %51, %107, %110, %113, %116, %119, %122, %125, %86, %89, %92, %95, %98, %101, %104 : tensor<f32>, tensor<2048x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>, tensor<2048x512xf32>, tensor<2x512x1024xf32>, tensor<2x1024x512xf32>, tensor<2x512x64x8xf32>, tensor<2x64x8x512xf32>, tensor<2x512x64x8xf32>, tensor<2x512x64x8xf32>
  }
  func.func private @_where(%arg0: tensor<16x16xi1>, %arg1: tensor<f32>) -> (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) {
    %0 = stablehlo.convert %arg1 : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %arg0, dims = [2, 3] : (tensor<16x16xi1>) -> tensor<32x64x16x16xi1>
    %2 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    return %1, %2 : tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_index_in_dim(%arg0: tensor<2x512x1024xf32>, %arg1: tensor<i32>) -> tensor<512x1024xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, sizes = [1, 512, 1024] : (tensor<2x512x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x512x1024xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x512x1024xf32>) -> tensor<512x1024xf32>
    return %1 : tensor<512x1024xf32>
  }
  func.func private @dynamic_index_in_dim_0(%arg0: tensor<2x1024x512xf32>, %arg1: tensor<i32>) -> tensor<1024x512xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, sizes = [1, 1024, 512] : (tensor<2x1024x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1024x512xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x1024x512xf32>) -> tensor<1024x512xf32>
    return %1 : tensor<1024x512xf32>
  }
  func.func private @dynamic_index_in_dim_1(%arg0: tensor<2x512x64x8xf32>, %arg1: tensor<i32>) -> tensor<512x64x8xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 512, 64, 8] : (tensor<2x512x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x512x64x8xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x512x64x8xf32>) -> tensor<512x64x8xf32>
    return %1 : tensor<512x64x8xf32>
  }
  func.func private @dynamic_index_in_dim_2(%arg0: tensor<2x64x8x512xf32>, %arg1: tensor<i32>) -> tensor<64x8x512xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, sizes = [1, 64, 8, 512] : (tensor<2x64x8x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x64x8x512xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x64x8x512xf32>) -> tensor<64x8x512xf32>
    return %1 : tensor<64x8x512xf32>
  }
  func.func private @closed_call(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x64x16x16xf32>, %arg2: tensor<f32>, %arg3: tensor<32x16x512xf32>, %arg4: tensor<512x1024xf32>, %arg5: tensor<1024x512xf32>, %arg6: tensor<512x64x8xf32>, %arg7: tensor<64x8x512xf32>, %arg8: tensor<512x64x8xf32>, %arg9: tensor<512x64x8xf32>) -> (tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>) {
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
    %13 = sdy.sharding_constraint %12 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %14 = stablehlo.dot_general %13, %arg8, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<512x64x8xf32>) -> tensor<32x16x64x8xf32>
    %15 = stablehlo.dot_general %13, %arg6, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<512x64x8xf32>) -> tensor<32x16x64x8xf32>
    %16 = stablehlo.dot_general %13, %arg9, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<512x64x8xf32>) -> tensor<32x16x64x8xf32>
    %17 = stablehlo.dot_general %14, %15, batching_dims = [0, 2] x [0, 2], contracting_dims = [3] x [3], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>) -> tensor<32x64x16x16xf32>
    %cst_3 = stablehlo.constant dense<2.82842708> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %19 = stablehlo.divide %17, %18 : tensor<32x64x16x16xf32>
    %20 = call @_where_3(%19, %arg0, %arg1) : (tensor<32x64x16x16xf32>, tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32>
    %cst_4 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %21 = stablehlo.reduce(%20 init: %cst_4) applies stablehlo.maximum across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %cst_5 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<32x64x16xf32>
    %23 = stablehlo.maximum %22, %21 : tensor<32x64x16xf32>
    %24 = stablehlo.broadcast_in_dim %23, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %26 = stablehlo.subtract %20, %25 : tensor<32x64x16x16xf32>
    %27 = stablehlo.exponential %26 : tensor<32x64x16x16xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %28 = stablehlo.reduce(%27 init: %cst_6) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %29 = stablehlo.broadcast_in_dim %28, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %30 = stablehlo.broadcast_in_dim %29, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %31 = stablehlo.divide %27, %30 : tensor<32x64x16x16xf32>
    %32 = stablehlo.multiply %29, %29 : tensor<32x64x16x1xf32>
    %cst_7 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %33 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<32x64x16x1xf32>
    %34 = stablehlo.divide %33, %32 : tensor<32x64x16x1xf32>
    %35 = stablehlo.dot_general %16, %31, batching_dims = [0, 2] x [0, 1], contracting_dims = [1] x [3], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<32x64x16x16xf32>) -> tensor<32x64x8x16xf32>
    %36 = stablehlo.transpose %35, dims = [0, 3, 1, 2] : (tensor<32x64x8x16xf32>) -> tensor<32x16x64x8xf32>
    %37 = stablehlo.dot_general %36, %arg7, contracting_dims = [2, 3] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<64x8x512xf32>) -> tensor<32x16x512xf32>
    %38 = stablehlo.add %arg3, %37 : tensor<32x16x512xf32>
    %39 = sdy.sharding_constraint %38 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %40 = stablehlo.multiply %39, %39 : tensor<32x16x512xf32>
    %cst_8 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %41 = stablehlo.reduce(%40 init: %cst_8) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %42 = stablehlo.broadcast_in_dim %41, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %cst_9 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %43 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %44 = stablehlo.divide %42, %43 : tensor<32x16x1xf32>
    %cst_10 = stablehlo.constant dense<9.99999997E-7> : tensor<f32>
    %45 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %46 = stablehlo.add %44, %45 : tensor<32x16x1xf32>
    %47 = stablehlo.rsqrt %46 : tensor<32x16x1xf32>
    %48 = stablehlo.divide %47, %46 : tensor<32x16x1xf32>
    %cst_11 = stablehlo.constant dense<-5.000000e-01> : tensor<f32>
    %49 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %50 = stablehlo.multiply %49, %48 : tensor<32x16x1xf32>
    %51 = stablehlo.broadcast_in_dim %47, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %52 = stablehlo.multiply %39, %51 : tensor<32x16x512xf32>
    %53 = stablehlo.dot_general %52, %arg4, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<512x1024xf32>) -> tensor<32x16x1024xf32>
    %54 = stablehlo.multiply %53, %53 : tensor<32x16x1024xf32>
    %55 = stablehlo.multiply %54, %53 : tensor<32x16x1024xf32>
    %56 = stablehlo.multiply %53, %53 : tensor<32x16x1024xf32>
    %cst_12 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %57 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %58 = stablehlo.multiply %57, %56 : tensor<32x16x1024xf32>
    %cst_13 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
    %59 = stablehlo.broadcast_in_dim %cst_13, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %60 = stablehlo.multiply %59, %55 : tensor<32x16x1024xf32>
    %61 = stablehlo.add %53, %60 : tensor<32x16x1024xf32>
    %cst_14 = stablehlo.constant dense<0.797884583> : tensor<f32>
    %62 = stablehlo.broadcast_in_dim %cst_14, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %63 = stablehlo.multiply %62, %61 : tensor<32x16x1024xf32>
    %64 = stablehlo.tanh %63 : tensor<32x16x1024xf32>
    %65 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %66 = stablehlo.subtract %65, %64 : tensor<32x16x1024xf32>
    %cst_15 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %67 = stablehlo.broadcast_in_dim %cst_15, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %68 = stablehlo.add %67, %64 : tensor<32x16x1024xf32>
    %cst_16 = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %69 = stablehlo.broadcast_in_dim %cst_16, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %70 = stablehlo.multiply %69, %68 : tensor<32x16x1024xf32>
    %71 = stablehlo.multiply %53, %70 : tensor<32x16x1024xf32>
    %72 = stablehlo.dot_general %71, %arg5, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<1024x512xf32>) -> tensor<32x16x512xf32>
    %73 = stablehlo.add %39, %72 : tensor<32x16x512xf32>
    %74 = sdy.sharding_constraint %73 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    return %74, %arg3, %10, %7, %13, %15, %14, %27, %29, %34, %31, %16, %36, %39, %50, %47, %52, %58, %64, %66, %70, %53, %71 : tensor<32x16x512xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x64x16x16xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x1xf32>, tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>, tensor<32x16x64x8xf32>, tensor<32x16x512xf32>, tensor<32x16x1xf32>, tensor<32x16x1xf32>, tensor<32x16x512xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>, tensor<32x16x1024xf32>
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
  func.func private @dynamic_update_index_in_dim_5(%arg0: tensor<2x32x16x64x8xf32>, %arg1: tensor<32x16x64x8xf32>, %arg2: tensor<i32>) -> tensor<2x32x16x64x8xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3, 4] : (tensor<32x16x64x8xf32>) -> tensor<1x32x16x64x8xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1, %c_2 : (tensor<2x32x16x64x8xf32>, tensor<1x32x16x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x32x16x64x8xf32>
    return %1 : tensor<2x32x16x64x8xf32>
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
  func.func private @log_softmax(%arg0: tensor<32x16x2048xf32>) -> (tensor<32x16x2048xf32>, tensor<32x16x2048xf32>, tensor<32x16x1xf32>) {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %cst_0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<32x16xf32>
    %2 = stablehlo.maximum %1, %0 : tensor<32x16xf32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x2048xf32>
    %5 = stablehlo.subtract %arg0, %4 : tensor<32x16x2048xf32>
    %6 = stablehlo.exponential %5 : tensor<32x16x2048xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %7 = stablehlo.reduce(%6 init: %cst_1) applies stablehlo.add across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %9 = stablehlo.log %8 : tensor<32x16x1xf32>
    %10 = stablehlo.broadcast_in_dim %9, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x2048xf32>
    %11 = stablehlo.subtract %5, %10 : tensor<32x16x2048xf32>
    return %11, %6, %8 : tensor<32x16x2048xf32>, tensor<32x16x2048xf32>, tensor<32x16x1xf32>
  }
  func.func private @take_along_axis(%arg0: tensor<32x16x2048xf32>, %arg1: tensor<32x16x1xi32>) -> (tensor<32x16x1xf32>, tensor<32x16x1x1xi32>) {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<i32>) -> tensor<32x16x1xi32>
    %1 = stablehlo.compare LT, %arg1, %0, SIGNED : (tensor<32x16x1xi32>, tensor<32x16x1xi32>) -> tensor<32x16x1xi1>
    %c_0 = stablehlo.constant dense<2048> : tensor<i32>
    %2 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<32x16x1xi32>
    %3 = stablehlo.add %arg1, %2 : tensor<32x16x1xi32>
    %4 = stablehlo.select %1, %3, %arg1 : tensor<32x16x1xi1>, tensor<32x16x1xi32>
    %5 = stablehlo.reshape %4 : (tensor<32x16x1xi32>) -> tensor<32x16x1x1xi32>
    %6 = "stablehlo.gather"(%arg0, %5) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [2], operand_batching_dims = [0, 1], start_indices_batching_dims = [0, 1], start_index_map = [2], index_vector_dim = 3>, indices_are_sorted = false, slice_sizes = array<i64: 1, 1, 1>}> : (tensor<32x16x2048xf32>, tensor<32x16x1x1xi32>) -> tensor<32x16x1xf32>
    return %6, %5 : tensor<32x16x1xf32>, tensor<32x16x1x1xi32>
  }
  func.func private @take_along_axis_9(%arg0: tensor<32x16x1x1xi32>, %arg1: tensor<32x16x1xf32>) -> tensor<32x16x2048xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x16x2048xf32>
    %c = stablehlo.constant dense<2047> : tensor<1xi32>
    %c_0 = stablehlo.constant dense<2147483647> : tensor<i32>
    %1 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<1xi32>
    %2 = stablehlo.minimum %c, %1 : tensor<1xi32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [3] : (tensor<1xi32>) -> tensor<32x16x1x1xi32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %4 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<32x16x1x1xi32>
    %5 = stablehlo.clamp %4, %arg0, %3 : tensor<32x16x1x1xi32>
    %6 = "stablehlo.scatter"(%0, %5, %arg1) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [2], input_batching_dims = [0, 1], scatter_indices_batching_dims = [0, 1], scatter_dims_to_operand_dims = [2], index_vector_dim = 3>, unique_indices = false}> ({
    ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>):
      %7 = stablehlo.add %arg2, %arg3 : tensor<f32>
      stablehlo.return %7 : tensor<f32>
    }) : (tensor<32x16x2048xf32>, tensor<32x16x1x1xi32>, tensor<32x16x1xf32>) -> tensor<32x16x2048xf32>
    return %6 : tensor<32x16x2048xf32>
  }
  func.func private @log_softmax_10(%arg0: tensor<32x16x2048xf32>, %arg1: tensor<32x16x1xf32>, %arg2: tensor<32x16x2048xf32>) -> tensor<32x16x2048xf32> {
    %0 = stablehlo.negate %arg2 : tensor<32x16x2048xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<32x16x2048xf32>, tensor<f32>) -> tensor<32x16xf32>
    %2 = stablehlo.reshape %1 : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %3 = stablehlo.divide %2, %arg1 : tensor<32x16x1xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %4 = stablehlo.reduce(%3 init: %cst_0) applies stablehlo.add across dimensions = [2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<32x16xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x2048xf32>
    %6 = stablehlo.multiply %5, %arg0 : tensor<32x16x2048xf32>
    %7 = stablehlo.add %arg2, %6 : tensor<32x16x2048xf32>
    return %7 : tensor<32x16x2048xf32>
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
  func.func private @dynamic_index_in_dim_13(%arg0: tensor<2x32x16x64x8xf32>, %arg1: tensor<i32>) -> tensor<32x16x64x8xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, %c_1, %c_2, sizes = [1, 32, 16, 64, 8] : (tensor<2x32x16x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x32x16x64x8xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x32x16x64x8xf32>) -> tensor<32x16x64x8xf32>
    return %1 : tensor<32x16x64x8xf32>
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
  func.func private @closed_call_17(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x16x512xf32>, %arg2: tensor<32x16x512xf32>, %arg3: tensor<32x16x1xf32>, %arg4: tensor<32x16x1xf32>, %arg5: tensor<512x64x8xf32>, %arg6: tensor<32x16x512xf32>, %arg7: tensor<512x64x8xf32>, %arg8: tensor<512x64x8xf32>, %arg9: tensor<32x16x64x8xf32>, %arg10: tensor<32x16x64x8xf32>, %arg11: tensor<32x64x16x16xf32>, %arg12: tensor<32x64x16x1xf32>, %arg13: tensor<32x64x16x1xf32>, %arg14: tensor<32x64x16x16xf32>, %arg15: tensor<32x16x64x8xf32>, %arg16: tensor<64x8x512xf32>, %arg17: tensor<32x16x64x8xf32>, %arg18: tensor<32x16x512xf32>, %arg19: tensor<32x16x1xf32>, %arg20: tensor<32x16x1xf32>, %arg21: tensor<512x1024xf32>, %arg22: tensor<32x16x512xf32>, %arg23: tensor<32x16x1024xf32>, %arg24: tensor<32x16x1024xf32>, %arg25: tensor<32x16x1024xf32>, %arg26: tensor<32x16x1024xf32>, %arg27: tensor<32x16x1024xf32>, %arg28: tensor<1024x512xf32>, %arg29: tensor<32x16x1024xf32>) -> (tensor<32x16x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>) {
    %0 = sdy.sharding_constraint %arg1 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %1 = stablehlo.dot_general %0, %arg29, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<32x16x1024xf32>) -> tensor<512x1024xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<512x1024xf32>) -> tensor<1024x512xf32>
    %3 = stablehlo.dot_general %0, %arg28, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<1024x512xf32>) -> tensor<32x16x1024xf32>
    %4 = stablehlo.multiply %arg27, %3 : tensor<32x16x1024xf32>
    %5 = stablehlo.multiply %3, %arg26 : tensor<32x16x1024xf32>
    %cst = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %7 = stablehlo.multiply %6, %4 : tensor<32x16x1024xf32>
    %8 = stablehlo.multiply %7, %arg25 : tensor<32x16x1024xf32>
    %9 = stablehlo.multiply %8, %arg24 : tensor<32x16x1024xf32>
    %10 = stablehlo.add %8, %9 : tensor<32x16x1024xf32>
    %cst_0 = stablehlo.constant dense<0.797884583> : tensor<f32>
    %11 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %12 = stablehlo.multiply %11, %10 : tensor<32x16x1024xf32>
    %13 = stablehlo.add %5, %12 : tensor<32x16x1024xf32>
    %cst_1 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
    %14 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<32x16x1024xf32>
    %15 = stablehlo.multiply %14, %12 : tensor<32x16x1024xf32>
    %16 = stablehlo.multiply %15, %arg23 : tensor<32x16x1024xf32>
    %17 = stablehlo.add %13, %16 : tensor<32x16x1024xf32>
    %18 = stablehlo.dot_general %17, %arg22, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<32x16x512xf32>) -> tensor<1024x512xf32>
    %19 = stablehlo.transpose %18, dims = [1, 0] : (tensor<1024x512xf32>) -> tensor<512x1024xf32>
    %20 = stablehlo.dot_general %17, %arg21, contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x1024xf32>, tensor<512x1024xf32>) -> tensor<32x16x512xf32>
    %21 = stablehlo.multiply %arg18, %20 : tensor<32x16x512xf32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %22 = stablehlo.reduce(%21 init: %cst_2) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %23 = stablehlo.reshape %22 : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %24 = stablehlo.broadcast_in_dim %arg20, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %25 = stablehlo.multiply %20, %24 : tensor<32x16x512xf32>
    %26 = stablehlo.add %0, %25 : tensor<32x16x512xf32>
    %27 = stablehlo.multiply %23, %arg19 : tensor<32x16x1xf32>
    %cst_3 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %28 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %29 = stablehlo.divide %27, %28 : tensor<32x16x1xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %30 = stablehlo.reduce(%29 init: %cst_4) applies stablehlo.add across dimensions = [2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<32x16xf32>
    %31 = stablehlo.broadcast_in_dim %30, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x512xf32>
    %32 = stablehlo.multiply %arg18, %31 : tensor<32x16x512xf32>
    %33 = stablehlo.add %26, %32 : tensor<32x16x512xf32>
    %34 = stablehlo.multiply %31, %arg18 : tensor<32x16x512xf32>
    %35 = stablehlo.add %33, %34 : tensor<32x16x512xf32>
    %36 = sdy.sharding_constraint %35 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %37 = stablehlo.dot_general %36, %arg17, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<32x16x64x8xf32>) -> tensor<512x64x8xf32>
    %38 = stablehlo.transpose %37, dims = [1, 2, 0] : (tensor<512x64x8xf32>) -> tensor<64x8x512xf32>
    %39 = stablehlo.dot_general %36, %arg16, contracting_dims = [2] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x512xf32>, tensor<64x8x512xf32>) -> tensor<32x16x64x8xf32>
    %40 = stablehlo.transpose %39, dims = [0, 2, 3, 1] : (tensor<32x16x64x8xf32>) -> tensor<32x64x8x16xf32>
    %41 = stablehlo.dot_general %40, %arg15, batching_dims = [0, 1] x [0, 2], contracting_dims = [2] x [3], precision = [DEFAULT, DEFAULT] : (tensor<32x64x8x16xf32>, tensor<32x16x64x8xf32>) -> tensor<32x64x16x16xf32>
    %42 = stablehlo.dot_general %40, %arg14, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2], precision = [DEFAULT, DEFAULT] : (tensor<32x64x8x16xf32>, tensor<32x64x16x16xf32>) -> tensor<32x64x8x16xf32>
    %43 = stablehlo.transpose %42, dims = [0, 3, 1, 2] : (tensor<32x64x8x16xf32>) -> tensor<32x16x64x8xf32>
    %44 = stablehlo.broadcast_in_dim %arg13, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %45 = stablehlo.multiply %41, %44 : tensor<32x64x16x16xf32>
    %46 = stablehlo.multiply %45, %arg11 : tensor<32x64x16x16xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %47 = stablehlo.reduce(%46 init: %cst_5) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x16xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %48 = stablehlo.reshape %47 : (tensor<32x64x16xf32>) -> tensor<32x64x16x1xf32>
    %49 = stablehlo.negate %48 : tensor<32x64x16x1xf32>
    %50 = stablehlo.broadcast_in_dim %arg12, dims = [0, 1, 2, 3] : (tensor<32x64x16x1xf32>) -> tensor<32x64x16x16xf32>
    %51 = stablehlo.divide %41, %50 : tensor<32x64x16x16xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %52 = stablehlo.reduce(%49 init: %cst_6) applies stablehlo.add across dimensions = [3] : (tensor<32x64x16x1xf32>, tensor<f32>) -> tensor<32x64x16xf32>
    %53 = stablehlo.broadcast_in_dim %52, dims = [0, 1, 2] : (tensor<32x64x16xf32>) -> tensor<32x64x16x16xf32>
    %54 = stablehlo.add %51, %53 : tensor<32x64x16x16xf32>
    %55 = stablehlo.multiply %54, %arg11 : tensor<32x64x16x16xf32>
    %56 = call @_where_18(%arg0, %55) : (tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32>
    %cst_7 = stablehlo.constant dense<2.82842708> : tensor<f32>
    %57 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %58 = stablehlo.divide %56, %57 : tensor<32x64x16x16xf32>
    %59 = stablehlo.dot_general %58, %arg10, batching_dims = [0, 1] x [0, 2], contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>) -> tensor<32x64x16x8xf32>
    %60 = stablehlo.transpose %59, dims = [0, 2, 1, 3] : (tensor<32x64x16x8xf32>) -> tensor<32x16x64x8xf32>
    %61 = stablehlo.dot_general %58, %arg9, batching_dims = [0, 1] x [0, 2], contracting_dims = [3] x [1], precision = [DEFAULT, DEFAULT] : (tensor<32x64x16x16xf32>, tensor<32x16x64x8xf32>) -> tensor<32x64x16x8xf32>
    %62 = stablehlo.transpose %61, dims = [0, 2, 1, 3] : (tensor<32x64x16x8xf32>) -> tensor<32x16x64x8xf32>
    %63 = stablehlo.dot_general %43, %arg6, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %64 = stablehlo.transpose %63, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %65 = stablehlo.dot_general %43, %arg8, contracting_dims = [2, 3] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %66 = stablehlo.dot_general %60, %arg6, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %67 = stablehlo.transpose %66, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %68 = stablehlo.dot_general %60, %arg7, contracting_dims = [2, 3] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %69 = stablehlo.add %65, %68 : tensor<32x16x512xf32>
    %70 = stablehlo.dot_general %62, %arg6, contracting_dims = [0, 1] x [0, 1], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<32x16x512xf32>) -> tensor<64x8x512xf32>
    %71 = stablehlo.transpose %70, dims = [2, 0, 1] : (tensor<64x8x512xf32>) -> tensor<512x64x8xf32>
    %72 = stablehlo.dot_general %62, %arg5, contracting_dims = [2, 3] x [1, 2], precision = [DEFAULT, DEFAULT] : (tensor<32x16x64x8xf32>, tensor<512x64x8xf32>) -> tensor<32x16x512xf32>
    %73 = stablehlo.add %69, %72 : tensor<32x16x512xf32>
    %74 = sdy.sharding_constraint %73 <@mesh, [{"x"}, {}, {"y"}]> : tensor<32x16x512xf32>
    %75 = stablehlo.multiply %arg2, %74 : tensor<32x16x512xf32>
    %cst_8 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %76 = stablehlo.reduce(%75 init: %cst_8) applies stablehlo.add across dimensions = [2] : (tensor<32x16x512xf32>, tensor<f32>) -> tensor<32x16xf32>
    %77 = stablehlo.reshape %76 : (tensor<32x16xf32>) -> tensor<32x16x1xf32>
    %78 = stablehlo.broadcast_in_dim %arg4, dims = [0, 1, 2] : (tensor<32x16x1xf32>) -> tensor<32x16x512xf32>
    %79 = stablehlo.multiply %74, %78 : tensor<32x16x512xf32>
    %80 = stablehlo.add %36, %79 : tensor<32x16x512xf32>
    %81 = stablehlo.multiply %77, %arg3 : tensor<32x16x1xf32>
    %cst_9 = stablehlo.constant dense<5.120000e+02> : tensor<f32>
    %82 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<32x16x1xf32>
    %83 = stablehlo.divide %81, %82 : tensor<32x16x1xf32>
    %cst_10 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %84 = stablehlo.reduce(%83 init: %cst_10) applies stablehlo.add across dimensions = [2] : (tensor<32x16x1xf32>, tensor<f32>) -> tensor<32x16xf32>
    %85 = stablehlo.broadcast_in_dim %84, dims = [0, 1] : (tensor<32x16xf32>) -> tensor<32x16x512xf32>
    %86 = stablehlo.multiply %arg2, %85 : tensor<32x16x512xf32>
    %87 = stablehlo.add %80, %86 : tensor<32x16x512xf32>
    %88 = stablehlo.multiply %85, %arg2 : tensor<32x16x512xf32>
    %89 = stablehlo.add %87, %88 : tensor<32x16x512xf32>
    return %89, %19, %2, %67, %38, %71, %64 : tensor<32x16x512xf32>, tensor<512x1024xf32>, tensor<1024x512xf32>, tensor<512x64x8xf32>, tensor<64x8x512xf32>, tensor<512x64x8xf32>, tensor<512x64x8xf32>
  }
  func.func private @_where_18(%arg0: tensor<32x64x16x16xi1>, %arg1: tensor<32x64x16x16xf32>) -> tensor<32x64x16x16xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<32x64x16x16xf32>
    %1 = stablehlo.select %arg0, %arg1, %0 : tensor<32x64x16x16xi1>, tensor<32x64x16x16xf32>
    return %1 : tensor<32x64x16x16xf32>
  }
  func.func private @dynamic_update_index_in_dim_19(%arg0: tensor<2x512x1024xf32>, %arg1: tensor<512x1024xf32>, %arg2: tensor<i32>) -> tensor<2x512x1024xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2] : (tensor<512x1024xf32>) -> tensor<1x512x1024xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0 : (tensor<2x512x1024xf32>, tensor<1x512x1024xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x512x1024xf32>
    return %1 : tensor<2x512x1024xf32>
  }
  func.func private @dynamic_update_index_in_dim_20(%arg0: tensor<2x1024x512xf32>, %arg1: tensor<1024x512xf32>, %arg2: tensor<i32>) -> tensor<2x1024x512xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2] : (tensor<1024x512xf32>) -> tensor<1x1024x512xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0 : (tensor<2x1024x512xf32>, tensor<1x1024x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x1024x512xf32>
    return %1 : tensor<2x1024x512xf32>
  }
  func.func private @dynamic_update_index_in_dim_21(%arg0: tensor<2x512x64x8xf32>, %arg1: tensor<512x64x8xf32>, %arg2: tensor<i32>) -> tensor<2x512x64x8xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<512x64x8xf32>) -> tensor<1x512x64x8xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x512x64x8xf32>, tensor<1x512x64x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x512x64x8xf32>
    return %1 : tensor<2x512x64x8xf32>
  }
  func.func private @dynamic_update_index_in_dim_22(%arg0: tensor<2x64x8x512xf32>, %arg1: tensor<64x8x512xf32>, %arg2: tensor<i32>) -> tensor<2x64x8x512xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2, 3] : (tensor<64x8x512xf32>) -> tensor<1x64x8x512xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0, %c_1 : (tensor<2x64x8x512xf32>, tensor<1x64x8x512xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x64x8x512xf32>
    return %1 : tensor<2x64x8x512xf32>
  }
}
