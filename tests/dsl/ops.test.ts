/** Every op of the registry has a function; those of few uses elsewhere, on numbers. */
import { describe, expect, it } from 'vitest';
import * as shardc from '../../compiler/index.ts';
import {
  batchNormInference,
  compile,
  convolution,
  customCall,
  f32,
  greater,
  iota,
  mesh,
  nn,
  random,
  reduce,
  registry,
  rngBitGenerator,
  select,
  selectAndScatter,
  type Tensor,
  toNested,
  u32,
} from '../../compiler/index.ts';

const NONE: Readonly<Record<string, string>> = {
  after_all: 'orders effects, of which a trace has none',
  infeed: 'an effect',
  outfeed: 'an effect',
  recv: 'an effect',
  rotate: 'is roll',
  send: 'an effect',
};
const camelCase = (kind: string): string => kind.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

it('every op has a function under its name', () => {
  const without = Object.keys(registry).filter((kind) => !(camelCase(kind) in shardc));
  expect(without.sort()).toEqual(Object.keys(NONE));
});

const line = mesh({ x: 4 });
const numbers = (t: { data: ArrayLike<number | bigint> }): number[] => Array.from(t.data, Number);

describe('random', () => {
  const program = compile(
    (logits: Tensor) => {
      const [a, b] = random.split(random.key(42)) as [random.Key, random.Key];
      return {
        a,
        folded: random.foldIn(random.key(42), 7),
        bits: random.bits(a, [2, 3]),
        uniform: random.uniform(a, [2, 3]),
        normal: random.normal(b, [5]),
        integers: random.integers(b, [4], -3, 10),
        categorical: random.categorical(a, logits),
        dropped: nn.dropout(a, logits, 0.5),
      };
    },
    { mesh: line, args: [f32([4, 5], 'x', null)], check: 'full' },
  );
  const given = Array.from({ length: 20 }, (_, i) => Math.sin(i));
  it('has jax.random’s numbers (jax 0.10, PRNGKey(42))', () => {
    const out = program.runOneDevice(given);
    expect(numbers(out.a)).toEqual([1832780943, 270669613]);
    expect(numbers(out.folded)).toEqual([2547012911, 1371500959]);
    expect(numbers(out.bits)).toEqual([2277453133, 1345880512, 3872043189, 2999317162, 2654571928, 2670834431]);
    const uniform = [0.5302608013153076, 0.31336212158203125, 0.9015302658081055, 0.6983329057693481];
    expect(numbers(out.uniform).slice(0, 4)).toEqual(uniform);
    const normal = [
      0.6057640314102173, 0.7990440726280212, -0.9089270234107971, -0.6352575421333313, -1.2226585149765015,
    ];
    numbers(out.normal).forEach((v, i) => expect(v).toBeCloseTo(normal[i] as number, 6));
    expect(numbers(out.integers)).toEqual([6, 1, 8, 3]);
    expect(numbers(out.categorical)).toEqual([2, 4, 2, 4]);
  });
  it('has the same on the mesh', () => {
    expect(program.check().verdict).toBe('ok');
    expect(numbers(program.run(given).dropped)).toEqual(numbers(program.runOneDevice(given).dropped));
  });
});

it('reduces by a function, scatters to the largest, normalises, generates bits', () => {
  const program = compile(
    (x: Tensor, state: Tensor) => {
      const [best, place] = reduce(
        [x, iota(x.shape, 1)],
        [Number.NEGATIVE_INFINITY, 0],
        ([v, j], [w, k]) => {
          const first = greater(v as Tensor, w as Tensor);
          return [select(first, v as Tensor, w as Tensor), select(first, j as Tensor, k as Tensor)];
        },
        1,
      );
      const two = { window: [1, 2], strides: [1, 2] };
      const [scale, offset, mean, variance] = [1, 2, 3, 4].map((n) => reduce([x], [n], ([s]) => [s as Tensor], 0)[0]);
      return {
        best,
        place,
        scattered: selectAndScatter(x, shardc.full([2, 2], 5) as Tensor, two),
        normal: batchNormInference(x, scale as Tensor, offset as Tensor, mean as Tensor, variance as Tensor, {
          epsilon: 0,
        }),
        bits: rngBitGenerator(shardc.convert(state, 'u64'), [2])[1],
        products: convolution(x, x, { input_dims: [0, 1], kernel_dims: [1, 0], output_dims: [0, 1] }),
      };
    },
    { mesh: line, args: [f32([2, 4]), u32([2])] },
  );
  const out = program.runOneDevice([1, 4, 2, 3, 8, 5, 7, 6], [0, 42]);
  expect(toNested(out.best as never)).toEqual([4, 8]);
  expect(toNested(out.place as never)).toEqual([1, 0]);
  expect(toNested(out.scattered)).toEqual([
    [0, 5, 0, 5],
    [5, 0, 5, 0],
  ]);
  expect(numbers(out.normal)[0]).toBeCloseTo((1 - 3) / 2 + 2, 6);
  expect(toNested(out.products)).toEqual([
    [30, 60],
    [60, 174],
  ]);
  expect(out.bits.shape).toEqual([2]);
});

it('calls what shardc does not know, and says so in what it exports', () => {
  const program = compile((x: Tensor) => customCall('mine', [x], [x], 'has_side_effect = true'), {
    mesh: line,
    args: [f32([4])],
  });
  expect(program.toStableHLO()).toMatch(/custom_call @mine\(.*has_side_effect = true/);
});
