/**
 * linearity: for each operand set the op claims to be linear in, f(a + b) = f(a) + f(b) and f(0) = 0 with all
 * other operands held fixed. Sums still owed may then pass through the op.
 */
import type { TensorArray } from '../../../../ir/array.ts';
import type { Registry } from '../../../../ir/op.ts';
import { tensor } from '../../../../ir/types.ts';
import { compareResults } from '../../../../runtime-sim/check.ts';
import { makeInputs } from '../../../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf } from '../one-op-module.ts';
import { filledWith, viewOf } from '../op-example.ts';

export function checkLinearity({ def, registry, example }: LawContext, found: Findings): void {
  const sets = def.linearity?.(viewOf(example)) ?? [];
  const run = (inputs: readonly TensorArray[]): TensorArray[] =>
    runOneDevice(moduleOf(example), registry, inputs, 'wide');
  const a = example.inputs;
  const others = makeInputs(example.func, 11, 'wide');
  for (const set of sets) {
    const within = (change: (i: number) => TensorArray): TensorArray[] =>
      a.map((x, i) => (set.includes(i) ? change(i) : x));
    const where = `operands {${set.join(', ')}}`;
    found.check(
      'linearity',
      () => {
        const b = within((i) => others[i] as TensorArray);
        const sum = within((i) => add(registry, a[i] as TensorArray, others[i] as TensorArray));
        const [ofA, ofB, ofSum] = [run(a), run(b), run(sum)];
        return difference(
          ofA.map((x, i) => add(registry, x, ofB[i] as TensorArray)),
          ofSum,
          'f(a) + f(b)',
          'f(a + b)',
        );
      },
      where,
    );
    found.check(
      'linearity',
      () => {
        const nothing = run(within((i) => zero(a[i] as TensorArray)));
        return difference(nothing.map(zero), nothing, 'zero', 'f(0)');
      },
      where,
    );
  }
}

function difference(
  want: readonly TensorArray[],
  got: readonly TensorArray[],
  left: string,
  right: string,
): string | undefined {
  const { first } = compareResults(want, got, 1e-9);
  if (first === undefined) return undefined;
  const place = `at [${first.index.join(', ')}] of result ${first.result}`;
  return `${left} is ${first.expected} and ${right} is ${first.got} ${place}`;
}

const zero = (x: TensorArray): TensorArray => filledWith(x.dtype, x.shape, () => 0);

/** By the registry's own `add`: as the collective that pays an owed sum adds. */
function add(registry: Registry, a: TensorArray, b: TensorArray): TensorArray {
  const type = tensor(a.dtype, a.shape);
  const view = { kind: 'add', attrs: {}, operands: [type, type], results: [type], regions: [] };
  const call = (): never => {
    throw new Error('add has no region');
  };
  return registry.add?.kernel(view, [a, b], { precision: 'wide', call })[0] as TensorArray;
}
