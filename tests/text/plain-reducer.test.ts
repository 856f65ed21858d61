/** Reducers that end in a choice of true and false, as PyTorch/XLA writes `all`: the monoid inside, where no one else reads it. */
import { describe, expect, it } from 'vitest';
import { compile, importStablehlo, runCheck } from '../../compiler/index.ts';
import { isCollective, mainFunction, walkOps } from '../../ir/program.ts';

const program = (more: string): string => `module @m {
  sdy.mesh @mesh = <["x"=2]>
  func.func public @main(%arg0: tensor<16xi1> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}) -> tensor<i1> {
    %t = stablehlo.constant dense<true> : tensor<i1>
    %f = stablehlo.constant dense<false> : tensor<i1>
    %0 = stablehlo.reduce(%arg0 init: %t) across dimensions = [0] : (tensor<16xi1>, tensor<i1>) -> tensor<i1>
     reducer(%a: tensor<i1>, %b: tensor<i1>)  {
      %1 = stablehlo.and %a, %b : tensor<i1>
      %2 = stablehlo.select %1, %t, %f : tensor<i1>, tensor<i1>
      ${more}
      stablehlo.return %2 : tensor<i1>
    }
    return %0 : tensor<i1>
  }
}
`;

describe('a reducer that chooses true or false', () => {
  it.each([
    ['is the monoid inside', '', 'all_reduce'],
    ['stays as written where its choice is read again', '%3 = stablehlo.not %2 : tensor<i1>', 'all_gather'],
  ])('%s', (_, more, kind) => {
    const compiled = compile(importStablehlo({ file: 'all.mlir', text: program(more) }));
    const ops = [...walkOps(mainFunction(compiled.module).body)].filter(isCollective);
    expect(ops.map((op) => op.kind.replace(/_start$/, ''))).toContain(kind);
    expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });
});
