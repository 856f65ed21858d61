/** Gradients of whole models: JAX's numbers (jax_gradients.py), finite differences, and what may not be differentiated. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  add,
  argmax,
  causalMask,
  checkpoint,
  checkpointPolicies,
  compile,
  cond,
  constant,
  conv,
  convert,
  cosine,
  cumsum,
  customVjp,
  DiagnosticError,
  divide,
  dynamicSlice,
  einsum,
  equal,
  exp,
  expandDims,
  f64,
  fori,
  gelu,
  grad,
  greater,
  i32,
  indexInDim,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maxPool,
  mean,
  mesh,
  multiply,
  named,
  negate,
  prod,
  rsqrt,
  scan,
  scatter,
  select,
  silu,
  sine,
  sliceInDim,
  softmax,
  sort,
  square,
  stack,
  stopGradient,
  subtract,
  sum,
  switchCase,
  take,
  takeAlongDim,
  tanh,
  type Tensor,
  topK,
  trace,
  valueAndGrad,
  vjp,
  whileLoop,
  zeros,
} from '../../compiler/index.ts';

interface Expected {
  readonly shapes: readonly (readonly number[])[];
  readonly value: number;
  readonly grads: readonly (readonly number[])[];
}
const jax = JSON.parse(readFileSync(join(import.meta.dirname, 'jax-gradients.json'), 'utf8')) as Record<
  string,
  Expected
>;
const m = mesh({ x: 2 });
const argument = (i: number, shape: readonly number[]): Float64Array =>
  Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, j) => Math.sin(0.37 * j + i) * 0.5);

type Model = (...args: Tensor[]) => Tensor;

const models: Record<string, Model> = {
  mlp(x, w1, b1, w2) {
    const logits = matmul(gelu(add(matmul(x as Tensor, w1 as Tensor), b1 as Tensor)), w2 as Tensor);
    const labels = expandDims(constant([0, 2, 1, 2], 'i32'), 1);
    return negate(mean(takeAlongDim(logSoftmax(logits), labels)));
  },
  attention(x, wq, wk, wv, g) {
    const input = x as Tensor;
    const scale = rsqrt(add(mean(square(input), -1, { keepDims: true }), 1e-6));
    const n = multiply(multiply(input, scale), g as Tensor);
    const [q, k, v] = [wq, wk, wv].map((w) => einsum('bsd,dhk->bhsk', n, w as Tensor)) as unknown as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const scores = divide(einsum('bhqk,bhsk->bhqs', q, k), 2);
    const masked = select(causalMask(5, 5), scores, -1e9);
    return sum(square(einsum('bhqs,bhsk->bhqk', softmax(masked), v)));
  },
  rnn(h, w, xs) {
    const step = (state: Tensor, x: Tensor): readonly [Tensor, Tensor] => {
      const next = tanh(add(matmul(state, w as Tensor), x)) as Tensor;
      return [next, sum(multiply(next, next))];
    };
    const [last, ys] = scan(step, h as Tensor, xs as Tensor);
    return add(sum(last), sum(multiply(ys as Tensor, constant([1, 2, 3, 4, 5], 'f64'))));
  },
  reverseScan(c, xs) {
    const step = (carry: Tensor, x: Tensor): readonly [Tensor, Tensor] => [
      add(multiply(carry, x), sine(carry)) as Tensor,
      multiply(carry, carry) as Tensor,
    ];
    const [last, ys] = scan(step, c as Tensor, xs as Tensor, { reverse: true });
    return add(last, sum(multiply(sliceInDim(ys as Tensor, 1), sliceInDim(ys as Tensor, 0, -1)))) as Tensor;
  },
  branches(x, y) {
    const a = cond(
      greater(indexInDim(x as Tensor, 0), 0),
      (u: Tensor, v: Tensor): Tensor => sum(multiply(sine(u), v)),
      (u: Tensor): Tensor => sum(multiply(u, u)),
      x as Tensor,
      y as Tensor,
    );
    const b = switchCase(
      constant(2, 'i32'),
      [
        (u: Tensor): Tensor => indexInDim(u, 0),
        (u: Tensor): Tensor => multiply(indexInDim(u, 1), indexInDim(u, 2)),
        (u: Tensor): Tensor => multiply(exp(indexInDim(u, 0)), sum(u)) as Tensor,
      ],
      y as Tensor,
    );
    return multiply(a, b);
  },
  nested(w, x) {
    const outer = (c: Tensor, row: Tensor): readonly [Tensor, null] => [
      fori(0, 3, (i, s) => select(equal(i, 1), multiply(s, s), sine(add(matmul(s, w as Tensor), row))) as Tensor, c),
      null,
    ];
    return sum(scan(outer, indexInDim(x as Tensor, 0), x as Tensor)[0]);
  },
  convnet(x, k1, k2) {
    const h = maxPool(silu(conv(x as Tensor, k1 as Tensor, { padding: 'same' })), { window: [2, 2] });
    const options = {
      strides: [2, 1],
      padding: [
        [1, 0],
        [0, 1],
      ],
      kernelDilation: [1, 2],
      featureGroups: 2,
    } as const;
    return sum(square(conv(h, k2 as Tensor, options)));
  },
  indexing(table, x) {
    const input = x as Tensor;
    const rows = take(
      table as Tensor,
      constant(
        [
          [3, 1],
          [0, 3],
        ],
        'i32',
      ),
    );
    const [top, where] = topK(input, 2);
    const best = takeAlongDim(input, expandDims(argmax(input, 1), 1), 1);
    const spread = scatter(zeros([5, 4], 'f64') as Tensor, constant([[1], [1], [4]], 'i32'), input, {
      update_window_dims: [1],
      inserted_window_dims: [0],
      input_batching_dims: [],
      scatter_indices_batching_dims: [],
      scatter_dims_to_operand_dims: [0],
      index_vector_dim: 1,
    });
    return [
      sum(square(rows)),
      sum(multiply(top, cosine(convert(where, 'f64')))),
      sum(multiply(sort(input, 0), input)),
      sum(best),
      sum(multiply(multiply(spread, spread), spread)),
      prod(dynamicSlice(input, [1, 1], [2, 2])),
      logSumExp(cumsum(input, 1)),
      max(input),
    ].reduce((a: Tensor, b: Tensor) => add(a, b));
  },
  second(x, y) {
    const f = (u: Tensor): Tensor =>
      sum(divide(square(tanh(multiply(u, y as Tensor)) as Tensor), add(multiply(u, u), 1)));
    return sum(multiply(grad(f)(x as Tensor), y as Tensor));
  },
  secondScan(x, w) {
    const f = (u: Tensor): Tensor =>
      sum(
        scan(
          (c: Tensor, v: Tensor): readonly [Tensor, Tensor] => [add(sine(multiply(c, w as Tensor)), v) as Tensor, c],
          u,
          stack([u, w as Tensor]),
        )[1] as Tensor,
      );
    return sum(square(grad(f)(x as Tensor)));
  },
};

const close = (got: ArrayLike<number | bigint>, want: readonly number[]): void => {
  const size = Math.sqrt(want.reduce((s, v) => s + v * v, 0) / want.length) + 1e-9;
  const worst = want.reduce((w, v, i) => Math.max(w, Math.abs(v - Number(got[i])) / (Math.abs(v) + size)), 0);
  expect(worst).toBeLessThan(1e-4);
};

function gradientsOf(model: Model, { shapes }: Expected, wrap: (f: Model) => Model = (f) => f): ValueAndGrads {
  const argnums = shapes.map((_, i) => i);
  const all = (...args: Tensor[]): unknown => valueAndGrad(wrap(model), { argnums })(...args);
  const program = compile<readonly Tensor[], unknown>(all, {
    mesh: m,
    args: shapes.map((s) => f64(s)) as never,
    check: 'full',
  });
  return program.run(...(shapes.map((s, i) => argument(i, s)) as never[])) as unknown as ValueAndGrads;
}
type ValueAndGrads = readonly [{ data: Float64Array }, readonly { data: Float64Array }[]];

describe.each(Object.keys(jax))('%s', (name) => {
  const want = jax[name] as Expected;
  const model = models[name] as Model;
  it('has JAX’s value and gradients', () => {
    const result = gradientsOf(model, want);
    expect(Number(result[0].data[0])).toBeCloseTo(want.value, 6);
    want.grads.forEach((g, i) => close((result[1][i] as { data: Float64Array }).data, g));
  });
  it('has them checkpointed', () => {
    const result = gradientsOf(model, want, (f) => checkpoint(f));
    want.grads.forEach((g, i) => close((result[1][i] as { data: Float64Array }).data, g));
  });
});

describe('what a gradient keeps', () => {
  const layers = (x: Tensor, w: Tensor): Tensor => sum(square(matmul(tanh(named(matmul(x, w), 'hidden')), w)));
  const dots = (f: typeof layers): number => {
    const { module } = trace((x: Tensor, w: Tensor) => valueAndGrad(f, { argnums: 1 })(x, w), {
      args: [f64([4, 4]), f64([4, 4])],
    });
    return (module.functions[0]?.body.ops ?? []).filter((op) => op.kind === 'dot_general').length;
  };
  const { dotsSaveable, everythingSaveable, saveOnlyTheseNames } = checkpointPolicies;
  it('is the policy’s', () => {
    expect(dots(layers)).toBe(5);
    expect(dots(checkpoint(layers))).toBe(7);
    expect(dots(checkpoint(layers, { policy: dotsSaveable }))).toBe(5);
    expect(dots(checkpoint(layers, { policy: everythingSaveable }))).toBe(5);
    expect(dots(checkpoint(layers, { policy: saveOnlyTheseNames('hidden') }))).toBe(6);
  });
  it('leaves out what nobody reads', () => {
    const { module } = trace((x: Tensor) => grad((u: Tensor) => sum(u))(x), { args: [f64([3])] });
    expect(module.functions[0]?.body.ops.map((op) => op.kind)).toEqual(['constant', 'broadcast_in_dim', 'return']);
  });
});

it('customVjp, stopGradient and vjp', () => {
  const clipped = customVjp(
    (x: Tensor) => multiply(x, 2) as Tensor,
    (x: Tensor) => [multiply(x, 2) as Tensor, x] as const,
    (x, g) => [select(greater(x, 0), g, 100)],
  );
  const program = compile(
    (x: Tensor) => {
      const [y, back] = vjp((u: Tensor) => add(square(u), multiply(u, stopGradient(u))) as Tensor, x);
      return { custom: grad((u: Tensor) => sum(clipped(u)))(x), y, pulled: back(constant([1, 10], 'f64'))[0] };
    },
    { mesh: m, args: [f64([2])] },
  );
  const out = program.run([3, -1]);
  expect([...(out.custom.data as Float64Array)]).toEqual([1, 100]);
  expect([...(out.y.data as Float64Array)]).toEqual([18, 2]);
  expect([...(out.pulled.data as Float64Array)]).toEqual([9, -30]);
});

describe('mistakes', () => {
  const told = (fn: (x: Tensor) => unknown, spec = f64([4])): string => {
    try {
      trace(fn as never, { args: [spec] as never });
    } catch (error) {
      if (error instanceof DiagnosticError) return error.message;
      throw error;
    }
    return 'no error';
  };
  it.each([
    ['a tensor as loss', 'SH0604', (x: Tensor) => grad((u: Tensor) => u)(x), 'Tensor f64[4]'],
    [
      'a loop of unknown length',
      'SH0608',
      (x: Tensor) =>
        grad((u: Tensor) =>
          sum(
            whileLoop(
              (s) => greater(sum(s), 0),
              (s) => subtract(s, 1) as Tensor,
              u,
            ),
          ),
        )(x),
      'use fori',
    ],
    ['integers', 'SH0613', (x: Tensor) => grad((u: Tensor) => sum(u))(convert(x, 'i32')), 'which is i32'],
    [
      'a leak',
      'SH0603',
      (x: Tensor) => {
        let kept: Tensor = x;
        scan(
          (c: Tensor, _: null, i) => [add(c, (kept = convert(i, 'f64') as Tensor)) as Tensor, null] as const,
          x,
          null,
          { length: 2 },
        );
        return add(x, kept);
      },
      'the body of a scan',
    ],
    [
      'a carry that changes',
      'SH0607',
      (x: Tensor) => scan((c: Tensor, _: null) => [convert(c, 'f32') as Tensor, null] as const, x, null, { length: 2 }),
      'f32[4]',
    ],
    [
      'branches that differ',
      'SH0607',
      (x: Tensor) =>
        cond(
          greater(sum(x), 0),
          () => x,
          () => sum(x) as Tensor,
        ),
      'what branch 1 returns',
    ],
  ])('%s', (_, code, fn, words) => {
    const text = told(fn);
    expect(text).toContain(`error[${code}]`);
    expect(text).toContain(words);
    expect(text).toContain('gradients.test.ts');
  });
});

it('integers and unused arguments get zeros', () => {
  const program = compile(
    (x: Tensor, ids: Tensor, unused: Tensor) =>
      vjp((a: Tensor, i: Tensor, _u: Tensor): Tensor => sum(take(a, i)), x, ids, unused)[1](constant(1, 'f64')),
    {
      mesh: m,
      args: [f64([3]), i32([2]), f64([2])],
    },
  );
  const [a, i, u] = program.run([1, 2, 3], [2, 2], [0, 0]);
  expect([a, i, u].map((r) => Array.from(r.data as Float64Array))).toEqual([
    [0, 0, 2],
    [0, 0],
    [0, 0],
  ]);
});
