/** What a loop carries unchanged is read from outside: fewer values in its state, one gather before it. */
import { describe, expect, it } from 'vitest';
import {
  compile,
  explainValue,
  importStablehlo,
  machine,
  makeReport,
  parseTir,
  runCheck,
} from '../../compiler/index.ts';
import { mainFunction, type Module, walkOps } from '../../ir/program.ts';

const TEXT = `module @m
mesh @mesh {x=4}
func @main(%x: f32[8, 16] @{x, _}, %w: f32[16, 16] @{x, _}) -> (f32[8, 16] @{x, _}, f32[16, 16] @{x, _}) {
  %zero = constant 0 : i32[]
  %i, %y, %v = while %zero, %x, %w trip_count=5 cond (%k: i32[], %c: f32[8, 16], %d: f32[16, 16]) {
    %n = constant 5 : i32[]
    %go = compare %k, %n direction=LT
    return %go
  } do (%i0: i32[], %a: f32[8, 16], %b: f32[16, 16]) {
    %one = constant 1 : i32[]
    %j = add %i0, %one
    %p = dot_general %a, %b lhs_contracting=[1] rhs_contracting=[0] : f32[8, 16]
    %t = tanh %p
    return %j, %t, %b
  }
  return %y, %v
}
`;

describe('loop-invariants', () => {
  it('leaves the state smaller, the numbers alone, and gathers before the loop', () => {
    const compiled = compile(parseTir({ file: 'loop.tir', text: TEXT }));
    const loop = [...walkOps(mainFunction(compiled.module).body)].find((op) => op.kind === 'while');
    expect(loop?.results).toHaveLength(2);
    const check = runCheck(compiled, 'full', 1);
    expect(check).toMatchObject({ verdict: 'ok' });
    const { report } = makeReport(compiled, machine('tpu-v5e'), check);
    expect(report.wireBytes).toBeLessThanOrEqual(5 * 3 * 256);
  });

  /** A loop that carries `%w` as it is, in StableHLO; `said`: of the loop, `edge`: after it. */
  const carried = (said: string, edge: string, result: string): string => `module {
  sdy.mesh @mesh = <["x"=2, "y"=2]>
  func.func @main(%arg0: tensor<8x8xf32>, %arg1: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.constant dense<5> : tensor<i32>
    %2:3 = stablehlo.while(%i = %0, %c = %arg0, %w = %arg1) : tensor<i32>, tensor<8x8xf32>, tensor<8x8xf32> ${said}
    cond {
      %3 = stablehlo.compare LT, %i, %1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %3 : tensor<i1>
    } do {
      %3 = stablehlo.constant dense<1> : tensor<i32>
      %4 = stablehlo.add %i, %3 : tensor<i32>
      %5 = stablehlo.add %c, %w : tensor<8x8xf32>
      stablehlo.return %4, %5, %w : tensor<i32>, tensor<8x8xf32>, tensor<8x8xf32>
    }
    ${edge}
    return ${result} : tensor<8x8xf32>
  }
}`;
  const SAID =
    'attributes {sdy.sharding = #sdy.sharding_per_value<[<@mesh, []>, <@mesh, [{}, {}]>, <@mesh, [{"x"}, {"y"}]>]>}';
  const EDGE = '%9 = sdy.data_flow_edge %2#2 sharding=<@mesh, [{"x"}, {"y"}]> : tensor<8x8xf32>';

  it.each([
    ['the loop', carried(SAID, '', '%2#2')],
    ['an edge', carried('', EDGE, '%9')],
  ])('what %s says of an invariant is kept', (_, text) => {
    const { module } = compile(importStablehlo({ file: 'said.mlir', text }));
    const [layout] = mainFunction(module).resultLayouts;
    expect(layout?.dims.map((d) => d.axes.map((a) => a.name))).toEqual([['x'], ['y']]);
  });

  it('an annotated one may lie otherwise inside, as the loop suggests', () => {
    const text = TEXT.replace(
      '%x: f32[8, 16] @{x, _}, %w: f32[16, 16] @{x, _}',
      '%x: f32[8, 16] @{_, x}, %w: f32[16, 16] @{_, _}',
    );
    const compiled = compile(parseTir({ file: 'loop.tir', text }));
    const { body, values } = mainFunction(compiled.propagated as Module);
    const read = [...walkOps(body)].find((op) => op.kind === 'sharding_constraint');
    expect(values[read?.operands[0] ?? -1]?.name).toBe('w');
    const waysOf = (v: number | undefined): number => values[v ?? -1]?.layout?.dims.flatMap((d) => d.axes).length ?? 0;
    expect([read?.operands[0], read?.results[0]].map(waysOf)).toEqual([0, 1]);
    expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });

  it('explain knows an invariant by its names in the loop and after it', () => {
    const compiled = compile(parseTir({ file: 'loop.tir', text: TEXT }));
    const names = mainFunction(compiled.source).values.map((v) => v.name);
    const known = mainFunction(compiled.propagated as Module).values.map((v) => v.name);
    const gone = names.filter((n) => n !== undefined && !known.includes(n));
    expect(gone.length).toBeGreaterThan(1);
    for (const name of gone) expect(explainValue(compiled, `%${name}`)).toMatch(/^%w : /);
  });
});
