/** Starts and dones: where they stand, that numbers and wire bytes stay, that a loop gathers ahead, that memory bounds it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  compile,
  exportStablehlo,
  importStablehlo,
  machine,
  type Module,
  parseTir,
  printTir,
  registry,
} from '../../compiler/index.ts';
import { isStart, mainFunction, type Op, walkOps } from '../../ir/program.ts';
import { verify } from '../../ir/verify.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';
import { costOf } from '../../runtime-sim/cost/report.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import { schedule } from '../../passes/schedule/schedule.ts';

const tir = (text: string): Module => parseTir({ file: 'test.tir', text });
const v4 = machine('tpu-v4');
const on = (module: Module, chip: Machine = v4): Module => schedule(module, paceOn(chip, registry));
const opsOf = (module: Module): Op[] => [...walkOps(mainFunction(module).body)];
const kinds = (module: Module): string[] => mainFunction(module).body.ops.map((op) => op.kind);

/** Two products, then one that needs a gathered weight. */
const beside = tir(`module @beside local
mesh @mesh {x=4}

func @main(%a: bf16[4096, 4096], %w: bf16[1024, 4096] @{x, _}) -> (bf16[4096, 4096]) {
  %g = all_gather %w mesh="mesh" axes=[{x}, {}] : bf16[4096, 4096]
  %b = dot_general %a, %a lhs_contracting=[1] rhs_contracting=[0] : bf16[4096, 4096]
  %c = dot_general %b, %g lhs_contracting=[1] rhs_contracting=[0] : bf16[4096, 4096]
  return %c
}
`);

/** Layers whose weights are sharded over the data axis and gathered in the loop. */
const layers = compile(
  tir(`module @layers
mesh @mesh {data=4}

func @main(%x: f32[64, 32] @{data, _}, %ws: f32[6, 32, 32] @{_, data, _}) {
  %y = for %x count=6 (%i, %h) {
    %w = dynamic_slice %ws, %i, 0, 0 sizes=[1, 32, 32]
    %m = reshape %w shape=[32, 32]
    %p = matmul %h, %m
    %q = tanh %p : f32[64, 32] @{data, _}
    return %q
  }
  return %y
}
`),
);

describe('a block', () => {
  it('starts a gather before what need not wait for it, and ends it before its reader', () => {
    expect(kinds(on(beside))).toEqual(['all_gather_start', 'dot_general', 'collective_done', 'dot_general', 'return']);
  });

  it('takes less time, by what was hidden', () => {
    const [before, after] = [beside, on(beside)].map((m) => costOf(m, registry, v4));
    expect(before?.exposedSeconds).toBeGreaterThan(1e-4);
    expect(after?.exposedSeconds).toBe(0);
    expect(after?.computeSeconds).toBeCloseTo(before?.computeSeconds ?? 0, 12);
    expect(after?.wireBytes).toBe(before?.wireBytes);
  });

  it('holds back where what is in flight would not fit the device', () => {
    const { peakMemoryBytes } = costOf(beside, registry, v4);
    const small: Machine = { ...v4, memory: { ...v4.memory, bytes: peakMemoryBytes } };
    expect(costOf(on(beside, small), registry, small).peakMemoryBytes).toBeLessThanOrEqual(peakMemoryBytes);
  });

  it('reads back as text', () => {
    const text = printTir(on(beside));
    expect(text).toContain('module @beside scheduled');
    expect(printTir(tir(text))).toBe(text);
  });
});

describe('a loop over layers', () => {
  const local = layers.module;
  const scheduled = on(local);

  it('gathers for the next trip, as often as before', () => {
    const [before, after] = [local, scheduled].map((m) => costOf(m, registry, v4));
    expect(after?.collectives.all_gather?.count).toBe(6);
    expect(after?.wireBytes).toBe(before?.wireBytes);
    expect(after?.matrixFlops).toBe(before?.matrixFlops);
    expect(after?.stepSeconds).toBeLessThan(before?.stepSeconds ?? 0);
    const loop = opsOf(scheduled).find((op) => op.kind === 'while');
    expect(loop?.attrs.trip_count).toBe(5);
    const body = loop?.regions[1]?.ops.map((op) => op.kind) ?? [];
    expect(body.indexOf('all_gather_start')).toBeLessThan(body.indexOf('dot_general'));
    expect(body.indexOf('collective_done')).toBeGreaterThan(body.indexOf('dot_general'));
  });

  it('gives the same numbers', () => {
    const result = checkEquivalence({ whole: layers.whole, local: scheduled, registry, seed: 1 });
    expect(result).toMatchObject({ verdict: 'ok' });
  });
});

describe('a training step', () => {
  const file = 'examples/decoder_step.mlir';
  const source = importStablehlo({ file, text: readFileSync(file, 'utf8') });
  const compiled = compile(source, { pace: paceOn(v4, registry) });
  const { module, whole } = compiled;

  it('runs on numbers, verifies and reads back', () => {
    expect(module.level).toBe('scheduled');
    expect(verify(module, registry)).toEqual([]);
    expect(opsOf(module).filter(isStart).length).toBeGreaterThan(20);
    expect(checkEquivalence({ whole, local: module, registry, seed: 2 }).verdict).toBe('ok');
    expect(printTir(tir(printTir(module)))).toBe(printTir(module));
  });

  it('hides communication, moves no more, and counts recomputed products apart', () => {
    const [before, after] = [compiled.local as Module, module].map((m) => costOf(m, registry, v4));
    expect(after?.exposedSeconds).toBeLessThan(0.8 * (before?.exposedSeconds ?? 0));
    expect(after?.wireBytes).toBe(before?.wireBytes);
    expect(after?.recomputedFlops).toBe(before?.recomputedFlops);
    expect(after?.modelUtilization).toBeLessThanOrEqual(after?.utilization ?? 0);
  });

  it('is exported with starts and dones fused', () => {
    const text = exportStablehlo(source, module);
    expect(text).not.toMatch(/_start|_done/);
    expect(text.match(/stablehlo\.all_gather"/g)?.length).toBe(
      opsOf(module).filter((op) => op.kind.startsWith('all_gather')).length,
    );
  });
});

it.each([
  ['is never done', 'return %a'],
  ['reads what all_reduce_start has in flight', '%n = negate %s\n  return %n'],
  ['ends what no start began', '%d = collective_done %s\n  %e = collective_done %d\n  return %e'],
])('a start that %s is refused', (message, rest) => {
  const module = tir(`module @wrong scheduled
mesh @mesh {x=4}

func @main(%a: f32[8]) -> (f32[8]) {
  %s = all_reduce_start %a mesh="mesh" axes={x}
  ${rest}
}
`);
  expect(verify(module, registry).map((d) => d.message)).toContainEqual(expect.stringContaining(message));
});
