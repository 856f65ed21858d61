/** Elementwise ops and conversions on the edges of every element type: extremes, zeros, NaN, infinities, odd shifts. */
import { FLOAT_FORMATS, largest } from '../../ir/float-formats.ts';
import { rounderOf } from '../../ir/ops/rounding.ts';
import { COMPLEX_FUNCTIONS } from '../../ir/ops/complex.ts';
import { ELEMENTWISE } from '../../ir/ops/elementwise.ts';
import { DTYPES, type DType, isFloat } from '../../ir/types.ts';
import { example, type OpExample } from '../../compiler/testing/laws/op-example.ts';

const INTEGERS: readonly DType[] = ['i4', 'i8', 'i16', 'i32', 'i64', 'u4', 'u8', 'u16', 'u32', 'u64'];
const FLOATS: readonly DType[] = ['f16', 'bf16', 'f32', 'f64'];
const NARROW: readonly DType[] = [
  'f8e4m3fn',
  'f8e5m2',
  'f8e4m3fnuz',
  'f8e5m2fnuz',
  'f8e4m3b11fnuz',
  'f8e3m4',
  'f8e4m3',
];

/** Twelve values of a type. */
function edges(dtype: DType): (number | bigint)[] {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'float') {
    const format = FLOAT_FORMATS[dtype];
    const top = format === undefined ? (bits === 32 ? 3.4028234663852886e38 : Number.MAX_VALUE) : largest(format);
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    const round = rounderOf(dtype) ?? ((x: number): number => x);
    return [0, -0, 1, -1, 0.5, -1.5, 2.5, 3, top, -top, inf, nan].map(round);
  }
  const [least, most] =
    cls === 'signed' ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
  const all = [
    0n,
    1n,
    2n,
    3n,
    5n,
    7n,
    most,
    most - 1n,
    least,
    least + 1n,
    most / 2n,
    cls === 'signed' ? -1n : most / 3n,
  ];
  return bits === 64 ? all : all.map(Number);
}

const pairs = (dtype: DType): [(i: number) => number | bigint, (i: number) => number | bigint] => {
  const values = edges(dtype);
  return [(i) => values[i % 12] as number, (i) => values[Math.floor(i / 12)] as number];
};

/** Small exponents alone: XLA reads six bits of one. */
const exponents =
  (dtype: DType) =>
  (i: number): number | bigint =>
    DTYPES[dtype].bits === 64 ? BigInt(Math.floor(i / 12) % 4) : Math.floor(i / 12) % 4;

function rows(kind: string): OpExample[] {
  const row = ELEMENTWISE[kind];
  if (row === undefined || INEXACT_AT_EDGES.has(kind)) return [];
  const floats = row.float === undefined ? [] : FLOATS;
  const narrow = row.float !== undefined && NARROW_TOO.has(kind) ? NARROW : [];
  const integers =
    row.int === undefined
      ? []
      : INTEGERS.filter((t) => !(kind === 'popcnt' && t === 'i4')).filter(
          (t) => DTYPES[t].class === 'signed' || !SIGNED_ONLY.has(kind),
        );
  return [...floats, ...narrow, ...integers].map((dtype) => {
    const [a, b] = pairs(dtype);
    const n = row.arity === 1 ? 12 : 144;
    const second = kind === 'power' && !isFloat(dtype) ? exponents(dtype) : b;
    const operands = row.arity === 1 ? `${dtype}[12]` : `(${dtype}[144], ${dtype}[144])`;
    const result = row.predicate === true ? 'pred' : dtype;
    return example(kind, `${operands} -> ${result}[${n}]`, { inputs: { 0: a, 1: second }, note: 'edges' });
  });
}

// (XLA counts the bits of the byte that an i4 lies in.)
const SIGNED_ONLY: ReadonlySet<string> = new Set(['abs', 'negate', 'sign']);
/** Basic arithmetic, which narrow floats have on XLA. */
const NARROW_TOO: ReadonlySet<string> = new Set(['add', 'subtract', 'multiply', 'maximum', 'minimum', 'negate', 'abs']);
/** Client ops, which XLA writes out in ways that lose accuracy or special values at the ends. */
const INEXACT_AT_EDGES: ReadonlySet<string> = new Set([
  ...['acosh', 'asinh', 'atanh', 'cosh', 'digamma', 'erf_inv', 'erfc', 'lgamma', 'sinh'],
]);

const complexEdges = (i: number): number =>
  [0, 1, -0, -1, 2.5, 0.5, 3, -1.5][(i * 5 + Math.floor(i / 8)) % 8] as number;
const complexRows: readonly OpExample[] = Object.keys(COMPLEX_FUNCTIONS)
  .filter((kind) => !CHLO_COMPLEX(kind))
  .map((kind) => {
    const two = ELEMENTWISE[kind]?.arity === 2;
    return example(kind, `${two ? '(c64[12], c64[12])' : 'c64[12]'} -> c64[12]`, {
      inputs: { 0: (i) => complexEdges(i) + 0.1, 1: (i) => complexEdges(i + 3) + 0.2 },
      note: 'edges',
    });
  });

function CHLO_COMPLEX(kind: string): boolean {
  return ['acos', 'acosh', 'asin', 'asinh', 'atan', 'atanh', 'cosh', 'sinh'].includes(kind);
}

const TYPES: readonly DType[] = [...INTEGERS, ...FLOATS, ...NARROW, 'f8e8m0fnu', 'f4e2m1fn', 'pred'];

/** From and to the common types, not between two rare ones. */
const COMMON: ReadonlySet<DType> = new Set(['f32', 'i32', 'u8', 'bf16', 'pred', 'i64', 'f64']);
function converts(from: DType, to: DType): boolean {
  // XLA compares with the largest integer, rounded to four bits: 6 becomes that integer.
  if (from === 'f4e2m1fn' && !isFloat(to)) return false;
  return COMMON.has(from) || COMMON.has(to);
}

const conversions: readonly OpExample[] = TYPES.flatMap((from) =>
  TYPES.filter((to) => to !== from && converts(from, to)).map((to) =>
    example('convert', `${from}[12] -> ${to}[12]`, {
      attrs: { dtype: to },
      inputs: { 0: (i) => (from === 'pred' ? i % 2 : (edges(from)[i] as number)) },
      note: 'edges',
    }),
  ),
);

const comparisons: readonly OpExample[] = (['f32', 'bf16', 'i8', 'u64'] as const).flatMap((dtype) =>
  ['EQ', 'NE', 'LT', 'GE'].flatMap((direction) =>
    (isFloat(dtype) ? ['FLOAT', 'TOTALORDER'] : [dtype === 'i8' ? 'SIGNED' : 'UNSIGNED']).map((compare_type) =>
      example('compare', `(${dtype}[144], ${dtype}[144]) -> pred[144]`, {
        attrs: { direction, compare_type },
        inputs: { 0: pairs(dtype)[0], 1: pairs(dtype)[1] },
        note: 'edges',
      }),
    ),
  ),
);

const clamps: readonly OpExample[] = (['f32', 'bf16', 'i8', 'u32'] as const).map((dtype) =>
  example('clamp', `(${dtype}[], ${dtype}[12], ${dtype}[]) -> ${dtype}[12]`, {
    inputs: { 0: () => 1, 1: (i) => edges(dtype)[i] as number, 2: () => 3 },
    note: 'edges',
  }),
);

export const edgeExamples: readonly OpExample[] = [
  ...Object.keys(ELEMENTWISE).flatMap(rows),
  ...complexRows,
  ...conversions,
  ...comparisons,
  ...clamps,
];
