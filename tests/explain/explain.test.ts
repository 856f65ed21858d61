/** explain: every axis back to where it was written, both sides of every conflict, and what is paid for it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  compile,
  type Compiled,
  explainOverview,
  explainValue,
  importStablehlo,
  machine,
  makeReport,
} from '../../compiler/index.ts';
import { mainFunction } from '../../ir/program.ts';

const program = (body: string, args: string, result = 'tensor<16x64xf32>'): Compiled =>
  compile(
    importStablehlo({
      file: 'm.mlir',
      text: `sdy.mesh @mesh = <["x"=2, "y"=4]>
func.func @main(${args}) -> ${result} {
${body}
}
`,
    }),
  );
const sharded = (name: string, shape: string, ...dims: string[]): string =>
  `%${name}: tensor<${shape}xf32> {sdy.sharding = #sdy.sharding<@mesh, [${dims.map((d) => `{${d === '' ? '' : `"${d}"`}}`).join(', ')}]>}`;

const bothFree = program(
  `  %d = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<16x32xf32>, tensor<32x64xf32>) -> tensor<16x64xf32>
  %t = stablehlo.tanh %d : tensor<16x64xf32> loc("model.py":7:3)
  return %t : tensor<16x64xf32>`,
  `${sharded('a', '16x32', 'x', '')}, ${sharded('b', '32x64', '', 'x')}`,
);

describe('explain', () => {
  it('tells both sides of a conflict, the winner, why, and what is paid', () => {
    const text = explainValue(bothFree, '%a');
    expect(text).toContain('met another layout in');
    expect(text).toMatch(/lost x on dim 0 of %a \(i of the op\): annotated: %a {2}\(m\.mlir:2\)/);
    expect(text).toMatch(/won {2}x on dim 1 of %b \(j of the op\): annotated: %b/);
    expect(text).toContain('why  it comes from the larger tensor: 2048 elements against 512');
    expect(text).toMatch(/paid \w+.* per device: dot_general computes with this layout {2}\(m\.mlir:3\)/);
  });

  it('says that a layout came first, by another op and round', () => {
    const text = explainOverview(
      program(
        `  %d = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<16x32xf32>, tensor<32x64xf32>) -> tensor<16x64xf32>
  %s = stablehlo.add %d, %c : tensor<16x64xf32>
  return %s : tensor<16x64xf32>`,
        `${sharded('a', '16x32', 'x', '')}, ${sharded('b', '32x64', '', '')}, ${sharded('c', '16x64', 'y', '')}`,
      ),
    );
    expect(text).toContain(
      'why  the result had it already, through add, in the round of ops that move data one-to-one',
    );
  });

  it('says that the user decided: annotations and priorities', () => {
    const annotated = program(
      '  %s = stablehlo.add %a, %b : tensor<16x64xf32>\n  %c = sdy.sharding_constraint %s <@mesh, [{"y"}, {}]> : tensor<16x64xf32>\n  return %c : tensor<16x64xf32>',
      `${sharded('a', '16x64', 'x', '')}, ${sharded('b', '16x64', 'x', '')}`,
    );
    expect(explainOverview(annotated)).toContain('why  the result is annotated so');
    const ranked = program(
      '  %s = stablehlo.add %a, %b : tensor<16x64xf32>\n  return %s : tensor<16x64xf32>',
      `${sharded('a', '16x64', 'x', '').replace('{"x"}', '{"x"}p1')}, ${sharded('b', '16x64', 'y', '')}`,
    );
    expect(explainOverview(ranked)).toContain('why  priority p0 decides before p1');
  });

  it('finds values by line and by Python location', () => {
    expect(explainValue(bothFree, ':3')).toContain('%d : f32[16,64]');
    expect(explainValue(bothFree, 'm.mlir:3')).toContain('%d : f32[16,64]');
    expect(explainValue(bothFree, 'model.py:7')).toContain('%t : f32[16,64]');
    expect(() => explainValue(bothFree, ':99')).toThrow('SH0703');
    expect(() => explainValue(bothFree, '%zz')).toThrow('SH0703');
  });

  it('shows the whole at a glance', () => {
    const text = explainOverview(bothFree);
    expect(text).toContain('what moves, most first');
    expect(text).toMatch(/100 %.*of %a/);
    expect(text).toContain('layouts that met and cannot be had at once, dearest first');
    const quiet = program(
      '  %t = stablehlo.tanh %a : tensor<16x64xf32>\n  return %t : tensor<16x64xf32>',
      sharded('a', '16x64', 'x', ''),
    );
    expect(explainOverview(quiet)).toContain('nothing moves between devices');
    expect(explainOverview(quiet)).toContain('no layouts met that cannot be had at once');
  });

  it('lists the conflicts in the report', () => {
    const off = { mode: 'off', devices: 8, maxRelError: null, verdict: 'not run' } as const;
    const { report } = makeReport(bothFree, machine('tpu-v5e'), off);
    expect(report.conflicts).toHaveLength(1);
    expect(report.conflicts[0]).toMatchObject({ op: 'dot_general', where: '(m.mlir:3)', winner: 1 });
    expect(report.conflicts[0]?.candidates.map((c) => [c.value, c.axes, c.dim])).toEqual([
      ['%a', 'x', 0],
      ['%b', 'x', 1],
    ]);
  });

  it('has a cause for every axis of every value', () => {
    const { propagated, causes } = bothFree;
    const func = mainFunction(propagated ?? bothFree.module);
    func.values.forEach((v, id) => {
      for (const [dim, d] of (v.layout?.dims ?? []).entries())
        for (const axis of d.axes)
          expect([...(causes.get(id as never) ?? [])].some((c) => c.dim === dim && c.axis.name === axis.name)).toBe(
            true,
          );
    });
  });
});

describe('a fused projection', () => {
  const file = 'tests/wire/fixtures/fused-projection.split-8.grad.mlir';
  const compiled = compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));

  it('every axis of every value goes back to an annotation', () => {
    const names = mainFunction(compiled.propagated as NonNullable<Compiled['propagated']>).values.flatMap((v) =>
      v.name === undefined ? [] : [v.name],
    );
    expect(names.length).toBeGreaterThan(80);
    for (const name of names) {
      const lines = explainValue(compiled, name).split('\n');
      const axes = lines.filter((l) => / on dim \d+$/.test(l));
      expect(
        lines.filter((l) => l.startsWith('    annotated: ')),
        name,
      ).toHaveLength(axes.length);
    }
  });

  it('a slice that comes in rounds says so, on one line', () => {
    const moves = explainValue(compiled, '%1').match(/moves: .*/g);
    expect(moves).toEqual([expect.stringMatching(/device_permute over x, 4\.61 KB per device, 3 times: .*in rounds/)]);
  });
});
