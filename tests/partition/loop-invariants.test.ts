/** What a loop carries unchanged is read from outside: fewer values in its state, one gather before it. */
import { describe, expect, it } from 'vitest';
import { compile, machine, makeReport, parseTir, runCheck } from '../../compiler/index.ts';
import { mainFunction, walkOps } from '../../ir/program.ts';

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
});
