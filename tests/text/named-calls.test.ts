/** Exported StableHLO as other front ends write it: CHLO's ops as custom_calls, tuples in the generic form. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compile, importStablehlo, runCheck } from '../../compiler/index.ts';

const ARG = 'tensor<8x64xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y"}]>}';

it.each([
  [
    'erf',
    'tensor<8x64xf32>',
    '%r = stablehlo.custom_call @mhlo.erf(%a) {mhlo.attributes = {}, mhlo.version = 1 : i64} : (tensor<8x64xf32>) -> tensor<8x64xf32>',
  ],
  [
    'top_k',
    'tensor<8x4xf32>',
    '%r:2 = stablehlo.custom_call @mhlo.topk(%a) {mhlo.attributes = {k = 4 : i64, largest = true}, mhlo.version = 1 : i64} : (tensor<8x64xf32>) -> (tensor<8x4xf32>, tensor<8x4xi32>)',
  ],
  [
    'negate',
    'tensor<8x64xf32>',
    `%n = stablehlo.negate %a : tensor<8x64xf32>
  %t = "stablehlo.tuple"(%a, %n) : (tensor<8x64xf32>, tensor<8x64xf32>) -> tuple<tensor<8x64xf32>, tensor<8x64xf32>>
  %r = "stablehlo.get_tuple_element"(%t) <{index = 1 : i32}> : (tuple<tensor<8x64xf32>, tensor<8x64xf32>>) -> tensor<8x64xf32>`,
  ],
])('%s', (kind, type, body) => {
  const text = `module @m {
sdy.mesh @mesh = <["x"=2, "y"=2]>
func.func public @main(%a: ${ARG}) -> ${type} {
  ${body}
  return ${body.includes('%r:2') ? '%r#0' : '%r'} : ${type}
}
}`;
  const compiled = compile(importStablehlo({ file: 'm.mlir', text }));
  expect(compiled.source.functions[0]?.body.ops.map((op) => op.kind)).toContain(kind);
  expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
});

it('ApproxTopK by a comparator whose name is quoted', () => {
  const file = 'tests/xla/fixtures/approx_top_k.mlir';
  const text = readFileSync(file, 'utf8').replaceAll('@top_k_gt_f32_comparator', '@"greater than"');
  expect(text).toContain('called_computations = [@"greater than"]');
  const compiled = compile(importStablehlo({ file, text }));
  expect(compiled.source.functions.map((f) => f.name)).toEqual(['main']);
  expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
});
