/** A result that is zero but for rounding passes the check; the same with a sum gone wrong does not. */
import { expect, it } from 'vitest';
import { compile, parseTir, registry } from '../../compiler/index.ts';
import { mainFunction } from '../../ir/program.ts';
import { checkEquivalence, compareResults } from '../../runtime-sim/check.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';

/** As the gradient of a bias before a batch norm: large deviations from their own mean, summed. */
const text = `module @deviations
mesh @mesh {x=4}
func @main(%a: f32[64, 8] @{x, _}) {
  %e = exponential %a
  %b = multiply %e, 100.0
  %t = reduce_sum %b dims=[0]
  %m = multiply %t, 0.015625
  %c = broadcast_in_dim %m dims=[1] : f32[64, 8]
  %d = subtract %b, %c
  %s = reduce_sum %d dims=[0]
  return %s
}`;
const { whole, module } = compile(parseTir({ file: 'deviations.tir', text }, registry));
const check = (local: typeof module) => checkEquivalence({ whole, local, registry, seed: 0 });

it('what rounding alone may do is no difference, though the numbers are off by more than the tolerance', () => {
  const inputs = makeInputs(mainFunction(whole), 0, 'wide');
  const expected = runOneDevice(whole, registry, inputs, 'wide');
  const { results } = runSpmd(module, registry, inputs, 'wide', { resultShapes: [[8]] });
  expect(compareResults(expected, results, 1e-9).first).toBeDefined();
  expect(check(module).verdict).toBe('ok');
});

it('a wrong sum is one', () => {
  const wrong = module.functions.map((f) => ({
    ...f,
    body: {
      ...f.body,
      ops: f.body.ops.map((op) =>
        op.kind.startsWith('all_reduce') ? { ...op, attrs: { ...op.attrs, monoid: 'max' } } : op,
      ),
    },
  }));
  expect(check({ ...module, functions: wrong }).verdict).toBe('failed');
});

it('a jump that rounding may cause excuses nothing', () => {
  const expected = { dtype: 'f32', shape: [1], data: Float64Array.of(2) } as const;
  const got = { ...expected, data: Float64Array.of(1) };
  expect(compareResults([expected], [got], 1e-9, () => [100]).first).toMatchObject({ expected: 2, got: 1 });
});

it('floats made of integers round too', () => {
  const counted = text
    .replace('%a: f32[64, 8] @{x, _}', '')
    .replace(
      '%e = exponential %a',
      '%n = iota dim=0 dtype=i32 shape=[64, 8] : i32[64, 8]\n  %a = convert %n : f32[64, 8]\n  %g = sine %a\n  %e = sharding_constraint %g, @{x, _} : f32[64, 8]',
    );
  const made = compile(parseTir({ file: 'counted.tir', text: counted }, registry));
  const check = checkEquivalence({ whole: made.whole, local: made.module, registry, seed: 0 });
  expect(check.verdict).toBe('ok');
});

it('a loop that counts in floats does not outrun its trips for being nudged', () => {
  const loop = (
    from: string,
    to: string,
  ): string => `  ${to}i, ${to} = while %zero, ${from} trip_count=3 cond (%j, %v) {
    %g = convert %j dtype=f32
    %go = compare %g, 3.0 direction=LT compare_type=FLOAT
    return %go
  } do (%k, %u) {
    %next = add %k, 1
    %turned = negate %u
    return %next, %turned
  }`;
  const loops = ['%s', '%l1', '%l2', '%l3', '%l4', '%l5'].map((v, i, all) => loop(v, all[i + 1] ?? '%l6'));
  const looping = text.replace('  return %s', `  %zero = constant 0 : i32[]\n${loops.join('\n')}\n  return %l6`);
  const made = compile(parseTir({ file: 'looping.tir', text: looping }, registry));
  expect(() => checkEquivalence({ whole: made.whole, local: made.module, registry, seed: 0 })).not.toThrow();
});
