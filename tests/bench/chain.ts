/** A chain of elementwise ops as StableHLO text, annotated at its start: as long as wanted. */
export function chain(length: number): string {
  const ops = Array.from({ length }, (_, i) => {
    const value = i === 0 ? '%arg0' : `%${i - 1}`;
    return i % 3 === 2
      ? `  %${i} = stablehlo.add ${value}, %arg1 : tensor<64x64xf32>`
      : `  %${i} = stablehlo.tanh ${value} : tensor<64x64xf32>`;
  });
  const layout = (dims: string): string => `{sdy.sharding = #sdy.sharding<@mesh, [${dims}]>}`;
  return `sdy.mesh @mesh = <["x"=2, "y"=4]>
func.func @main(%arg0: tensor<64x64xf32> ${layout('{"x"}, {?}')}, %arg1: tensor<64x64xf32> ${layout('{?}, {"y", ?}')}) -> tensor<64x64xf32> {
${ops.join('\n')}
  return %${length - 1} : tensor<64x64xf32>
}
`;
}
