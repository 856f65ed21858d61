/** Splits of a dot that no layout around it suggests, where they move less. */
import { describe, expect, it } from 'vitest';
import { compile, machine, makeReport, parseTir, runCheck } from '../../compiler/index.ts';

/** Gates of unequal sizes out of one product, as in Mamba: cut along rows they are cut apart locally. */
const TEXT = `module @m
mesh @mesh {x=2, y=4}
func @main(%x: f32[8, 32, 32] @{x, _, _}, %w: f32[32, 144] @{_, _}) -> (f32[8, 32, 64] @{x, _, y}, f32[8, 32, 80] @{x, _, y}) {
  %u = dot_general %x, %w lhs_contracting=[2] rhs_contracting=[0] : f32[8, 32, 144]
  %a = slice %u start=[0, 0, 0] limit=[8, 32, 64]
  %b = slice %u start=[0, 0, 64] limit=[8, 32, 144]
  return %a, %b
}
`;

describe('a dot whose columns are cut apart unevenly', () => {
  it('is split along its rows: two exchanges, and no less work per device', () => {
    const compiled = compile(parseTir({ file: 'gates.tir', text: TEXT }));
    const check = runCheck(compiled, 'full', 1);
    expect(check).toMatchObject({ verdict: 'ok' });
    const { report, cost } = makeReport(compiled, machine('tpu-v5e'), check);
    expect(cost.matrixFlops).toBe((2 * 8 * 32 * 32 * 144) / 8);
    expect(Object.keys(report.collectives)).toEqual(['all_to_all']);
    // Of a device's eighth of both results three quarters go to others.
    expect(report.wireBytes).toBe((0.75 * 8 * 32 * 144 * 4) / 8);
  });
});
