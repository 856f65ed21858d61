/** What Shardy's dialect says, in programs that shardc partitions: groups, barriers, computations, several meshes. */
import { describe, expect, it } from 'vitest';
import { registry } from '../../ir/ops/index.ts';
import { layoutText } from '../../ir/layout.ts';
import { type Module, walkOps } from '../../ir/program.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { propagate } from '../../passes/propagate/propagate.ts';

const program = (meshes: string, body: string, second = ''): Module =>
  importStablehlo({
    file: 'test.mlir',
    text: `module {
  ${meshes}
  func.func @main(%arg0: tensor<16x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y"}]>}, %arg1: tensor<16x32xf32>${second}) -> tensor<16x32xf32> {
    ${body}
    return %r : tensor<16x32xf32>
  }
}`,
  });
const MESH = 'sdy.mesh @mesh = <["x"=2, "y"=4]>';

/** The layouts of the arguments and of the result. */
function laidOut(module: Module): string[] {
  const done = propagate(module, registry).module;
  const [func] = done.functions;
  const [mesh] = done.meshes;
  if (func === undefined || mesh === undefined) throw new Error('the module is empty');
  const layouts = [...func.body.params.map((p) => func.values[p]?.layout), ...func.resultLayouts];
  return layouts.map((l) => (l === undefined ? 'none' : layoutText(mesh, l)));
}

describe('sdy ops in the main pipeline', () => {
  it('members of a group share a layout; a barrier stops it and is gone afterwards', () => {
    const module = program(
      MESH,
      `sdy.sharding_group %arg0 group_id=0 : tensor<16x32xf32>
    sdy.sharding_group %arg1 group_id=0 : tensor<16x32xf32>
    %0 = sdy.propagation_barrier %arg1 allowed_direction=BACKWARD : tensor<16x32xf32>
    %r = stablehlo.sine %0 : tensor<16x32xf32>`,
    );
    expect(laidOut(module)).toEqual(['{x, y}', '{x, y}', '{?, ?}']);
    const kinds = propagate(module, registry).module.functions.flatMap((f) =>
      [...walkOps(f.body)].map((op) => op.kind),
    );
    expect(kinds).toEqual(['sine', 'return']);
  });

  it('a named computation is inlined, with its layouts', () => {
    const module = program(
      MESH,
      `%r = sdy.named_computation<"f">(%arg1) in_shardings=[<@mesh, [{"y", ?}, {?}]>] out_shardings=[<@mesh, [{?}, {?}]>] (%arg2: tensor<16x32xf32>) {
      %0 = stablehlo.sine %arg2 : tensor<16x32xf32>
      sdy.return %0 : tensor<16x32xf32>
    } : (tensor<16x32xf32>) -> tensor<16x32xf32>`,
    );
    expect(laidOut(module)).toEqual(['{x, y}', '{y?, ?}', '{y?, ?}']);
  });

  it('of several meshes, those alike are one, and those that nothing names go', () => {
    const meshes = `${MESH}
  sdy.mesh @same = <["x"=2, "y"=4]>
  sdy.mesh @empty = <[]>
  sdy.mesh @maximal = <[], device_ids=[3]>`;
    const module = program(
      meshes,
      `%0 = sdy.sharding_constraint %arg1 <@same, [{"y"}, {}]> : tensor<16x32xf32>
    %r = stablehlo.sine %0 : tensor<16x32xf32>`,
    );
    expect(laidOut(module)).toEqual(['{x, y}', '{y, _}', '{y?, ?}']);
  });

  it('of two orders of devices both stay, for the partitioner', () => {
    const module = program(
      `${MESH}
  sdy.mesh @other = <["x"=2, "y"=4], device_ids=[7, 6, 5, 4, 3, 2, 1, 0]>`,
      `%0 = sdy.sharding_constraint %arg1 <@other, [{"y"}, {}]> : tensor<16x32xf32>
    %r = stablehlo.sine %0 : tensor<16x32xf32>`,
    );
    expect(propagate(module, registry).module.meshes.map((m) => m.name)).toEqual(['mesh', 'other']);
  });
});
