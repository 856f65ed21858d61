/** What laws cannot see, as the kernel is their meaning: values by hand from the StableHLO specification. */
import { describe, expect, test } from 'vitest';
import type { Precision } from '../../ir/array.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Attrs } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { moduleOf } from '../../compiler/testing/laws/one-op-module.ts';
import { example, reducer } from '../../compiler/testing/laws/op-example.ts';

type Numbers = readonly (number | bigint)[];
type Row = readonly [kind: string, dtype: string, operands: readonly Numbers[], result: Numbers];

const rows: readonly Row[] = [
  [
    'add',
    'pred',
    [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ],
    [0, 1, 1, 1],
  ],
  [
    'multiply',
    'pred',
    [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ],
    [0, 0, 0, 1],
  ],
  ['not', 'pred', [[0, 1]], [1, 0]],
  [
    'add',
    'i8',
    [
      [127, -128],
      [1, -1],
    ],
    [-128, 127],
  ],
  [
    'multiply',
    'i32',
    [
      [0x7fffffff, 65537],
      [3, 65537],
    ],
    [0x7ffffffd, 131073],
  ],
  ['multiply', 'u32', [[0xffffffff], [0xffffffff]], [1]],
  [
    'divide',
    'i32',
    [
      [-7, 7, 5, -(2 ** 31)],
      [2, -2, 0, -1],
    ],
    [-3, -3, -1, -(2 ** 31)],
  ],
  [
    'divide',
    'u32',
    [
      [7, 5],
      [2, 0],
    ],
    [3, 0xffffffff],
  ],
  [
    'remainder',
    'i32',
    [
      [-7, 7, 5],
      [2, -2, 0],
    ],
    [-1, 1, 5],
  ],
  ['abs', 'i32', [[-5, -(2 ** 31)]], [5, -(2 ** 31)]],
  ['popcnt', 'i8', [[-1, 5, -128]], [8, 2, 1]],
  ['popcnt', 'i64', [[-1n, 5n, 2n ** 40n]], [64n, 2n, 1n]],
  [
    'power',
    'i32',
    [
      [3, 2, -1, 5, 0],
      [100, 31, -3, -1, 0],
    ],
    [-818408495, -(2 ** 31), -1, 0, 1],
  ],
  [
    'power',
    'i64',
    [
      [3n, -1n, 7n],
      [5n, -3n, -1n],
    ],
    [243n, -1n, 0n],
  ],
  [
    'shift_left',
    'i8',
    [
      [1, 1, -1],
      [7, 8, 1],
    ],
    [-128, 0, -2],
  ],
  [
    'shift_right_logical',
    'i8',
    [
      [-1, -128],
      [1, 7],
    ],
    [127, 1],
  ],
  [
    'shift_right_logical',
    'i32',
    [
      [-1, -1],
      [1, 32],
    ],
    [0x7fffffff, 0],
  ],
  ['shift_right_logical', 'i64', [[-1n], [1n]], [2n ** 63n - 1n]],
  [
    'shift_right_arithmetic',
    'i8',
    [
      [-128, 64, -1],
      [3, 8, 9],
    ],
    [-16, 0, -1],
  ],
  ['round_nearest_even', 'f32', [[0.5, 1.5, 2.5, -0.5]], [0, 2, 2, -0]],
  ['round_nearest_afz', 'f32', [[0.5, 1.5, 2.5, -0.5]], [1, 2, 3, -1]],
  ['sign', 'f32', [[-3, -0, Number.NaN]], [-1, -0, Number.NaN]],
  [
    'maximum',
    'f32',
    [
      [Number.NaN, 1],
      [0, 2],
    ],
    [Number.NaN, 2],
  ],
  [
    'remainder',
    'f32',
    [
      [-7.5, 7.5],
      [2, -2],
    ],
    [-1.5, 1.5],
  ],
  [
    'clamp',
    'f32',
    [
      [0, 0],
      [Number.NaN, -3],
      [1, 1],
    ],
    [Number.NaN, 0],
  ],
];

interface Run {
  readonly attrs?: Attrs;
  readonly precision?: Precision;
}

function run(kind: string, signature: string, operands: readonly Numbers[], how: Run = {}): unknown[] {
  const { attrs = {}, precision = 'wide' } = how;
  const inputs = Object.fromEntries(operands.map((values, i) => [i, (at: number) => values[at] as number]));
  const made = example(kind, signature, { attrs, inputs });
  return Array.from(runOneDevice(moduleOf(made), registry, made.inputs, precision)[0]?.data as Float64Array);
}

describe('elementwise', () => {
  test.each(rows)('%s on %s', (kind, dtype, operands, result) => {
    const type = `${dtype}[${result.length}]`;
    expect(run(kind, `(${operands.map(() => type).join(', ')}) -> ${type}`, operands)).toEqual(result);
  });

  test('subtract, negate and shifts are not defined on pred', () => {
    const pred = tensor('pred', [2]);
    for (const [kind, arity] of [
      ['subtract', 2],
      ['negate', 1],
      ['shift_left', 2],
      ['popcnt', 1],
    ] as const) {
      const operands = Array.from({ length: arity }, () => pred);
      const infer = (): unknown => registry[kind]?.infer({ kind, attrs: {}, regions: [], operands });
      expect(infer, kind).toThrow(/not defined on pred/);
    }
  });
});

describe('compare with -0', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, 0, -0, -1];
  test.each([
    ['GT', 'FLOAT', [0, 1, 0, 0, 0]],
    ['GT', 'TOTALORDER', [1, 1, 1, 0, 0]],
    ['EQ', 'FLOAT', [0, 0, 1, 1, 0]],
    ['EQ', 'TOTALORDER', [0, 0, 0, 1, 0]],
  ] as const)('%s %s', (direction, compare_type, expected) => {
    const operands = [values, [-0, -0, -0, -0, -0]];
    const attrs = { direction, compare_type };
    expect(run('compare', '(f32[5], f32[5]) -> pred[5]', operands, { attrs })).toEqual(expected);
  });
});

test('convert wraps between integers, saturates from floats, and takes NaN for 0', () => {
  const to = (dtype: string, from: string, values: Numbers): unknown[] =>
    run('convert', `${from}[${values.length}] -> ${dtype}[${values.length}]`, [values], { attrs: { dtype } });
  expect(to('i8', 'i32', [300, -129, 7])).toEqual([44, 127, 7]);
  expect(to('i4', 'i8', [8, -9, 7])).toEqual([-8, 7, 7]);
  expect(to('i8', 'f32', [300.5, -300, -1.9, Number.NaN])).toEqual([127, -128, -1, 0]);
  expect(to('i64', 'f32', [1e30, -1e30])).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
  expect(to('pred', 'f32', [0.5, 0, Number.NaN])).toEqual([1, 0, 1]);
});

test('reduce_precision rounds to any format', () => {
  const values = [1.0625, 1.1875, 300, -1e-9];
  const at = (exponent_bits: number, mantissa_bits: number): unknown[] => {
    const attrs = { exponent_bits, mantissa_bits };
    return run('reduce_precision', 'f32[4] -> f32[4]', [values], { attrs, precision: 'true' });
  };
  expect(at(4, 3)).toEqual([1, 1.25, Number.POSITIVE_INFINITY, -0]);
  expect(at(8, 7)).toEqual([1.0625, 1.1875, 300, Math.fround(-9.968061931431293e-10)]);
  expect(at(8, 23)).toEqual([1.0625, 1.1875, 300, Math.fround(-1e-9)]);
});

test('reduce adds preds as or', () => {
  const made = example('reduce', '(pred[2,3], pred[]) -> pred[2]', {
    attrs: { dims: [1] },
    regions: reducer('add', 'pred'),
    inputs: { 0: (i) => (i < 3 ? 1 : 0), 1: () => 0 },
  });
  const [sums] = runOneDevice(moduleOf(made), registry, made.inputs, 'true');
  expect(Array.from(sums?.data as Uint8Array)).toEqual([1, 0]);
});

describe('complex', () => {
  const pairs = [3, -4, 0, 2]; // 3 - 4i, 2i
  test.each([
    ['multiply', '(c64[2], c64[2]) -> c64[2]', [pairs, [1, 2, 0, -1]], [11, 2, 2, 0]],
    ['divide', '(c64[2], c64[2]) -> c64[2]', [pairs, [0, 1, 0, 4]], [-4, -3, 0.5, 0]],
    ['abs', 'c64[2] -> f32[2]', [pairs], [5, 2]],
    ['sqrt', 'c64[2] -> c64[2]', [[-4, 0, 0, 2]], [0, 2, 1, 1]],
    ['negate', 'c64[2] -> c64[2]', [pairs], [-3, 4, -0, -2]],
    ['imag', 'c64[2] -> f32[2]', [pairs], [-4, 2]],
  ] as const)('%s', (kind, signature, operands, result) => {
    expect(run(kind, signature, operands)).toEqual(result);
  });
});
