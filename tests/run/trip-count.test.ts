/** A loop that states a trip_count and goes on after it is told, where it would run for ever or cost what nobody was told. */
import { expect, it } from 'vitest';
import { parseTir, registry } from '../../compiler/index.ts';
import { mainFunction } from '../../ir/program.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';

const counting = (stated: string, step: number): string => `module @counting
mesh @mesh {x=2}
func @main(%a: f32[4]) {
  %zero = constant 0 : i32[]
  %i, %r = while %zero, %a ${stated} cond (%j, %v) {
    %go = compare %j, 3 direction=LT compare_type=SIGNED : pred[]
    return %go
  } do (%k, %w) {
    %n = add %k, ${step}
    %d = add %w, %w
    return %n, %d
  }
  return %i
}`;

const ran = (stated: string, step: number): number => {
  const module = parseTir({ file: 'counting.tir', text: counting(stated, step) }, registry);
  const [count] = runOneDevice(module, registry, makeInputs(mainFunction(module), 0, 'wide'), 'wide');
  return Number(count?.data[0]);
};

it.each([
  ['', 1],
  ['trip_count=3', 1],
  ['trip_count=5', 1],
])('%s with steps of %i ends at 3', (stated, step) => expect(ran(stated, step)).toBe(3));

it.each([
  ['one trip too few', 'trip_count=2', 1],
  ['a counter that stands still', 'trip_count=3', 0],
])('%s is told', (_, stated, step) =>
  expect(() => ran(stated, step)).toThrow(/SH0237.* goes on after \d trips, the trip_count that it states/),
);
