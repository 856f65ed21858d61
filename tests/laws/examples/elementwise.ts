/** Elementwise ops by table: which element types each is defined on, and a few shapes for all. */
import { COMPLEX_FUNCTIONS } from '../../../ir/ops/complex.ts';
import { ELEMENTWISE } from '../../../ir/ops/elementwise.ts';
import { type DType, partOf } from '../../../ir/types.ts';
import { example, type ExampleOptions, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

/** bool as StableHLO allows it: add is or, multiply is and. */
const ON_PRED: ReadonlySet<string> = new Set(['add', 'and', 'maximum', 'minimum', 'multiply', 'not', 'or', 'xor']);
const SIGNED_ONLY: ReadonlySet<string> = new Set(['abs', 'negate', 'sign']);

const SHAPES: Readonly<Partial<Record<DType, readonly string[]>>> = {
  f32: ['4,6', '', '1,6', '0,4'],
  bf16: ['12'],
  f16: ['6'],
  f64: ['6'],
  i32: ['4,6', ''],
  i8: ['6'],
  u32: ['6'],
  i64: ['4,3'],
  pred: ['4,6'],
  c64: ['4,6', ''],
  c128: ['6'],
};

function typesOf(kind: string): DType[] {
  const row = ELEMENTWISE[kind];
  const floats: DType[] = row?.float === undefined ? [] : ['f32', 'bf16', 'f16', 'f64'];
  const integers: DType[] =
    row?.int === undefined ? [] : ['i32', 'i8', 'i64', ...(SIGNED_ONLY.has(kind) ? [] : (['u32'] as const))];
  const complex: DType[] = COMPLEX_FUNCTIONS[kind] === undefined && kind !== 'abs' ? [] : ['c64', 'c128'];
  return [...floats, ...integers, ...complex, ...(ON_PRED.has(kind) ? (['pred'] as const) : [])];
}

/** `wide` reaches overflow and negative numbers, which small random ones do not. */
function integersOf(dtype: DType, arity: number): ExampleOptions {
  if (dtype !== 'i32' && dtype !== 'u32' && dtype !== 'i8') return {};
  const step = dtype === 'i8' ? 37 : 0x2f3b5a77;
  const at = (i: number): number => Math.imul(i + 1, step);
  return {
    inputs: Object.fromEntries(Array.from({ length: arity }, (_, k) => [k, (i: number) => at(i * 3 + k)])),
    note: 'wrapping',
  };
}

function rows(kind: string): OpExample[] {
  const row = ELEMENTWISE[kind];
  const arity = row?.arity ?? 1;
  return typesOf(kind).flatMap((dtype) => {
    const signature = (shape: string): string => {
      const result = row?.predicate === true ? 'pred' : kind === 'abs' ? partOf(dtype) : dtype;
      const operands = Array.from({ length: arity }, () => `${dtype}[${shape}]`);
      return `(${operands.join(', ')}) -> ${result}[${shape}]`;
    };
    const shapes = SHAPES[dtype] ?? [];
    const wrapping = integersOf(dtype, arity);
    return [
      ...shapes.map((s) => example(kind, signature(s))),
      ...(wrapping.inputs === undefined ? [] : [example(kind, signature(shapes[0] ?? ''), wrapping)]),
    ];
  });
}

const specials = (i: number): number =>
  [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5][i % 8] as number;
const compare = (direction: string, compare_type: string): { attrs: { direction: string; compare_type: string } } => ({
  attrs: { direction, compare_type },
});

const special: readonly OpExample[] = [
  ...['EQ', 'NE', 'GE', 'GT', 'LE', 'LT'].map((d) =>
    example('compare', '(f32[4,6], f32[4,6]) -> pred[4,6]', compare(d, 'FLOAT')),
  ),
  example('compare', '(f32[8], f32[8]) -> pred[8]', {
    attrs: { direction: 'NE' },
    inputs: { 0: specials },
    note: 'NaN',
  }),
  example('compare', '(f32[8], f32[8]) -> pred[8]', {
    ...compare('LT', 'TOTALORDER'),
    inputs: { 0: specials, 1: (i) => specials(i * 3 + 1) },
    note: 'NaN and -0',
  }),
  example('compare', '(i32[4,6], i32[4,6]) -> pred[4,6]', compare('LT', 'SIGNED')),
  example('compare', '(u32[4], u32[4]) -> pred[4]', compare('GE', 'UNSIGNED')),
  example('compare', '(i64[4], i64[4]) -> pred[4]', compare('EQ', 'SIGNED')),
  example('compare', '(pred[4], pred[4]) -> pred[4]', compare('NE', 'UNSIGNED')),
  example('select', '(pred[4,6], f32[4,6], f32[4,6]) -> f32[4,6]'),
  example('select', '(pred[], f32[4,6], f32[4,6]) -> f32[4,6]'),
  example('select', '(pred[1], bf16[1], bf16[1]) -> bf16[1]'),
  example('select', '(pred[6], pred[6], pred[6]) -> pred[6]'),
  example('select', '(pred[4], i64[4], i64[4]) -> i64[4]'),
  example('clamp', '(f32[4,6], f32[4,6], f32[4,6]) -> f32[4,6]'),
  example('clamp', '(f32[], f32[4,6], f32[]) -> f32[4,6]'),
  example('clamp', '(i32[], i32[6], i32[]) -> i32[6]', { inputs: { 0: () => 2, 2: () => 4 } }),
  example('clamp', '(i64[], i64[6], i64[]) -> i64[6]', { inputs: { 0: () => 2, 2: () => 4 } }),
  ...(
    [
      ['f32', 'bf16'],
      ['bf16', 'f32'],
      ['f32', 'i32'],
      ['i32', 'f32'],
      ['f32', 'pred'],
      ['pred', 'i32'],
      ['i32', 'i8'],
      ['i32', 'u32'],
      ['i64', 'i32'],
      ['i32', 'i64'],
      ['f32', 'i64'],
      ['i8', 'i4'],
      ['pred', 'i64'],
      ['f32', 'f64'],
    ] as const
  ).map(([from, to]) => example('convert', `${from}[4,6] -> ${to}[4,6]`, { attrs: { dtype: to } })),
  example('convert', 'i8[12] -> i4[12]', {
    attrs: { dtype: 'i4' },
    inputs: { 0: (i) => i * 9 - 50 },
    note: 'wrapping',
  }),
  example('convert', 'f32[12] -> u4[12]', {
    attrs: { dtype: 'u4' },
    inputs: { 0: (i) => i * 9 - 50 },
    note: 'saturating',
  }),
  ...(
    [
      ['f32', 'c64'],
      ['c64', 'f32'],
      ['c64', 'c128'],
      ['i32', 'c64'],
      ['f32', 'f8e4m3fn'],
      ['f8e5m2', 'f32'],
      ['f32', 'f8e4m3fnuz'],
      ['bf16', 'f8e5m2fnuz'],
      ['f32', 'f8e4m3b11fnuz'],
      ['f32', 'f8e3m4'],
      ['f32', 'f8e4m3'],
      ['f32', 'f8e8m0fnu'],
      ['f32', 'f4e2m1fn'],
      ['i32', 'i2'],
      ['u2', 'i32'],
    ] as const
  ).map(([from, to]) => example('convert', `${from}[6] -> ${to}[6]`, { attrs: { dtype: to } })),
  example('add', '(f8e4m3fn[6], f8e4m3fn[6]) -> f8e4m3fn[6]'),
  example('multiply', '(u2[4], u2[4]) -> u2[4]'),
  example('real', 'c64[4,6] -> f32[4,6]'),
  example('real', 'f32[6] -> f32[6]'),
  example('imag', 'c64[4,6] -> f32[4,6]'),
  example('imag', 'c128[6] -> f64[6]'),
  example('complex', '(f32[4,6], f32[4,6]) -> c64[4,6]'),
  example('complex', '(f64[], f64[]) -> c128[]'),
  example('compare', '(c64[4,6], c64[4,6]) -> pred[4,6]', { attrs: { direction: 'NE', compare_type: 'FLOAT' } }),
  example('select', '(pred[4,6], c64[4,6], c64[4,6]) -> c64[4,6]'),
  example('convert', 'f32[0,4] -> bf16[0,4]', { attrs: { dtype: 'bf16' } }),
  example('reduce_precision', 'f32[4,6] -> f32[4,6]', { attrs: { exponent_bits: 8, mantissa_bits: 7 } }),
  example('reduce_precision', 'f32[] -> f32[]', { attrs: { exponent_bits: 5, mantissa_bits: 10 } }),
];

export const elementwiseExamples: readonly OpExample[] = [...Object.keys(ELEMENTWISE).flatMap(rows), ...special];
