/** What is wrong with a manual computation is told, by code and place. */
import { describe, expect, it } from 'vitest';
import { compile, DiagnosticError, importStablehlo, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { mainFunction } from '../../ir/program.ts';

/** A program on x=2 y=3 around the body of a manual computation of one operand and one result. */
const around = (body: string, { axes = '[x, y]', out = '@{x, y}', result = '%r' } = {}): string => `module @m
mesh @mesh {x=2, y=3}
func @main(%a: f32[4, 6] @{x, y}) {
  %r = manual_computation %a in_layouts=[@{x, y}] out_layouts=[${out}] manual_axes=${axes} (%p) {
${body}
  }
  return ${result}
}`;

const tir = (text: string) => parseTir({ file: 'm.tir', text }, registry);

/** Codes of all that is told. */
function codesOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

const compiling = (text: string) => codesOf(() => compile(tir(text)));

describe('a deadlock', () => {
  const text = around(`    %i = axis_index axes={x}
    %s = case %i {
      %all = all_reduce %p axes={x, y}
      return %all
    } {
      return %p
    }
    return %s`);
  const compiled = compile(tir(text));

  it('shows on one device', () => expect(codesOf(() => runCheck(compiled, 'full', 1))).toEqual(['SH0234']));

  it('and on the mesh, by the first pair of devices', () => {
    const inputs = makeInputs(mainFunction(compiled.source), 1, 'wide');
    expect(() => runSpmd(compiled.module, registry, inputs, 'wide')).toThrow(
      'deadlock: device 0 waits in all_reduce for device 3',
    );
  });

  it('is none where the groups go together', () =>
    expect(
      runCheck(compile(tir(text.replace('axes={x, y}\n      return', 'axes={y}\n      return'))), 'full', 1),
    ).toMatchObject({
      verdict: 'ok',
    }));
});

it('a result that is not replicated as it says', () => {
  const compiled = compile(tir(around('    return %p', { out: '@{_, y}' })));
  expect(codesOf(() => runCheck(compiled, 'full', 1))).toEqual(['SH0233']);
  const inputs = makeInputs(mainFunction(compiled.source), 1, 'wide');
  expect(codesOf(() => runSpmd(compiled.module, registry, inputs, 'wide'))).toEqual(['SH0233']);
});

describe('refused before anything runs', () => {
  it.each([
    [
      'an axis that is free',
      around('    %s = all_reduce %p axes={y}\n    return %s', { axes: '[x]', out: '@{x, ?}' }),
      'SH0231',
    ],
    ['an axis taken twice', around('    return %p', { axes: '[x, x]' }), 'SH0231'],
    ['a constraint over a manual axis', around('    %s = sharding_constraint %p, @{x, _}\n    return %s'), 'SH0231'],
    ['a value from outside', around('    return %a'), 'SH0231'],
    ['an axis that the mesh lacks', around('    return %p', { axes: '[x, z]' }), 'SH0210'],
    ['a dim that does not divide', around('    return %p').replace('f32[4, 6]', 'f32[4, 5]'), 'SH0204'],
    ['sources twice', around('    %s = device_permute %p axes={y} sources=[0, 0, 1]\n    return %s'), 'SH0204'],
    ['groups that leave one out', around('    %s = all_reduce %p axes={y} groups=[[0, 1]]\n    return %s'), 'SH0204'],
    ['a part that does not divide', around('    %s = reduce_scatter %p axes=[{x, y}, {}]\n    return %s'), 'SH0204'],
    [
      'a collective outside',
      'module @m\nmesh @mesh {x=2}\nfunc @main(%a: f32[4]) {\n  %s = all_reduce %a axes={x}\n  return %s\n}',
      'SH0231',
    ],
  ])('%s', (_, text, code) => expect(compiling(text)).toContain(code));
});

describe('lists of devices in StableHLO', () => {
  const program = (op: string): string => `module {
  sdy.mesh @mesh = <["x"=2, "y"=2]>
  func.func public @main(%arg0: tensor<8x4xf32>) -> tensor<8x4xf32> {
    %0 = sdy.manual_computation(%arg0) in_shardings=[<@mesh, [{"x", "y"}, {}]>] out_shardings=[<@mesh, [{"x", "y"}, {}]>] manual_axes={"x", "y"} (%arg1: tensor<2x4xf32>) {
      ${op}
      sdy.return %1 : tensor<2x4xf32>
    } : (tensor<8x4xf32>) -> tensor<8x4xf32>
    return %0 : tensor<8x4xf32>
  }
}`;
  const channel = 'channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>';
  const permute = (pairs: string, count: number): string =>
    program(
      `%1 = "stablehlo.collective_permute"(%arg1) <{${channel}, source_target_pairs = dense<${pairs}> : tensor<${count}x2xi64>}> : (tensor<2x4xf32>) -> tensor<2x4xf32>`,
    );
  const reduce = (groups: string, shape: string): string =>
    program(`%1 = "stablehlo.all_reduce"(%arg1) <{${channel}, replica_groups = dense<${groups}> : tensor<${shape}xi64>, use_global_device_ids}> ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %s = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %s : tensor<f32>
      }) : (tensor<2x4xf32>) -> tensor<2x4xf32>`);
  const read = (text: string) => importStablehlo({ file: 'm.mlir', text });
  const kinds = (text: string): unknown[] =>
    mainFunction(compile(read(text)).module)
      .body.ops.slice(0, -1)
      .map(({ kind, attrs: { mesh: _, ...attrs } }) => ({ kind, ...attrs }));
  const axis = (name: string) => ({ name, pre: 1, size: 2 });

  it.each([
    ['a target twice', permute('[[0, 1], [2, 1]]', 2)],
    ['a source twice', permute('[[0, 1], [0, 2]]', 2)],
    ['a device beyond the mesh', permute('[[0, 4]]', 1)],
    ['a device in two groups', reduce('[[0, 1], [1, 2]]', '2x2')],
    ['a device in none', reduce('[[0, 1]]', '1x2')],
  ])('%s', (_, text) => expect(codesOf(() => read(text))).toEqual(['SH0230']));

  it.each([
    [
      permute('[[0, 1], [1, 0], [2, 3], [3, 2]]', 4),
      { kind: 'collective_shift', axes: [axis('y')], by: 1, flip: false, wrap: true },
    ],
    [permute('[[0, 2], [1, 3]]', 2), { kind: 'collective_shift', axes: [axis('x')], by: -1, flip: false, wrap: false }],
    [
      permute('[[1, 2], [2, 1], [0, 0], [3, 3]]', 4),
      { kind: 'device_permute', axes: [axis('x'), axis('y')], sources: [0, 2, 1, 3] },
    ],
    [reduce('[[0, 2], [1, 3]]', '2x2'), { kind: 'all_reduce', axes: [axis('x')], monoid: 'sum' }],
    [reduce('[[0, 2, 1, 3]]', '1x4'), { kind: 'all_reduce', axes: [axis('y'), axis('x')], monoid: 'sum' }],
    [
      reduce('[[0, 3], [1, 2]]', '2x2'),
      {
        kind: 'all_reduce',
        axes: [axis('x'), axis('y')],
        monoid: 'sum',
        groups: [
          [0, 3],
          [1, 2],
        ],
      },
    ],
  ])('are axes where they can be: case %#', (text, expected) => expect(kinds(text)).toEqual([expected]));
});
