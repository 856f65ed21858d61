/** An argmax over a sharded dim: ties go to the first index whatever the shard, and only what was picked moves. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorArray } from '../../ir/array.ts';
import { isCollective, mainFunction, type Module, valueInfo, walkOps } from '../../ir/program.ts';
import { elementCount } from '../../ir/types.ts';
import { compile, importStablehlo, parseTir, registry } from '../../compiler/index.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';

const file = 'tests/xla/fixtures/argmax.mlir';

/** Largest number of elements that one device hands to a collective. */
const moved = (module: Module): number => {
  const func = mainFunction(module);
  return Math.max(
    0,
    ...[...walkOps(func.body)]
      .filter(isCollective)
      .map((op) => elementCount(valueInfo(func, op.operands[0] as never).type)),
  );
};

describe('split-reduce', () => {
  const { whole, module } = compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));
  const inputs = (at: (i: number) => number): TensorArray[] => [
    { dtype: 'f32', shape: [16, 32], data: Float64Array.from({ length: 512 }, (_, i) => at(i)) },
  ];

  it('moves what each shard picked', () => expect(moved(module)).toBeLessThanOrEqual(8));

  it.each<[string, (i: number) => number]>([
    ['all equal', () => 1],
    ['ties across shards', (i) => (i % 5 === 0 ? 7 : i % 3)],
    ['NaN somewhere', (i) => (i % 37 === 5 ? Number.NaN : i % 11)],
    ['all −∞', () => Number.NEGATIVE_INFINITY],
    ['distinct', (i) => Math.sin(i)],
  ])('%s: as on one device', (_, at) => {
    const want = runOneDevice(whole, registry, inputs(at), 'wide');
    const { results } = runSpmd(module, registry, inputs(at), 'wide', { resultShapes: want.map((w) => w.shape) });
    expect(Array.from(results[0]?.data as Int32Array)).toEqual(Array.from(want[0]?.data as Int32Array));
  });

  it('leaves two sums in one reduction alone: a start value may not count twice', () => {
    const text = `module @m
mesh @mesh {x=2}
func @main(%a: f32[4, 8] @{_, x}, %b: f32[4, 8] @{_, x}) -> (f32[4], f32[4]) {
  %one = constant 1.0 : f32[]
  %s, %t = reduce %a, %b, %one, %one dims=[1] (%p, %q, %r, %u) {
    %v = add %p, %r
    %w = add %q, %u
    return %v, %w
  }
  return %s, %t
}
`;
    const compiled = compile(parseTir({ file: 'two.tir', text }));
    expect([...walkOps(mainFunction(compiled.module).body)].filter((op) => op.kind === 'reduce').length).toBe(1);
  });
});
