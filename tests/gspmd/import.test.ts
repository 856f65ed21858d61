/** What a program with GSPMD's annotations reads as. */
import { describe, expect, it } from 'vitest';
import { compile, exportSdy, importStablehlo, mainFunction, runCheck } from '../../compiler/index.ts';

const HALVES = '{devices=[2,1,2]<=[4] last_tile_dim_replicate}';
const OTHER = '{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}';
const sdy = (text: string): string => exportSdy(importStablehlo({ file: 'f.mlir', text }));

describe('GSPMD annotations', () => {
  it('stand on arguments, results and ops; an annotated op is followed by a constraint', () =>
    expect(
      sdy(`func.func @main(%a: tensor<8x4xf32> {mhlo.sharding = "${HALVES}", jax.x}) -> (tensor<8x4xf32> {mhlo.sharding = "{replicated}"}) {
        %0 = stablehlo.tanh %a {mhlo.sharding = "${OTHER}"} : tensor<8x4xf32>
        return %0 : tensor<8x4xf32>
      }`),
    ).toBe(`module {
  sdy.mesh @mesh = <["x"=2, "y"=2]>
  func.func @main(%arg0: tensor<8x4xf32> {jax.x, sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> (tensor<8x4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>}) {
    %0 = stablehlo.tanh %arg0 : tensor<8x4xf32>
    %1 = sdy.sharding_constraint %0 <@mesh, [{"y"}, {}]> : tensor<8x4xf32>
    return %1 : tensor<8x4xf32>
  }
}
`));

  it('unspecified dims are open, a tuple gives each result its own, groups share', () => {
    const text = sdy(`func.func @main(%a: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
        %0 = stablehlo.custom_call @Sharding(%a) {backend_config = "unspecified_dims=[1]", mhlo.sharding = "${HALVES}"} : (tensor<8x4xf32>) -> tensor<8x4xf32>
        %1 = stablehlo.custom_call @Sharding(%0) {mhlo.sharding = "{unknown shard_as 3}"} : (tensor<8x4xf32>) -> tensor<8x4xf32>
        %2:2 = stablehlo.optimization_barrier %1, %a {mhlo.sharding = "{{devices=[2,2]<=[4]}, {replicated}}"} : tensor<8x4xf32>, tensor<8x4xf32>
        return %2#0, %2#1 : tensor<8x4xf32>, tensor<8x4xf32>
      }`);
    expect(text).toContain('%0 = sdy.sharding_constraint %arg0 <@mesh, [{"x"}, {?}]>');
    expect(text).toContain('sdy.sharding_group %0 group_id=3');
    expect(text).toContain('sdy.sharding_constraint %1#0 <@mesh, [{"x"}, {"y"}]>');
    expect(text).toContain('sdy.sharding_constraint %1#1 <@mesh, [{}, {}]>');
  });

  it('what was written per device becomes a manual computation, with the constants it reads', () => {
    const text = sdy(`func.func @main(%a: tensor<8x4xf32> {mhlo.sharding = "${HALVES}"}) -> tensor<8x4xf32> {
        %c = stablehlo.constant dense<2.0> : tensor<4x4xf32>
        %0 = stablehlo.custom_call @Sharding(%a) {mhlo.sharding = "${HALVES}"} : (tensor<8x4xf32>) -> tensor<8x4xf32>
        %1 = stablehlo.custom_call @SPMDFullToShardShape(%0) {mhlo.sharding = "{devices=[1,1,2,2]<=[4] last_tile_dims={manual, replicated}}"} : (tensor<8x4xf32>) -> tensor<4x4xf32>
        %2 = stablehlo.multiply %1, %c : tensor<4x4xf32>
        %3 = stablehlo.custom_call @SPMDShardToFullShape(%2) {mhlo.sharding = "${HALVES}"} : (tensor<4x4xf32>) -> tensor<8x4xf32>
        return %3 : tensor<8x4xf32>
      }`);
    expect(text).toContain(
      'sdy.manual_computation(%0) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>] manual_axes={"x"} (%arg1: tensor<4x4xf32>)',
    );
    expect(text).toMatch(/ {6}%\w+ = stablehlo\.constant/);
  });

  it('an annotated scalar is no constraint: loops stay countable', () =>
    expect(
      sdy(`func.func @main(%a: tensor<f32>) -> tensor<f32> {
        %0 = stablehlo.tanh %a {mhlo.sharding = "{replicated}"} : tensor<f32>
        return %0 : tensor<f32>
      }`),
    ).not.toContain('constraint'));

  it('one device alone: every device holds the value, and a warning says so', () => {
    const text = `func.func @main(%a: tensor<8x4xf32> {mhlo.sharding = "{maximal device=2}"}, %b: tensor<8x4xf32> {mhlo.sharding = "${HALVES}"}) -> tensor<8x4xf32> {
        %0 = stablehlo.add %a, %b : tensor<8x4xf32>
        return %0 : tensor<8x4xf32>
      }`;
    const compiled = compile(importStablehlo({ file: 'f.mlir', text }));
    expect(compiled.diagnostics.map((d) => d.code)).toEqual(['SH0405']);
    expect(runCheck(compiled, 'full', 0).verdict).toBe('ok');
  });

  it('a host callback that JAX pins to one device: whole on every one, in both dialects', () => {
    const call = (sharding: string): string =>
      `%0 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%a) {${sharding}} : (tensor<8x4xf32>) -> tensor<8x4xf32>`;
    const shardy = `sdy.mesh @mesh = <["x"=2]>
      sdy.mesh @maximal_mesh_0 = <[], device_ids=[0]>
      func.func @main(%a: tensor<8x4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> tensor<8x4xf32> {
        ${call('sdy.sharding = #sdy.sharding_per_value<[<@maximal_mesh_0, []>]>')}
        return %0 : tensor<8x4xf32>
      }`;
    const gspmd = `func.func @main(%a: tensor<8x4xf32> {mhlo.sharding = "${HALVES}"}) -> tensor<8x4xf32> {
        ${call('mhlo.sharding = "{maximal device=0}"')}
        return %0 : tensor<8x4xf32>
      }`;
    const [one, other] = [shardy, gspmd].map((text) => {
      const { diagnostics, module } = compile(importStablehlo({ file: 'f.mlir', text }));
      expect(diagnostics.map((d) => d.code)).toContain('SH0405');
      return mainFunction(module).body.ops.map((op) => op.kind);
    });
    expect(one).toEqual(other);
    expect(one).toContain('custom_call');
  });

  const asked = (shardings: readonly [string, string, string], call: string): readonly string[] => {
    const [argument, op, result] = shardings;
    const text = `func.func @main(%a: tensor<8x4xf32> {mhlo.sharding = "${argument}"}) -> (tensor<8x4xf32> {mhlo.sharding = "${result}"}) {
        %0 = stablehlo.reverse %a, dims = [1] {mhlo.sharding = "${op}"} : tensor<8x4xf32>
        ${call}
        return %1 : tensor<8x4xf32>
      }`;
    const { module } = compile(importStablehlo({ file: 'f.mlir', text }));
    return (module.functions[0]?.body.ops ?? []).map((op) => op.kind);
  };
  const tanh = 'stablehlo.tanh %0 : tensor<8x4xf32>';
  const sharding = (s: string): string =>
    `stablehlo.custom_call @Sharding(%0) {mhlo.sharding = "${s}"} : (tensor<8x4xf32>) -> tensor<8x4xf32>`;

  it('move nothing that nobody needs moved', () => {
    expect(asked([HALVES, OTHER, HALVES], `%1 = ${tanh}`)).toEqual(['reverse', 'tanh', 'return']);
    expect(asked([HALVES, '{replicated}', HALVES], `%1 = ${tanh}`)).toEqual(['reverse', 'tanh', 'return']);
    expect(asked(['{replicated}', HALVES, '{replicated}'], `%1 = ${tanh}`)).toEqual(['reverse', 'tanh', 'return']);
  });

  it('of a constraint of its own keep the value sharded as far as they say', () => {
    expect(asked(['{replicated}', HALVES, '{replicated}'], `%1 = ${sharding(HALVES)}`)).toContain('all_gather');
    expect(asked([HALVES, HALVES, HALVES], `%1 = ${sharding('{replicated}')}`)).not.toContain('all_gather');
  });
});
