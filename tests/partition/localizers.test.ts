/**
 * Ops on a sharded dim of any size, over axes of any size: the numbers are those of one device, and what moves is less
 * than the operand gathered whole.
 */
import { describe, expect, it } from 'vitest';
import { compile, importStablehlo, machine, makeReport, runCheck } from '../../compiler/index.ts';

const WIDTH = 64;
/** Extent of the dim and of the axis: even, uneven, prime, fewer than twice the shards. */
const SIZES = [
  [48, 3],
  [50, 4],
  [47, 5],
  [49, 6],
  [53, 7],
  [11, 7],
] as const;

const rows = (n: number): string => `tensor<${n}x${WIDTH}xf32>`;
const scalar = 'tensor<f32>';
const region = (kind: string): string => `{
  ^bb0(%p: ${scalar}, %q: ${scalar}):
    %m = stablehlo.${kind} %p, %q : ${scalar}
    stablehlo.return %m : ${scalar}
  }`;
const ZERO = `  %z = stablehlo.constant dense<0.0> : ${scalar}\n`;

interface Op {
  /** Extent of the result. */
  readonly gives: (n: number) => number;
  /** `%v` → `%r`. */
  readonly body: (n: number, m: number) => string;
}

const slice = (start: (n: number) => number, limit: (n: number) => number, stride = 1): Op => ({
  gives: (n) => Math.ceil((limit(n) - start(n)) / stride),
  body: (n, m) =>
    `  %r = stablehlo.slice %v [${start(n)}:${limit(n)}:${stride}, 0:${WIDTH}] : (${rows(n)}) -> ${rows(m)}`,
});

const pad = (low: number, high: number, interior = 0): Op => ({
  gives: (n) => n + low + high + (n - 1) * interior,
  body: (n, m) =>
    `${ZERO}  %r = stablehlo.pad %v, %z, low = [${low}, 0], high = [${high}, 0], interior = [${interior}, 0] : (${rows(n)}, ${scalar}) -> ${rows(m)}`,
});

const roll = (by: (n: number) => number): Op => ({
  gives: (n) => n,
  body: (n) => {
    const at = n - by(n);
    return `  %a = stablehlo.slice %v [${at}:${n}, 0:${WIDTH}] : (${rows(n)}) -> ${rows(n - at)}
  %b = stablehlo.slice %v [0:${at}, 0:${WIDTH}] : (${rows(n)}) -> ${rows(at)}
  %r = stablehlo.concatenate %a, %b, dim = 0 : (${rows(n - at)}, ${rows(at)}) -> ${rows(n)}`;
  },
});

const windows = (n: number, stride: number): number => Math.floor((n - 1) / stride) + 1;
const attrs = (stride: number, base = 1): string =>
  `window_dimensions = array<i64: 3, 1>, window_strides = array<i64: ${stride}, 1>, ${base === 1 ? '' : `base_dilations = array<i64: ${base}, 1>, `}padding = dense<[[1, 1], [0, 0]]> : tensor<2x2xi64>`;

const pooled = (stride: number, base = 1): Op => ({
  gives: (n) => windows((n - 1) * base + 1, stride),
  body: (n, m) =>
    `${ZERO}  %r = "stablehlo.reduce_window"(%v, %z) <{${attrs(stride, base)}}> (${region('add')}) : (${rows(n)}, ${scalar}) -> ${rows(m)}`,
});

/** The gradient of a max pool, of values that the program makes. */
const unpooled = (stride: number): Op => ({
  gives: (n) => n,
  body: (n) => `${ZERO}  %g = stablehlo.constant dense<1.5> : ${rows(windows(n, stride))}
  %r = "stablehlo.select_and_scatter"(%v, %g, %z) <{${attrs(stride)}}> ({
  ^bb0(%p: ${scalar}, %q: ${scalar}):
    %m = stablehlo.compare GE, %p, %q, FLOAT : (${scalar}, ${scalar}) -> tensor<i1>
    stablehlo.return %m : tensor<i1>
  }, ${region('add')}) : (${rows(n)}, ${rows(windows(n, stride))}, ${scalar}) -> ${rows(n)}`,
});

/** A kernel of 3 places, one feature to each; `base`: as gradients by the input and transposed convolutions have it. */
const convolved = (stride: number, base: number): Op => ({
  gives: (n) => windows((n - 1) * base + 1, stride),
  body: (n, m) => `  %k = stablehlo.constant dense<0.5> : tensor<3x1x${WIDTH}xf32>
  %b = stablehlo.reshape %v : (${rows(n)}) -> tensor<1x${n}x${WIDTH}xf32>
  %c = stablehlo.convolution(%b, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [${stride}], pad = [[1, 1]], lhs_dilate = [${base}], rhs_dilate = [1]} {batch_group_count = 1 : i64, feature_group_count = ${WIDTH} : i64} : (tensor<1x${n}x${WIDTH}xf32>, tensor<3x1x${WIDTH}xf32>) -> tensor<1x${m}x${WIDTH}xf32>
  %r = stablehlo.reshape %c : (tensor<1x${m}x${WIDTH}xf32>) -> ${rows(m)}`,
});

const summed: Op = {
  gives: (n) => n,
  body: (n) =>
    `${ZERO}  %r = "stablehlo.reduce_window"(%v, %z) <{window_dimensions = array<i64: ${n}, 1>, padding = dense<[[${n - 1}, 0], [0, 0]]> : tensor<2x2xi64>}> (${region('add')}) : (${rows(n)}, ${scalar}) -> ${rows(n)}`,
};

const reversed: Op = {
  gives: (n) => n,
  body: (n) => `  %r = stablehlo.reverse %v, dims = [0] : ${rows(n)}`,
};

const updated: Op = {
  gives: (n) => n,
  body: (n) => `  %u = stablehlo.constant dense<2.0> : ${rows(2)}
  %i = stablehlo.constant dense<${n - 3}> : tensor<i32>
  %j = stablehlo.constant dense<0> : tensor<i32>
  %r = stablehlo.dynamic_update_slice %v, %u, %i, %j : (${rows(n)}, ${rows(2)}, tensor<i32>, tensor<i32>) -> ${rows(n)}`,
};

const OPS: Readonly<Record<string, Op>> = {
  slice: slice(
    () => 1,
    (n) => n - 1,
  ),
  'strided slice': slice(
    () => 1,
    (n) => n,
    2,
  ),
  pad: pad(1, 2),
  'negative pad': pad(-1, -2),
  'interior pad': pad(0, 1, 1),
  'interior pad, cut': pad(-2, -1, 2),
  'roll right': roll(() => 1),
  'roll left': roll((n) => n - 2),
  'roll halfway': roll((n) => Math.floor(n / 2)),
  reverse: reversed,
  'sum pool': pooled(1),
  'sum pool, stride 2': pooled(2),
  'dilated sum pool': pooled(1, 2),
  'max pool gradient': unpooled(2),
  'max pool gradient, stride 3': unpooled(3),
  convolution: convolved(1, 1),
  'strided convolution': convolved(2, 1),
  'transposed convolution': convolved(1, 2),
  'transposed convolution, strided': convolved(3, 2),
  cumsum: summed,
  'dynamic update': updated,
};

function moved({ gives, body }: Op, n: number, shards: number): number {
  const m = gives(n);
  const text = `module @m {
sdy.mesh @mesh = <["x"=${shards}]>
func.func public @main(%a: ${rows(n)} {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>}) -> (${rows(m)} {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>}) {
  %v = sdy.sharding_constraint %a <@mesh, [{"x"}, {}]> : ${rows(n)}
${body(n, m)}
  %w = sdy.sharding_constraint %r <@mesh, [{"x"}, {}]> : ${rows(m)}
  return %w : ${rows(m)}
}
}`;
  const compiled = compile(importStablehlo({ file: 'op.mlir', text }));
  expect(runCheck(compiled, 'full', 3)).toMatchObject({ verdict: 'ok' });
  const { report } = makeReport(compiled, machine('tpu-v5e'), runCheck(compiled, 'off', 0));
  // The result leaves whole.
  const leaves = Math.ceil(m / shards) * (shards - 1) * WIDTH * 4;
  return report.wireBytes - leaves;
}

/** What only padding would read stays where it is. */
describe('rows received of those that are read', () => {
  const row = WIDTH * 4;
  it.each<[string, Op, n: number, shards: number, received: number]>([
    [
      'the first two of 9, by the second device',
      slice(
        () => 0,
        () => 2,
      ),
      9,
      3,
      row,
    ],
    [
      'the first three of 64, one by one',
      slice(
        () => 0,
        () => 3,
      ),
      64,
      4,
      2 * row,
    ],
    [
      'every third of 13, each where it is',
      slice(
        () => 2,
        () => 12,
        3,
      ),
      13,
      5,
      0,
    ],
    [
      'every third of 32, from 18 on one device, from 16 on the other',
      slice(
        () => 0,
        () => 32,
        3,
      ),
      32,
      2,
      0,
    ],
    [
      'none',
      slice(
        () => 2,
        () => 2,
        2,
      ),
      6,
      4,
      0,
    ],
  ])('%s', (_, op, n, shards, received) => {
    expect(moved(op, n, shards)).toBe(received);
  });
});

describe.each(Object.entries(OPS))('%s', (_, op) => {
  it.each(SIZES)('%i elements over %i', (n, shards) => {
    const gathered = Math.ceil(n / shards) * (shards - 1) * WIDTH * 4;
    expect(moved(op, n, shards)).toBeLessThan(gathered);
  });
});
