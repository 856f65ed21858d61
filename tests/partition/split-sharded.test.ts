/** An argmax over a sharded dim: ties go to the first index whatever the shard, and only what was picked moves. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorArray } from '../../ir/array.ts';
import { isCollective, mainFunction, type Module, valueInfo, walkOps } from '../../ir/program.ts';
import { elementCount } from '../../ir/types.ts';
import { compile, importStablehlo, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';

const file = 'tests/xla/fixtures/argmax.mlir';

/** Largest number of elements that one device hands to a collective. */
const moved = (module: Module): number => {
  const func = mainFunction(module);
  return Math.max(
    0,
    ...[...walkOps(func.body)]
      .filter((op) => isCollective(op) && op.kind !== 'all_slice')
      .map((op) => elementCount(valueInfo(func, op.operands[0] as never).type)),
  );
};

describe('split-sharded', () => {
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

  it('two sums in one reduction: a start value may not count twice', () => {
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
    expect([...walkOps(mainFunction(compiled.module).body)].filter((op) => op.kind === 'reduce').length).toBe(2);
    expect(runCheck(compiled, 'full', 0).verdict).toBe('ok');
  });
});

/** Runs on both, exact but for the order of sums; gives what the largest collective takes. */
function same(text: string, at: (i: number) => number): number {
  const { whole, module } = compile(parseTir({ file: 'split.tir', text }));
  const inputs = mainFunction(whole).body.params.map((p): TensorArray => {
    const { dtype, shape } = valueInfo(mainFunction(whole), p).type;
    return { dtype, shape, data: Float64Array.from({ length: shape.reduce((n, s) => n * s, 1) }, (_, i) => at(i)) };
  });
  const want = runOneDevice(whole, registry, inputs, 'wide');
  const { results } = runSpmd(module, registry, inputs, 'wide', { resultShapes: want.map((w) => w.shape) });
  expect(compareResults(want, results, 1e-12).first).toBeUndefined();
  return moved(module);
}

const scan = (reducer: string, start: string, forward: boolean): string => `module @m
mesh @mesh {x=4, y=2}
func @main(%a: f32[6, 32] @{y, x}) -> (f32[6, 32] @{y, x}) {
  %s = constant ${start} : f32[]
  %r = reduce_window %a, %s window_dimensions=[1, 32] window_strides=[1, 1] base_dilations=[1, 1] window_dilations=[1, 1] pad_low=[0, ${forward ? 31 : 0}] pad_high=[0, ${forward ? 0 : 31}] (%p, %q) -> ${reducer} %p, %q
  return %r
}
`;

describe('scans', () => {
  it.each([
    ['add', '0.0', true],
    ['add', '0.0', false],
    ['maximum', '-inf', true],
    ['multiply', '1.0', false],
  ] as const)('%s from %s, forward: %s', (reducer, start, forward) => {
    // Of 24 elements that a device holds, what its 3 rows sum to.
    expect(same(scan(reducer, start, forward), (i) => Math.sin(i))).toBeLessThanOrEqual(3);
  });

  it('a start value that counts is left alone', () => {
    expect(same(scan('add', '2.0', true), (i) => i % 5)).toBeGreaterThan(3);
  });
});

describe('top_k', () => {
  const text = `module @m
mesh @mesh {x=4, y=2}
func @main(%a: f32[6, 32] @{y, x}) -> (f32[6, 3], i32[6, 3]) {
  %v, %i = top_k %a k=3
  return %v, %i
}
`;
  it.each<[string, (i: number) => number]>([
    ['distinct', (i) => Math.sin(i)],
    ['ties across shards', (i) => (i % 5 === 0 ? 7 : i % 3)],
    ['all equal', () => 1],
    ['NaN somewhere', (i) => (i % 37 === 5 ? Number.NaN : i % 11)],
  ])('%s: as on one device', (_, at) => {
    expect(same(text, at)).toBeLessThanOrEqual(9);
  });
});
