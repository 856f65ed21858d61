/** Each shorthand of .tir against its formula, written out on plain arrays. */
import { describe, expect, it } from 'vitest';
import { parseTir, registry } from '../../compiler/index.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { mainFunction } from '../../ir/program.ts';

type Rows = number[][];

/** Runs `expression` on %x: f32[3,4], %w: f32[4,5], %s: f32[4], %b: f32[4], %ids: i32[2]; the result row-major. */
function run(expression: string): {
  inputs: { x: Rows; w: Rows; s: number[]; b: number[] };
  shape: readonly number[];
  got: number[];
} {
  const text = `module @m
func @main(%x: f32[3, 4], %w: f32[4, 5], %s: f32[4], %b: f32[4], %ids: i32[2]) {
  %y = ${expression}
  return %y
}`;
  const module = parseTir({ file: 'sugar.tir', text });
  const arrays = makeInputs(mainFunction(module), 7, 'wide');
  const ids = arrays[4]?.data as Int32Array;
  ids.set([2, 0]);
  const [result] = runOneDevice(module, registry, arrays, 'wide');
  const numbers = (i: number): number[] => Array.from(arrays[i]?.data as Float64Array);
  const rows = (i: number, width: number): Rows => {
    const flat = numbers(i);
    return Array.from({ length: flat.length / width }, (_, r) => flat.slice(r * width, (r + 1) * width));
  };
  return {
    inputs: { x: rows(0, 4), w: rows(1, 5), s: numbers(2), b: numbers(3) },
    shape: result?.shape ?? [],
    got: Array.from(result?.data as Float64Array, Number),
  };
}

const sum = (v: readonly number[]): number => v.reduce((a, c) => a + c, 0);
const avg = (v: readonly number[]): number => sum(v) / v.length;
const logistic = (v: number): number => 1 / (1 + Math.exp(-v));
const column = (m: Rows, c: number): number[] => m.map((r) => r[c] as number);
const each =
  (f: (v: number) => number) =>
  ({ x }: { x: Rows }): number[] =>
    x.flat().map(f);
const product = (x: Rows, w: Rows): number[] =>
  x.flatMap((r) => (w[0] as number[]).map((_, c) => sum(r.map((v, k) => v * ((w[k] as number[])[c] as number)))));

describe('sugar', () => {
  it.each<[string, number[], (i: { x: Rows; w: Rows; s: number[]; b: number[] }) => number[]]>([
    ['einsum "bm,mf->bf" %x, %w', [3, 5], ({ x, w }) => product(x, w)],
    [
      'einsum "bm,mf->fb" %x, %w',
      [5, 3],
      ({ x, w }) => (w[0] as number[]).flatMap((_, f) => x.map((_r, r) => product(x, w)[r * 5 + f] as number)),
    ],
    ['einsum "bm,m->b" %x, %s', [3], ({ x, s }) => x.map((r) => sum(r.map((v, k) => v * (s[k] as number))))],
    ['einsum "bm->mb" %x', [4, 3], ({ x }) => [0, 1, 2, 3].flatMap((c) => column(x, c))],
    ['einsum "bm->m" %x', [4], ({ x }) => [0, 1, 2, 3].map((c) => sum(column(x, c)))],
    ['matmul %x, %w', [3, 5], ({ x, w }) => product(x, w)],
    ['reduce_sum %x', [], ({ x }) => [sum(x.flat())]],
    ['reduce_sum %x dims=[0]', [4], ({ x }) => [0, 1, 2, 3].map((c) => sum(column(x, c)))],
    ['reduce_prod %x dims=[-1]', [3], ({ x }) => x.map((r) => r.reduce((a, v) => a * v, 1))],
    ['reduce_max %x dims=[1]', [3], ({ x }) => x.map((r) => Math.max(...r))],
    ['reduce_min %x dims=[1]', [3], ({ x }) => x.map((r) => Math.min(...r))],
    ['mean %x dims=[1]', [3], ({ x }) => x.map(avg)],
    ['square %x', [3, 4], each((v) => v * v)],
    ['sigmoid %x', [3, 4], each(logistic)],
    ['relu %x', [3, 4], each((v) => Math.max(v, 0))],
    ['silu %x', [3, 4], each((v) => v * logistic(v))],
    ['gelu %x', [3, 4], each((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))))],
    ['softmax %x', [3, 4], ({ x }) => x.flatMap((r) => r.map((v) => Math.exp(v) / sum(r.map(Math.exp))))],
    [
      'softmax %x dim=0',
      [3, 4],
      ({ x }) => x.flatMap((r) => r.map((v, c) => Math.exp(v) / sum(column(x, c).map(Math.exp)))),
    ],
    [
      'rms_norm %x, %s',
      [3, 4],
      ({ x, s }) =>
        x.flatMap((r) => r.map((v, c) => (v / Math.sqrt(avg(r.map((u) => u * u)) + 1e-6)) * (s[c] as number))),
    ],
    [
      'layer_norm %x, %s, %b',
      [3, 4],
      ({ x, s, b }) =>
        x.flatMap((r) => {
          const variance = avg(r.map((u) => (u - avg(r)) ** 2));
          return r.map((v, c) => ((v - avg(r)) / Math.sqrt(variance + 1e-5)) * (s[c] as number) + (b[c] as number));
        }),
    ],
    ['embedding %w, %ids', [2, 5], ({ w }) => [...(w[2] as number[]), ...(w[0] as number[])]],
    ['add %x, 2.5', [3, 4], each((v) => v + 2.5)],
    ['multiply %x, %s', [3, 4], ({ x, s }) => x.flatMap((r) => r.map((v, c) => v * (s[c] as number)))],
    ['zeros : f32[2]', [2], () => [0, 0]],
    ['ones : f32[2]', [2], () => [1, 1]],
  ])('%s', (expression, shape, formula) => {
    const { inputs, shape: found, got } = run(expression);
    expect(found).toEqual(shape);
    const want = formula(inputs);
    expect(got.length).toBe(want.length);
    // Literals are f32: 0.044715 is not exact.
    want.forEach((v, i) =>
      expect(Math.abs((got[i] as number) - v), `element ${i}`).toBeLessThan(1e-6 * (1 + Math.abs(v))),
    );
  });
});
