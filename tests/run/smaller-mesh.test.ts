/** A program too big to run even at one element a shard: the same ops on a mesh of shorter axes, and still a check. */
import { expect, it } from 'vitest';
import { compile, type Module, parseTir, printTir, registry, runCheck } from '../../compiler/index.ts';
import { localize } from '../../passes/partition/localize.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { shrinkModule } from '../../runtime-sim/shrink.ts';
import { onSmallerMesh } from '../../runtime-sim/smaller-mesh.ts';

const compiled = (main: string, mesh = '{x=32, y=64}') =>
  compile(parseTir({ file: 'm.tir', text: `module @m\nmesh @mesh ${mesh}\n${main}` }, registry));

/** Every dim of every product is cut 2,048 ways somewhere. */
const everywhere = compiled(`func @main(%a: f32[65536, 65536] @{x+y, _}, %b: f32[65536, 65536] @{x+y, _},
    %c: f32[65536, 65536] @{x+y, _}) {
  %d = dot_general %a, %b lhs_contracting=[1] rhs_contracting=[0]
  %e = tanh %d
  %f = dot_general %e, %c lhs_contracting=[1] rhs_contracting=[0]
  return %f
}`);

it('is checked there, and the verdict says where', () =>
  expect(runCheck(everywhere, 'auto', 0)).toMatchObject({
    mode: 'shrunk',
    verdict: 'ok',
    devices: 16,
    mesh: 'x=4 y=4',
  }));

it('a gather along the wrong axis is caught there', () => {
  const { module: whole } = shrinkModule(onSmallerMesh(everywhere.collective as Module) as Module, registry);
  const local = localize(whole, registry);
  const text = printTir(local);
  const gathered = text.replace('all_gather %a axes=[{y}', 'all_gather %a axes=[{x}');
  expect(gathered).not.toBe(text);
  const check = (module: Module) => checkEquivalence({ whole, local: module, registry, seed: 0 }).verdict;
  expect(check(parseTir({ file: 'm.tir', text }, registry))).toBe('ok');
  expect(check(parseTir({ file: 'm.tir', text: gathered }, registry))).toBe('failed');
});

it('parts of axes stay parts: four devices each, or a least factor', () => {
  const { collective } = compiled(
    `func @main(%a: f32[64, 64, 9] @{x:(1)8, x:(8)8, y}) {
  %c = tanh %a
  return %c
}`,
    '{x=64, y=9}',
  );
  const small = onSmallerMesh(collective as Module) as Module;
  expect(small.meshes[0]?.axes).toEqual([
    { name: 'x', size: 16 },
    { name: 'y', size: 3 },
  ]);
  expect(printTir(small)).toContain('%a: f32[64,64,9]@{x:(1)4, x:(4)4, y}');
});

it('what counts its devices is left as it is, and so is a mesh that cannot shrink', () => {
  const manual = compiled(`func @main(%a: f32[64, 64] @{x, _}) {
  %b = manual_computation %a in_layouts=[@{x, ?}] out_layouts=[@{x, ?}] manual_axes=[x] (%s) {
    %t = tanh %s
    return %t
  }
  return %b
}`);
  expect(onSmallerMesh(manual.collective as Module)).toBeUndefined();
  const least = compiled('func @main(%a: f32[64] @{x}) {\n  %b = tanh %a\n  return %b\n}', '{x=3, y=2}');
  expect(onSmallerMesh(least.collective as Module)).toBeUndefined();
});
