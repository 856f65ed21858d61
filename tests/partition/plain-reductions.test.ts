/** Reductions of several values, or with starts of their own: results are owed, inputs stay where they are. */
import { expect, it } from 'vitest';
import { compile, machine, makeReport, parseTir, runCheck } from '../../compiler/index.ts';

const measured = (params: string, body: string): Record<string, number> => {
  const text = `mesh @mesh {x=4}\nfunc @main(${params}) {\n${body}\n}`;
  const compiled = compile(parseTir({ file: 'reduce.tir', text }));
  const check = runCheck(compiled, 'full', 0);
  expect(check.verdict).toBe('ok');
  const { collectives } = makeReport(compiled, machine('tpu-v5e'), check).report;
  return Object.fromEntries(
    Object.entries(collectives).flatMap(([kind, { count }]) => (count > 0 ? [[kind, count]] : [])),
  );
};

it.each(['add', 'multiply', 'maximum', 'minimum'])('%s from a start that is not known', (op) => {
  const body = `  %r = reduce %a, %s dims=[0] (%p: f32[], %q: f32[]) -> ${op} %p, %q
  return %r`;
  expect(measured('%a: f32[18, 3] @{x, _}, %s: f32[]', body)).toEqual({ all_reduce: 1 });
});

it('the identity, spread from a scalar', () => {
  const body = `  %c = constant 0.0 : f32[]
  %z = broadcast_in_dim %c : f32[]
  %r = reduce %a, %z dims=[0] (%p: f32[], %q: f32[]) -> add %p, %q
  return %r`;
  expect(measured('%a: f32[16, 3] @{x, _}', body)).toEqual({ all_reduce: 1 });
});

it('places that do not meet', () => {
  const body = `  %z = constant 0.0 : f32[]
  %i = constant -inf : f32[]
  %r, %t = reduce %a, %b, %z, %i dims=[0] (%p: f32[], %q: f32[], %u: f32[], %v: f32[]) {
    %1 = add %p, %u
    %2 = maximum %v, %q
    return %1, %2
  }
  return %r, %t`;
  expect(measured('%a: f32[18, 3] @{x, _}, %b: f32[18, 3] @{x, _}', body)).toEqual({ all_reduce: 2 });
});

it('places that meet need the whole', () => {
  const body = `  %z = constant 0.0 : f32[]
  %r, %t = reduce %a, %b, %z, %z dims=[0] (%p: f32[], %q: f32[], %u: f32[], %v: f32[]) {
    %1 = add %p, %v
    %2 = add %q, %u
    return %1, %2
  }
  return %r, %t`;
  expect(measured('%a: f32[16, 3] @{x, _}, %b: f32[16, 3] @{x, _}', body)).toEqual({ all_gather: 2 });
});
