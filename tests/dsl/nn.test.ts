/** Layers, experts, losses and optimizers against plain loops. */
import { describe, expect, it } from 'vitest';
import {
  compile,
  f32,
  grad,
  i32,
  mesh,
  multiply,
  type NDArray,
  nn,
  optim,
  scan,
  square,
  sum,
  type Tensor,
  toNested,
  trace,
} from '../../compiler/index.ts';

const m = mesh({ x: 2 });
const numbers = (n: number, seed = 1): number[] => Array.from({ length: n }, (_, i) => Math.sin(seed + 1.7 * i));
const one = <R>(
  fn: (...args: Tensor[]) => R,
  specs: readonly ReturnType<typeof f32>[],
  ...given: readonly number[][]
): never =>
  compile<readonly Tensor[], R>(fn as never, { mesh: m, args: specs as never }).runOneDevice(
    ...(given as never[]),
  ) as never;
const list = (x: NDArray): number[] => Array.from(x.data as Float32Array);

describe('optimizers', () => {
  /** Six steps on Σ (k x)²/2, whose gradient is k² x. */
  const descend = (optimizer: optim.Optimizer, shape: readonly number[]): number[] => {
    const run = (x: Tensor, k: Tensor): Tensor => {
      const loss = (p: Tensor): Tensor => multiply(sum(square(multiply(p, k))), 0.5) as Tensor;
      type State = readonly [Tensor, object];
      const step = ([p, s]: State): readonly [State, null] => [optimizer.update(grad(loss)(p), s, p), null];
      return scan(step, [x, optimizer.init(x)] as State, null, { length: 6 })[0][0];
    };
    const n = shape.reduce((a, b) => a * b, 1);
    return list(one(run, [f32(shape) as never, f32(shape) as never], numbers(n), numbers(n, 2)));
  };
  const reference = (n: number, update: (x: number, g: number, t: number, i: number) => number): number[] =>
    numbers(n).map((start, i) => {
      const k = numbers(n, 2)[i] as number;
      let x = start;
      for (let t = 1; t <= 6; t++) x = update(x, k * k * x, t, i);
      return x;
    });
  const close = (got: number[], want: number[]): void =>
    got.forEach((v, i) => expect(v).toBeCloseTo(want[i] as number, 5));

  it('sgd with momentum', () => {
    const v = [0, 0, 0, 0];
    close(
      descend(optim.sgd({ learningRate: 0.1, momentum: 0.9 }), [4]),
      reference(4, (x, g, _, i) => x - 0.1 * (v[i] = 0.9 * (v[i] as number) + g)),
    );
  });
  it('adam', () => {
    const [a, b] = [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ] as [number[], number[]];
    const step = (x: number, g: number, t: number, i: number): number => {
      a[i] = 0.9 * (a[i] as number) + 0.1 * g;
      b[i] = 0.999 * (b[i] as number) + 0.001 * g * g;
      return x - (0.05 * (a[i] as number)) / (1 - 0.9 ** t) / (Math.sqrt((b[i] as number) / (1 - 0.999 ** t)) + 1e-8);
    };
    close(descend(optim.adam({ learningRate: 0.05 }), [4]), reference(4, step));
  });
  it('adafactor keeps rows and columns, and goes down', () => {
    const { module } = trace((x: Tensor) => optim.adafactor({ learningRate: 0.1 }).init({ w: x }), {
      args: [f32([4, 6])],
    });
    expect(module.functions[0]?.resultTypes.map((t) => t.shape)).toEqual([[], [4], [6]]);
    const size = (x: number[]): number => x.reduce((s, v, i) => s + (v * (numbers(24, 2)[i] as number)) ** 2, 0);
    expect(size(descend(optim.adafactor({ learningRate: 0.1 }), [4, 6]))).toBeLessThan(size(numbers(24)));
  });
});

it('a router drops what does not fit, in order', () => {
  const gate = [5, 0, 0, 5]; // token [1, 0] → expert 0, [0, 1] → expert 1
  const tokens = [1, 0, 1, 0, 0, 1, 1, 0];
  const out = one(
    (x, g) => nn.route(g as Tensor, x as Tensor, { capacity: 2 }).dispatch,
    [f32([1, 4, 2]) as never, f32([2, 2]) as never],
    tokens,
    gate,
  ) as NDArray;
  // [token][expert][place]: the third token for expert 0 finds it full.
  expect(toNested(out)).toEqual([
    [
      [
        [1, 0],
        [0, 0],
      ],
      [
        [0, 1],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ],
  ]);
});

it('grouped queries: a group’s heads see its keys; rotary turns by the distance only', () => {
  const specs = [f32([1, 3, 4, 2]), f32([1, 3, 2, 2]), f32([1, 3, 2, 2])] as never[];
  const out = one(
    (q, k, v) => nn.attend(q as Tensor, k as Tensor, v as Tensor),
    specs,
    numbers(24),
    numbers(12, 2),
    numbers(12, 3),
  ) as NDArray;
  const [q, k, v] = [numbers(24), numbers(12, 2), numbers(12, 3)];
  for (let s = 0; s < 3; s++)
    for (let h = 0; h < 4; h++) {
      const g = Math.floor(h / 2);
      const dots = [0, 1, 2].map(
        (t) =>
          [0, 1].reduce((d, e) => d + (q[(s * 4 + h) * 2 + e] as number) * (k[(t * 2 + g) * 2 + e] as number), 0) /
          Math.SQRT2,
      );
      const raised = dots.map(Math.exp);
      const total = raised.reduce((a, b) => a + b, 0);
      for (let e = 0; e < 2; e++) {
        const want = raised.reduce((sum_, w, t) => sum_ + (w / total) * (v[(t * 2 + g) * 2 + e] as number), 0);
        expect(Number(out.data[(s * 4 + h) * 2 + e])).toBeCloseTo(want, 5);
      }
    }
  const score = (at: number): number => {
    const turned = one(
      (x, p) => sum(multiply(nn.rotate(x as Tensor, p as Tensor), nn.rotate(x as Tensor, multiply(p as Tensor, 0)))),
      [f32([1, 1, 1, 4]) as never, i32([1]) as never],
      [1, 2, 3, 4],
      [at],
    ) as NDArray;
    return Number(turned.data[0]);
  };
  expect(score(0)).toBeCloseTo(30, 4);
  expect(score(3)).toBeCloseTo((1 + 9) * Math.cos(3) + (4 + 16) * Math.cos(0.03), 4);
});

it('losses', () => {
  const out = one(
    (x, y) => [
      nn.softmaxCrossEntropy(x as Tensor, y as Tensor),
      nn.meanSquaredError(x as Tensor, multiply(x as Tensor, 0)),
    ],
    [f32([1, 3]) as never, i32([1]) as never],
    [1, 2, 3],
    [1],
  ) as [NDArray, NDArray];
  const logits = [1, 2, 3].map(Math.exp);
  expect(Number(out[0].data[0])).toBeCloseTo(-Math.log((logits[1] as number) / logits.reduce((a, b) => a + b)), 5);
  expect(Number(out[1].data[0])).toBeCloseTo(14 / 3, 5);
});
