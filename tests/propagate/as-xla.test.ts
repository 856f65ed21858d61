/** The compiler's propagation reads a program as XLA does before it asks Shardy; `asWritten` reads it as Shardy alone does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importStablehlo, parseTir } from '../../compiler/index.ts';
import { registry } from '../../ir/ops/index.ts';
import { mainFunction, type Module, type ValueId, walkOps } from '../../ir/program.ts';
import { type PropagateResult, propagate } from '../../passes/propagate/propagate.ts';

const FIXTURES = join(import.meta.dirname, '../wire/fixtures');

function read(name: string): Module {
  const file = join(FIXTURES, `${name}.mlir`);
  return importStablehlo({ file, text: readFileSync(file, 'utf8') });
}

/** Axis names per dim of a result. */
const result = ({ module }: PropagateResult, i: number): string =>
  (mainFunction(module).resultLayouts[i]?.dims ?? []).map((d) => d.axes.map((a) => a.name).join('.') || '_').join(' ');

describe('results are laid out as by XLA', () => {
  it.each([
    ['calls are inlined first', 'mlp-blocks.megatron-2x4.grad', 1, '_ _ _', '_ y _'],
    ['calls are inlined first', 'lstm.features-2x4.grad', 3, '_ _', 'y _'],
    ['they end before their first sub-axis', 'few-heads.heads-2x4.grad', 2, '_ y _', '_ _ _'],
    ['a broadcast drops dims of size 1 first', 'hmm.states-2x4.grad', 1, 'y _', '_ y'],
    ['a broadcast that adds dims of size 1 is a reshape', 'gqa.fsdp-8.grad', 0, '_ _ x', 'x _ _'],
  ])('%s: %s, result %i', (_, name, i, shardy, xla) => {
    const module = read(name);
    expect([{ asWritten: true }, {}].map((how) => result(propagate(module, registry, how), i))).toEqual([shardy, xla]);
  });
});

describe('broadcasts are as written afterwards', () => {
  const module = read('hmm.states-2x4.grad');
  const { module: done, causes } = propagate(module, registry);
  const func = mainFunction(done);
  const broadcasts = [...walkOps(func.body)].filter((op) => op.kind === 'broadcast_in_dim');

  it('none is in steps', () => {
    const written = propagate(module, registry, { asWritten: true }).module;
    const kinds = (m: Module): string[] => [...walkOps(mainFunction(m).body)].map((op) => op.kind);
    expect(kinds(done)).toEqual(kinds(written));
  });

  it('every axis of their results has its cause, from a value of the program', () => {
    let axes = 0;
    for (const id of broadcasts.flatMap((op) => op.results))
      (func.values[id]?.layout?.dims ?? []).forEach((d, dim) => {
        for (const axis of d.axes) {
          axes++;
          const cause = causes.get(id)?.find((c) => c.dim === dim && c.axis.name === axis.name);
          expect(cause?.op).toBeDefined();
          expect(func.values[cause?.from as ValueId]).toBeDefined();
        }
      });
    expect(axes).toBeGreaterThan(10);
  });

  it('what a broadcast brought is told of a broadcast', () => {
    const told = [...causes.values()].flat().map((c) => c.op?.kind);
    expect(told).toContain('broadcast_in_dim');
    const reshapes = new Set([...walkOps(func.body)].filter((op) => op.kind === 'reshape').map((op) => op.origin));
    for (const { op } of [...causes.values()].flat())
      if (op?.kind === 'reshape') expect(reshapes.has(op.origin)).toBe(true);
  });
});

it('a conflict within a broadcast is told of the broadcast, each side by its own value', () => {
  const text = `module @m
mesh @mesh {x=2, y=2}
func @main(%a: f32[8, 4] @{x, y}, %q: f32[8, 1] @{y, _}) {
  %o = tanh %q
  %e = broadcast_in_dim %o dims=[0, 1] : f32[8, 4]
  %h = add %e, %a
  return %h
}
`;
  const { module, conflicts } = propagate(parseTir({ file: 'conflict.tir', text }), registry);
  const { values } = mainFunction(module);
  expect(conflicts.length).toBeGreaterThan(0);
  for (const { op, candidates, why } of conflicts) {
    expect(op.kind).toBe('broadcast_in_dim');
    expect(why).not.toContain('reshape');
    expect(candidates.map((c) => values[c.value]?.name)).toEqual(['o', 'e']);
    for (const { value, dim, axes } of candidates) expect(values[value]?.layout?.dims[dim]?.axes).toEqual(axes);
  }
});
