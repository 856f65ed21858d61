/** Several orders of devices in one program: arguments come in theirs, results go in theirs, all between is in one. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compiledHere, onXla, PYTHON } from './on-xla.ts';

const T = 'tensor<12x12xf32>';
const laid = (sharding: string): string => `{mhlo.sharding = "${sharding}"}`;
const main = (params: string, results: string, body: string): string =>
  `module { func.func public @main(${params}) -> (${results}) { ${body} } }`;

const PROGRAMS = [
  {
    name: 'a branch gives what lies in two orders',
    text: main(
      `%a: ${T} ${laid('{devices=[2,3]<=[6]}')}, %p: tensor<i1>`,
      `${T} ${laid('{devices=[3,2]<=[6]}')}`,
      `%w = "stablehlo.if"(%p) ({ %v = stablehlo.tanh %a : ${T} stablehlo.return %v : ${T} }, { stablehlo.return %a : ${T} }) : (tensor<i1>) -> ${T}
       return %w : ${T}`,
    ),
  },
  {
    name: 'one value is two results, in two orders',
    text: main(
      `%a: ${T} ${laid('{devices=[2,6]<=[12]}')}`,
      `${T} ${laid('{devices=[3,2,2]<=[12] last_tile_dim_replicate}')}, ${T} ${laid('{devices=[6,2]<=[12]}')}`,
      `%v = stablehlo.reverse %a, dims = [0] : ${T} return %v, %v : ${T}, ${T}`,
    ),
  },
  {
    name: 'an argument is a result, and is sliced before it is permuted',
    text: main(
      `%a: ${T} ${laid('{devices=[1,3,4]<=[12] last_tile_dim_replicate}')}`,
      `${T} ${laid('{devices=[1,3,4]<=[12] last_tile_dim_replicate}')}, ${T} ${laid('{devices=[2,2,3]<=[2,6]T(1,0) last_tile_dim_replicate}')}`,
      `%v = stablehlo.tanh %a : ${T} return %a, %v : ${T}, ${T}`,
    ),
  },
  {
    name: 'a loop reads what it also starts with, constrained',
    text: main(
      `%p: ${T} ${laid('{devices=[2,1,2]<=[4] last_tile_dim_replicate}')}`,
      `${T} ${laid('{devices=[1,2,2]<=[2,2]T(1,0) last_tile_dim_replicate}')}`,
      `%z = stablehlo.constant dense<0> : tensor<i32>
       %v = stablehlo.custom_call @Sharding(%p) ${laid('{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}')} : (${T}) -> ${T}
       %w:2 = stablehlo.while(%i = %z, %c = %p) : tensor<i32>, ${T} cond {
         %k = stablehlo.constant dense<3> : tensor<i32>
         %t = stablehlo.compare LT, %i, %k : (tensor<i32>, tensor<i32>) -> tensor<i1>
         stablehlo.return %t : tensor<i1>
       } do {
         %o = stablehlo.constant dense<1> : tensor<i32>
         %n = stablehlo.add %i, %o : tensor<i32>
         %r = stablehlo.add %c, %v : ${T}
         stablehlo.return %n, %r : tensor<i32>, ${T}
       }
       return %w#1 : ${T}`,
    ),
  },
  {
    name: 'one device',
    text: main(
      `%a: ${T} ${laid('{replicated}')}`,
      `${T} ${laid('{replicated}')}`,
      `%v = stablehlo.tanh %a ${laid('{replicated}')} : ${T} return %v : ${T}`,
    ),
  },
];

it.each(PROGRAMS)('$name', (program) => {
  expect(compiledHere(program).report.check.verdict).toBe('ok');
});

it.skipIf(!existsSync(PYTHON))('the same on XLA', { timeout: 300_000 }, () => {
  const done = PROGRAMS.map(compiledHere);
  for (const [i, found] of onXla(done).entries()) {
    expect([found.name, found.error, found.refused]).toEqual([done[i]?.name, undefined, undefined]);
    expect(found.max_rel_error, found.name).toBeLessThan(2e-5);
    expect(Math.abs(found.shardc.total - (done[i]?.report.wireBytes ?? 0)), found.name).toBeLessThanOrEqual(1);
  }
});
