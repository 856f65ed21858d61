/** What loops and barriers hold: moved once where the device has room for it, and otherwise where it is read. */
import { describe, expect, it } from 'vitest';
import {
  compile,
  type Compiled,
  machine,
  makeReport,
  type Module,
  parseTir,
  registry,
  runCheck,
} from '../../compiler/index.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';

const tir = (text: string): Module => parseTir({ file: 'memory.tir', text });
const chipWith = (bytes: number): Machine => {
  const chip = machine('tpu-v5e');
  return { ...chip, memory: { ...chip.memory, bytes } };
};

/** Eight batches through 48 layers, whose weights lie over the devices that the batches lie over. */
const batches = tir(`module @batches
mesh @mesh {data=4}

func @main(%xs: f32[8, 1024, 64] @{_, data, _}, %ws: f32[48, 64, 64] @{_, data, _}, %vs: f32[48, 64, 64] @{_, data, _}, %zero: f32[1024, 64] @{data, _}) -> (f32[1024, 64] @{data, _}) {
  %sum = for %zero count=8 (%b, %s) {
    %one = dynamic_slice %xs, %b, 0, 0 sizes=[1, 1024, 64]
    %x = reshape %one shape=[1024, 64]
    %y = for %x count=48 (%i, %h) {
      %w = dynamic_slice %ws, %i, 0, 0 sizes=[1, 64, 64]
      %m = reshape %w shape=[64, 64]
      %p = matmul %h, %m
      %v = dynamic_slice %vs, %i, 0, 0 sizes=[1, 64, 64]
      %n = reshape %v shape=[64, 64]
      %q = matmul %p, %n
      return %q
    }
    %t = add %s, %y
    return %t
  }
  return %sum
}
`);
const STACK = 48 * 64 * 64 * 4;
/** What a device receives of a stack gathered once. */
const GATHERED = (STACK * 3) / 4;

/** Both passes of two layers, the second read behind a barrier, as jax.checkpoint writes it. */
const checkpoint = tir(`module @checkpoint
mesh @mesh {data=4}

func @main(%x: f32[1024, 256] @{data, _}, %w: f32[256, 256] @{data, _}, %v: f32[256, 256] @{data, _}) -> (f32[1024, 256] @{data, _}) {
  %a = matmul %x, %w
  %b = matmul %a, %v
  %w2, %v2, %c = optimization_barrier %w, %v, %b
  %d = matmul %c, %v2
  %e = matmul %d, %w2
  return %e
}
`);

const on = (module: Module, bytes: number): Compiled => compile(module, { pace: paceOn(chipWith(bytes), registry) });
const figures = (compiled: Compiled) => makeReport(compiled, machine('tpu-v5e'), runCheck(compiled, 'off', 0)).report;
const warned = ({ diagnostics }: Compiled): string[] =>
  diagnostics.filter((d) => d.code === 'SH0411').map((d) => d.message);

describe('a loop', () => {
  it('reads what was gathered before it, where that can be held', () => {
    const compiled = on(batches, 3e6);
    expect(figures(compiled).wireBytes).toBe(2 * GATHERED);
    expect(warned(compiled)).toEqual([]);
  });

  it('gathers only the slice a trip reads, where it cannot', () => {
    const compiled = on(batches, 1.3e6);
    expect(figures(compiled).peakMemoryBytes).toBeLessThanOrEqual(1.3e6);
    expect(figures(compiled).wireBytes).toBe(2 * 8 * GATHERED);
    expect(warned(compiled)).toEqual([expect.stringMatching(/^%ws, %vs: not moved once .* 1.57 MB .* 1.30 MB/)]);
  });

  it('holds what there is room for', () => {
    const compiled = on(batches, 2.2e6);
    expect(figures(compiled).peakMemoryBytes).toBeLessThanOrEqual(2.2e6);
    expect(figures(compiled).wireBytes).toBe(9 * GATHERED);
  });

  it('needs least memory where nothing fits', () => {
    expect(figures(on(batches, 1000)).wireBytes).toBe(2 * 8 * GATHERED);
  });
});

describe('a barrier', () => {
  const gathered = (256 * 256 * 4 * 3) / 4;

  it.each([
    [1.5e6, 2],
    [1.3e6, 3],
    [1.2e6, 3],
  ])('with %d bytes: weights gathered and passed on, or gathered again', (bytes, gathers) => {
    const compiled = on(checkpoint, bytes);
    expect(figures(compiled).wireBytes).toBe(gathers * gathered);
    expect(figures(compiled).peakMemoryBytes).toBeLessThanOrEqual(bytes);
  });
});

it.each([
  ['batches', batches, [3e6, 1.3e6]],
  ['checkpoint', checkpoint, [1.5e6, 1.3e6, 1000]],
] as const)('%s: the same numbers with any memory', (_, module, sizes) => {
  for (const bytes of sizes) expect(runCheck(on(module, bytes), 'full', 0).verdict).toBe('ok');
});

it('a loop holds what was gathered outside of it for others too', () => {
  const tied = tir(`module @tied
mesh @mesh {data=4}

func @main(%x: f32[1024, 256] @{data, _}, %w: f32[256, 256] @{data, _}) -> (f32[1024, 256] @{data, _}) {
  %a = matmul %x, %w
  %y = for %a count=4 (%i, %h) {
    %b = matmul %h, %w
    %t = tanh %b
    return %t
  }
  return %y
}
`);
  const gathered = (256 * 256 * 4 * 3) / 4;
  expect(figures(on(tied, 1e9)).wireBytes).toBe(gathered);
  const compiled = on(tied, 1000);
  expect(figures(compiled).wireBytes).toBe(gathered);
  expect(compiled.decided?.solution.held().map((h) => h.bytes)).toEqual([256 * 256 * 4]);
});
