/**
 * `shardc sdy-opt` on text: a program, and what its flags make of it. BLESS=1 writes what comes out.
 *
 *   // sdy-opt: -sdy-propagation-pipeline
 *   module …
 *   // ---- expect
 *   module …
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { printSdy } from '../../ir/stablehlo/print-sdy.ts';
import { runSdyPasses } from '../../passes/shardy/pipeline.ts';
import { verifyModule } from '../../passes/shardy/verify/verify.ts';

const FOLDER = join(import.meta.dirname, 'fixtures');
const MARK = '// ---- expect\n';

function optimized(text: string, flags: readonly string[]): string {
  const module = edit(importStablehlo({ file: 'test.mlir', text }, { asWritten: true }));
  verifyModule(module);
  runSdyPasses(module, flags, registry, () => {});
  return printSdy(module);
}

describe('sdy-opt', () => {
  it.each(readdirSync(FOLDER).sort())('%s', (name) => {
    const file = join(FOLDER, name);
    const [program = '', expected = ''] = readFileSync(file, 'utf8').split(MARK);
    const flags =
      /^\/\/ sdy-opt:(.*)$/m
        .exec(program)?.[1]
        ?.split(' ')
        .filter((f) => f !== '') ?? [];
    const found = optimized(program, flags);
    if (process.env.BLESS === '1') writeFileSync(file, `${program.trimEnd()}\n${MARK}${found}`);
    else expect(found).toBe(expected);
    // What is printed reads back as itself.
    expect(optimized(found, [])).toBe(found);
  });
});

const MESH = 'sdy.mesh @mesh = <["x"=4, "y"=2]>';
const main = (body: string, layout = '[{"x"}, {}]'): string => `${MESH}
func.func @main(%arg0: tensor<8x8xf32> {sdy.sharding = #sdy.sharding<@mesh, ${layout}>}) -> tensor<8x8xf32> {
  ${body}
  return %0 : tensor<8x8xf32>
}`;
const laidOut = (layout: string): string => main('%0 = stablehlo.negate %arg0 : tensor<8x8xf32>', layout);
const ruled = (rule: string): string =>
  main(`%0 = stablehlo.negate %arg0 {sdy.sharding_rule = #sdy.op_sharding_rule<${rule}>} : tensor<8x8xf32>`);
const manual = (axes: string, layout: string, inner = '8x8'): string =>
  main(`%0 = sdy.manual_computation(%arg0) in_shardings=[<@mesh, ${layout}>] out_shardings=[<@mesh, ${layout}>] manual_axes={${axes}} (%arg1: tensor<${inner}xf32>) {
    sdy.return %arg1 : tensor<${inner}xf32>
  } : (tensor<8x8xf32>) -> tensor<8x8xf32>`);
const gather = (axes: string, out: string): string =>
  main(`%0 = sdy.all_gather ${axes} %arg0 out_sharding=<@mesh, ${out}> : tensor<8x8xf32>`);

describe('what Shardy’s verifier refuses', () => {
  it.each([
    ['an axis of no devices', MESH.replace('4', '0'), 'SH0213'],
    ['two axes of one name', MESH.replace('"y"', '"x"'), 'SH0213'],
    ['an order that leaves out a device', MESH.replace('>', ', device_ids=[0, 1, 2, 3, 4, 5, 6, 6]>'), 'SH0213'],
    ['a sub-axis of all devices', laidOut('[{"x":(1)4}, {}]'), 'SH0215'],
    ['neighbouring sub-axes', laidOut('[{"x":(1)2, "x":(2)2}, {}]'), 'SH0229'],
    ['axes out of order', laidOut('[{}, {}], replicated={"y", "x"}'), 'SH0229'],
    ['a priority of nothing', laidOut('[{}p1, {"x"}]'), 'SH0229'],
    ['too few dims', laidOut('[{"x"}]'), 'SH0212'],
    ['a rule out of order', ruled('([j, i])->([j, i]) {j=8, i=8}'), 'SH0219'],
    ['a rule of another rank', ruled('([i])->([i]) {i=8}'), 'SH0219'],
    ['a factor that is nowhere', ruled('([i, j])->([i, j]) {i=8, j=8, k=2}'), 'SH0219'],
    ['a reduction that is given', ruled('([i, j])->([i, j]) {i=8, j=8} reduction={j}'), 'SH0219'],
    ['manual axes behind free ones', manual('"x"', '[{"y", "x"}, {}]', '2x8'), 'SH0226'],
    ['a body of another shape', manual('"x"', '[{"x"}, {}]'), 'SH0226'],
    ['an unknown manual axis', manual('"z"', '[{}, {}]'), 'SH0210'],
    ['a gather of what is not there', gather('[{"y"}, {}]', '[{"x"}, {}]'), 'SH0230'],
    ['a gather that gives something else', gather('[{"x"}, {}]', '[{"y"}, {}]'), 'SH0230'],
    [
      'an edge on an argument that others read',
      main('%0 = sdy.data_flow_edge %arg0 : tensor<8x8xf32>\n  %1 = stablehlo.negate %arg0 : tensor<8x8xf32>'),
      'SH0236',
    ],
    [
      'a barrier that stops nothing',
      main('%0 = sdy.propagation_barrier %arg0 allowed_direction=BOTH : tensor<8x8xf32>'),
      'SH0205',
    ],
  ])('%s', (_, text, code) => {
    const found = (): string => {
      try {
        return optimized(
          text.includes('func.func')
            ? text
            : text + main('%0 = stablehlo.negate %arg0 : tensor<8x8xf32>').slice(MESH.length),
          [],
        );
      } catch (error) {
        if (error instanceof DiagnosticError) return String(error.diagnostics[0]?.code);
        throw error;
      }
    };
    expect(found()).toBe(code);
  });
});
