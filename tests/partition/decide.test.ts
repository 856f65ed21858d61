/** The whole is decided, not op by op: never dearer than the first solution, and every price is what the meter reads. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, importStablehlo, machine, makeReport, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { randomProgram } from '../../compiler/testing/index.ts';
import { explainValue } from '../../compiler/explain.ts';
import type { Module } from '../../ir/program.ts';
import { alternativesOf } from '../../passes/partition/decide/alternatives.ts';
import { decideLayouts } from '../../passes/partition/insert-reshards.ts';

const fixtures = join(import.meta.dirname, '../wire/fixtures');
const read = (name: string): Module =>
  importStablehlo({ file: name, text: readFileSync(join(fixtures, name), 'utf8') });

const bytesOf = (module: Module): number => {
  const compiled = compile(module);
  const check = runCheck(compiled, 'off', 0);
  return makeReport(compiled, machine('tpu-v5e'), check).report.wireBytes;
};

describe('insert-reshards', () => {
  const some = readdirSync(fixtures).filter((f) =>
    /^(gru|moe-einsum|mlp-blocks|pipeline|zero|ulysses).*\.(fwd|grad)/.test(f),
  );
  it.each(some.filter((_, i) => i % 3 === 0))('%s: no dearer than its start, priced as measured', (name) => {
    const module = read(name);
    const { start, total } = decideLayouts(compile(module, { stopAfter: 'split-sharded' }).module, registry);
    expect(total).toBeLessThanOrEqual(start * (1 + 1e-9));
    const bytes = bytesOf(module);
    // Memory traffic and the number of collectives are priced too, far below bytes.
    expect(total).toBeGreaterThanOrEqual(bytes - 1);
    expect(total).toBeLessThanOrEqual(bytes * 1.05 + 4096);
  });

  it.each(Array.from({ length: 24 }, (_, seed) => seed))(
    'random program %i: no op could do otherwise and move less, nothing is gathered that need not be',
    (seed) => {
      const module = randomProgram(seed, { ops: 14, mesh: seed % 2 === 0 ? { x: 2, y: 4 } : { x: 2, y: 2, z: 2 } });
      const { solution, known } = decideLayouts(compile(module, { stopAfter: 'split-sharded' }).module, registry);
      for (const node of solution.graph.nodes) {
        const [chosen, ...others] = alternativesOf(node, solution, known);
        for (const other of others)
          if (other.shards >= (chosen?.shards ?? 1))
            expect(other.bytes).toBeGreaterThanOrEqual((chosen?.bytes ?? 0) - 1);
      }
    },
  );

  const program = (body: string, result: string): Module =>
    parseTir({
      file: 'decide.tir',
      text: `module @m
mesh @mesh {x=4, y=2}
func @main(%a: f32[16, 32] @{_, x}, %b: f32[32, 64] @{x, _}, %c: f32[16, 32] @{_, x}, %d: f32[32, 64] @{x, _}) -> (${result}) {
${body}
}
`,
    });

  it('the sum of two products is paid once', () => {
    const module = program(
      `  %p = matmul %a, %b
  %q = matmul %c, %d
  %s = add %p, %q
  return %s`,
      'f32[16, 64] @{_, _}',
    );
    expect(runCheck(compile(module), 'full', 1)).toMatchObject({ verdict: 'ok' });
    // The axis y is idle: its devices share the reduction.
    expect(bytesOf(module)).toBe((2 * 16 * 64 * 4 * 3) / 4 / 2 + (16 * 64 * 4) / 2);
  });

  it('a sum that is wanted in parts is scattered', () => {
    const module = program('  %p = matmul %a, %b\n  %r = tanh %p\n  return %r', 'f32[16, 64] @{x, _}');
    expect(bytesOf(module)).toBe((16 * 64 * 4 * 3) / 4 / 2 + (16 * 64 * 4) / 4 / 2);
  });

  it('an elementwise chain follows its ends', () => {
    const module = program(
      `  %t = tanh %a
  %n = negate %t
  %e = exponential %n
  %m = multiply %e, %c
  return %m`,
      'f32[16, 32] @{_, x}',
    );
    expect(bytesOf(module)).toBe(0);
  });

  it('a chain is whole from its beginning where its end is wanted whole', () => {
    // A long way from the annotation in the middle: no op alone, nor its neighbours, could gain by it.
    expect(
      bytesOf(
        parseTir({
          file: 'whole.tir',
          text: `mesh @mesh {x=2, y=2}
func @main(%a: f32[32, 8] @{_, _}, %b: f32[32, 8] @{_, _}) -> (f32[16, 8] @{_, _}) {
  %r = reverse %a dims=[1]
  %s = add %r, %b
  %p = slice %s start=[16, 0] limit=[32, 8] strides=[1, 1]
  %c = sharding_constraint %p, @{x, y} of_op=true
  %t = tanh %c
  return %t
}`,
        }),
      ),
    ).toBe(0);
  });

  it('nothing is kept whole for a few bytes', () => {
    // Whole from the argument on, the slice would be at hand, but each device would write 12 KiB more.
    const { decided } = compile(
      parseTir({
        file: 'work.tir',
        text: `mesh @mesh {x=4}
func @main(%a: f32[1024] @{_}) -> (f32[8] @{_}) {
  %e = exponential %a
  %t = tanh %e
  %u = sine %t
  %k = sharding_constraint %u, @{x} of_op=true
  %m = cosine %k
  %p = slice %m start=[0] limit=[8] strides=[1]
  return %p
}`,
      }),
    );
    expect(decided?.solution.written()).toBeLessThan(3 * 4096);
  });

  it('a loop adds up what is owed: paid once, after it', () => {
    // As JAX writes the gradient of what every trip of a scan reads.
    const text = `module @m {
  sdy.mesh @mesh = <["x"=4]>
  func.func public @main(%a: tensor<7x8x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}, {}]>}) -> (tensor<6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}]>}) {
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %s = stablehlo.broadcast_in_dim %z, dims = [] : (tensor<f32>) -> tensor<6xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %r:2 = stablehlo.while(%i = %c, %sum = %s) : tensor<i32>, tensor<6xf32>
    cond {
      %n = stablehlo.constant dense<7> : tensor<i32>
      %p = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %d = stablehlo.dynamic_slice %a, %i, %c, %c, sizes = [1, 8, 6] : (tensor<7x8x6xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x8x6xf32>
      %e = stablehlo.reshape %d : (tensor<1x8x6xf32>) -> tensor<8x6xf32>
      %f = stablehlo.reduce(%e init: %z) applies stablehlo.add across dimensions = [0] : (tensor<8x6xf32>, tensor<f32>) -> tensor<6xf32>
      %g = stablehlo.reshape %f : (tensor<6xf32>) -> tensor<1x6xf32>
      %h = stablehlo.reduce(%g init: %z) applies stablehlo.add across dimensions = [0] : (tensor<1x6xf32>, tensor<f32>) -> tensor<6xf32>
      %t = stablehlo.add %sum, %h : tensor<6xf32>
      %o = stablehlo.constant dense<1> : tensor<i32>
      %j = stablehlo.add %i, %o : tensor<i32>
      stablehlo.return %j, %t : tensor<i32>, tensor<6xf32>
    }
    return %r#1 : tensor<6xf32>
  }
}`;
    const module = importStablehlo({ file: 'sum.mlir', text });
    expect(bytesOf(module)).toBe(2 * 6 * 4 * (3 / 4));
    expect(runCheck(compile(module), 'full', 0)).toMatchObject({ verdict: 'ok' });
  });

  it('explain shows what else was possible, with its bytes', () => {
    const text = explainValue(compile(program('  %p = matmul %a, %b\n  return %p', 'f32[16, 64] @{_, _}')), '%p');
    expect(text).toMatch(/chosen: \{_, x\} · \{x, _\} → \{_, _; unreduced=x\}, 4 ways: 5.1\d KB/);
    expect(text).toMatch(/rejected: .* ways: .* more/);
  });
});
