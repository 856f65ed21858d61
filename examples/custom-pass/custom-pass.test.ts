// The pass and the op under test, as any vitest project would have them.
import { compile, f32, grad, mesh, op, PIPELINE, parseTir, sum, type Tensor } from 'shardc';
import {
  checkLaws,
  example,
  expectEquivalent,
  fixturesIn,
  matchers,
  minimize,
  randomProgram,
  runFixture,
} from 'shardc/testing';
import { describe, expect, it } from 'vitest';
import { foldNegations, passes } from './fold-negations.ts';
import { registry, softsign } from './softsign.ts';

expect.extend(matchers);

it.each(fixturesIn(`${import.meta.dirname}/fixtures`))('%s', (file) => {
  expect(runFixture(file, { passes, registry }).wrong).toBeUndefined();
});

it('softsign keeps the laws', () => {
  expect(checkLaws(softsign, registry, example('softsign', 'f32[4,8] -> f32[4,8]')).findings).toEqual([]);
});

describe('fold-negations', () => {
  const ctx = { registry } as Parameters<typeof foldNegations.run>[1];
  it('keeps what random programs compute', () => {
    for (let seed = 0; seed < 20; seed++) {
      const before = randomProgram(seed);
      expectEquivalent(before, foldNegations.run(before, ctx), { mesh: 'x=2,y=2' });
    }
  });

  it('has its smallest program found', () => {
    const text =
      'module @m\nfunc @main(%a: f32[4]) {\n %b = tanh %a\n %c = negate %b\n %d = negate %c\n %e = sine %d\n return %e, %b\n}\n';
    const folds = (m: ReturnType<typeof parseTir>): boolean => {
      const [before, after] = [m, foldNegations.run(m, ctx)].map((x) => x.functions[0]?.body.ops.length ?? 0);
      return before !== after;
    };
    const kinds = minimize(parseTir({ file: 'm.tir', text }), folds).functions[0]?.body.ops.map((o) => o.kind);
    expect(kinds).toEqual(['negate', 'negate', 'return']);
  });
});

it('a model uses both', () => {
  const loss = (x: Tensor): Tensor => sum(op('softsign', [x])[0] as Tensor);
  const program = compile((x: Tensor) => grad(loss)(x), {
    mesh: mesh({ x: 2 }),
    registry,
    args: [f32([4], 'x')],
    pipeline: [foldNegations, ...PIPELINE],
  });
  expect(program.check().verdict).toBe('ok');
  expect(program.toStableHLO()).not.toContain('softsign');
  expect(Array.from(program.run([0, 1, -1, 3]).data as Float32Array)).toEqual([1, 0.25, 0.25, 0.0625]);
});
