/** Layers that came out alike are one function of the emitted program, which computes what the long form computes. */
import { describe, expect, it } from 'vitest';
import { compile, exportStablehlo, importStablehlo, parseTir, registry } from '../../compiler/index.ts';
import { outline } from '../../ir/outline.ts';
import { mainFunction, type Module } from '../../ir/program.ts';
import { perDevice } from '../../ir/stablehlo/per-device.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';

/** Layers of a residual MLP, Megatron's way; `odd`: the scale of one of them differs. */
function layers(count: number, odd?: number): Module {
  const each = Array.from({ length: count }, (_, i) => i);
  const params = each.map((i) => `%a${i}: f32[12, 24] @{_, y}, %b${i}: f32[24, 12] @{y, _}`);
  const body = each.map(
    (i) => `  %h${i} = matmul %x${i}, %a${i}
  %t${i} = gelu %h${i}
  %d${i} = matmul %t${i}, %b${i}
  %s${i} = multiply %d${i}, ${i === odd ? '0.25' : '0.5'}
  %x${i + 1} = add %x${i}, %s${i}`,
  );
  const text = `module @layers
mesh @mesh {x=2, y=3}
func @main(%x0: f32[4, 12] @{x, _}, ${params.join(', ')}) {
${body.join('\n')}
  %m = mean %x1
  return %x${count}, %m
}`;
  return parseTir({ file: 'layers.tir', text }, registry);
}

const calls = (module: Module): number => mainFunction(module).body.ops.filter((op) => op.kind === 'call').length;

describe('equal stretches of a per-device program', () => {
  const compiled = compile(layers(6));
  const short = outline(compiled.module);

  it('become one function, called as often as there are layers', () => {
    expect(short.functions).toHaveLength(2);
    expect(calls(short)).toBeGreaterThanOrEqual(5);
    expect(mainFunction(short).body.ops.length).toBeLessThan(mainFunction(compiled.module).body.ops.length / 3);
  });

  it('compute the same', () =>
    expect(checkEquivalence({ whole: compiled.whole, local: short, registry, seed: 1 })).toEqual(
      checkEquivalence({ whole: compiled.whole, local: compiled.module, registry, seed: 1 }),
    ));

  it('also as emitted and read back', () => {
    const text = exportStablehlo(compiled.source, compiled.module);
    expect(text.match(/func\.call/g)).toHaveLength(calls(short));
    const again = perDevice(importStablehlo({ file: 'out.mlir', text })) as Module;
    expect(findDeadlocks(again, registry)).toMatchObject({ diagnostics: [], devices: 6 });
    expect(checkEquivalence({ whole: compiled.whole, local: again, registry, seed: 1 })).toMatchObject({
      verdict: 'ok',
    });
  });

  it('one that differs stays apart', () => {
    const odd = compile(layers(7, 3));
    const done = outline(odd.module);
    expect(checkEquivalence({ whole: odd.whole, local: done, registry, seed: 1 })).toMatchObject({ verdict: 'ok' });
    expect(calls(done)).toBeGreaterThan(0);
    expect(calls(done)).toBeLessThan(7);
  });

  it('nothing repeats: nothing changes', () => {
    const { module } = compile(layers(1));
    expect(outline(module)).toBe(module);
  });
});
