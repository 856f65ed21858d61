/** vmap of a function = the function on each example, stacked; gradients and second maps included. */
import { describe, expect, it } from 'vitest';
import {
  add,
  checkpoint,
  compile,
  cond,
  conv,
  convert,
  DiagnosticError,
  dynamicSlice,
  dynamicUpdateSlice,
  f64,
  grad,
  greater,
  i32,
  indexInDim,
  less,
  matmul,
  mesh,
  multiply,
  pad,
  printTir,
  roll,
  scan,
  shard,
  sine,
  square,
  stack,
  sum,
  switchCase,
  take,
  tanh,
  type Tensor,
  topK,
  trace,
  vmap,
  whileLoop,
} from '../../compiler/index.ts';
import { type Model, models } from './models.ts';

const m = mesh({ x: 2, stage: 2 });
const SIZE = 3;

/** Shapes of one example; null: all examples share the argument. */
interface Case {
  readonly fn: Model;
  readonly shapes: readonly (readonly number[])[];
  readonly shared?: readonly number[];
  readonly ints?: readonly number[];
}

const n = (...shape: number[]): readonly number[] => shape;
const cases: Readonly<Record<string, Case>> = {
  mlp: { fn: models.mlp as Model, shapes: [n(4, 6), n(6, 8), n(8), n(8, 3)], shared: [1, 2] },
  'mlp, own weights': { fn: models.mlp as Model, shapes: [n(4, 6), n(6, 8), n(8), n(8, 3)], shared: [0] },
  attention: {
    fn: models.attention as Model,
    shapes: [n(2, 5, 6), n(6, 2, 4), n(6, 2, 4), n(6, 2, 4), n(6)],
    shared: [2],
  },
  rnn: { fn: models.rnn as Model, shapes: [n(2, 3), n(3, 3), n(5, 2, 3)], shared: [0] },
  'branches that differ': { fn: models.branches as Model, shapes: [n(3), n(3)] },
  nested: { fn: models.nested as Model, shapes: [n(3, 3), n(2, 3)], shared: [1] },
  convnet: { fn: models.convnet as Model, shapes: [n(1, 8, 6, 2), n(3, 3, 2, 4), n(2, 2, 2, 4)], shared: [1, 2] },
  'convnet, own kernels': {
    fn: models.convnet as Model,
    shapes: [n(1, 8, 6, 2), n(3, 3, 2, 4), n(2, 2, 2, 4)],
    shared: [0],
  },
  indexing: { fn: models.indexing as Model, shapes: [n(4, 3), n(3, 4)] },
  gradient: {
    fn: (w, x) => grad(models.nested as Model)(w as Tensor, x as Tensor),
    shapes: [n(3, 3), n(2, 3)],
    shared: [0],
  },
  'checkpointed gradient': {
    fn: (x, w) => grad(checkpoint((u: Tensor) => sum(square(tanh(matmul(u, w as Tensor))))))(x as Tensor),
    shapes: [n(2, 3), n(3, 3)],
  },
  'starts that differ': {
    fn: (x, i) =>
      dynamicUpdateSlice(x as Tensor, dynamicSlice(x as Tensor, [i as Tensor, 1], [2, 2]), [0, i as Tensor]),
    shapes: [n(4, 5), n()],
    ints: [1],
  },
  'rows that differ': { fn: (x, i) => take(x as Tensor, i as Tensor), shapes: [n(4, 5), n(2)], ints: [1] },
  'rows of one table': {
    fn: (x, i) => take(x as Tensor, i as Tensor),
    shapes: [n(4, 5), n(2)],
    ints: [1],
    shared: [0],
  },
  'loops of different length': {
    fn: (x) =>
      whileLoop(
        ([i, s]) => less(convert(i as Tensor, 'f64'), multiply(sum(square(s as Tensor)), 2)),
        ([i, s]) => [add(i as Tensor, 1), sine(s as Tensor)],
        [convert(indexInDim(x as Tensor, 0), 'i32') as Tensor, x as Tensor],
      )[1] as Tensor,
    shapes: [n(3)],
  },
  'a switch': {
    fn: (i, x) =>
      switchCase(i as Tensor, [(u: Tensor) => u, (u: Tensor) => square(u), (u: Tensor) => sine(u)], x as Tensor),
    shapes: [n(), n(3)],
    ints: [0],
  },
  'pad, roll, kernels': {
    fn: (x, k) => add(sum(pad(roll(x as Tensor, 1, 1), [[1, 0], [0, 2], null])), sum(conv(x as Tensor, k as Tensor))),
    shapes: [n(2, 4, 2), n(2, 2, 3)],
  },
  'scan that stays shared': {
    fn: (x, y) =>
      add(
        scan(
          (c: Tensor, v: Tensor) => [multiply(c, v) as Tensor, c] as const,
          sum(y as Tensor) as Tensor,
          y as Tensor,
        )[0],
        x as Tensor,
      ),
    shapes: [n(), n(3)],
    shared: [1],
  },
  'cond on shared': {
    fn: (x, y) =>
      cond(
        greater(sum(y as Tensor), 0),
        (u: Tensor) => u,
        (u: Tensor) => square(u),
        x as Tensor,
      ),
    shapes: [n(2), n(3)],
    shared: [1],
  },
  'two maps': { fn: (x) => vmap((row: Tensor) => topK(row, 2)[0])(x as Tensor), shapes: [n(2, 4)] },
};

describe.each(Object.entries(cases))('%s', (_, { fn, shapes, shared = [], ints = [] }) => {
  it('is each example, stacked', () => {
    const inDims = shapes.map((_, i) => (shared.includes(i) ? null : 0));
    const args = shapes.map((s, i) => (ints.includes(i) ? i32 : f64)(shared.includes(i) ? s : [SIZE, ...s]));
    const both = (...given: Tensor[]): unknown => {
      const example = (e: number): Tensor[] => given.map((t, i) => (shared.includes(i) ? t : indexInDim(t, e)));
      return [vmap(fn, { inDims })(...given), stack(Array.from({ length: SIZE }, (_, e) => fn(...example(e))))];
    };
    const program = compile<readonly Tensor[], unknown>(both as never, { mesh: m, args: args as never });
    const numbers = args.map(({ shape }, i) =>
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) =>
        ints.includes(i) ? j % 3 : Math.sin(0.7 * j + i),
      ),
    );
    const [mapped, stacked] = program.runOneDevice(...(numbers as never[])) as unknown as [
      { data: Float64Array },
      { data: Float64Array },
    ];
    expect(mapped.data.length).toBe(stacked.data.length);
    mapped.data.forEach((v, i) => expect(v).toBeCloseTo(stacked.data[i] as number, 9));
  });
});

it('puts the batch on a mesh axis, in layouts asked for inside', () => {
  const stage = (w: Tensor, x: Tensor): Tensor => shard(matmul(x, w), 'x', null);
  const { module } = trace((w: Tensor, x: Tensor) => vmap(stage, { axis: 'stage' })(w, x), {
    mesh: m,
    args: [f64([2, 4, 4]), f64([2, 4, 4])],
  });
  expect(printTir(module)).toContain('@{stage, x, _}');
});

it('names the extents that differ', () => {
  const run = () => trace((a: Tensor, b: Tensor) => vmap(add)(a, b), { args: [f64([2]), f64([3])] });
  expect(run).toThrow(DiagnosticError);
  expect(run).toThrow(/argument 0: 2, argument 1: 3/);
});
