/** Small models that touch much of the language; jax_gradients.py has the same. */
import {
  abs,
  add,
  allGather,
  allToAll,
  argmax,
  axisIndex,
  causalMask,
  cholesky,
  complex,
  cond,
  conjugate,
  constant,
  conv,
  convert,
  cosine,
  cummax,
  cumprod,
  cumsum,
  digamma,
  divide,
  dynamicSlice,
  einsum,
  equal,
  exp,
  expandDims,
  eye,
  fft,
  fori,
  gelu,
  grad,
  greater,
  imag,
  indexInDim,
  irfft,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maxPool,
  mean,
  multiply,
  negate,
  polygamma,
  ppermute,
  prod,
  pshift,
  psum,
  reduceScatter,
  rfft,
  rsqrt,
  scan,
  scatter,
  select,
  shardMap,
  silu,
  sine,
  sliceInDim,
  softmax,
  sort,
  square,
  stack,
  sum,
  switchCase,
  take,
  takeAlongDim,
  tanh,
  type Tensor,
  topK,
  triangularSolve,
  zeros,
} from '../../compiler/index.ts';

export type Model = (...args: Tensor[]) => Tensor;

export const models: Record<string, Model> = {
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
  manual(x, w, v) {
    const body = (rows: Tensor, weights: Tensor, bias: Tensor): readonly [Tensor, Tensor] => {
      const i = axisIndex('x');
      const h = add(tanh(matmul(rows, weights)), bias) as Tensor;
      const g = multiply(allGather(h, 'x', 0), add(convert(i, 'f64'), 1));
      const r = reduceScatter(g, 'x', 0);
      const once = ppermute(multiply(r, bias) as Tensor, 'x', [[0, 1]]);
      const p = add(once, pshift(h, 'x'));
      const t = allToAll(p as Tensor, 'x', { split: 1, concat: 0 });
      const turn = (c: Tensor, u: Tensor): readonly [Tensor, null] => [
        tanh(add(matmul(c, sliceInDim(weights, 0, 4)), u)) as Tensor,
        null,
      ];
      const [c] = scan(turn, r, stack([h, r]));
      const z = cond(
        equal(i, 0),
        () => multiply(sum(t), indexInDim(bias, 0)) as Tensor,
        () => sum(multiply(t, t)) as Tensor,
      );
      const total = psum(add(z, sum(sine(c))) as Tensor, 'x');
      return [multiply(total, sum(square(bias))) as Tensor, t];
    };
    const specs = { inSpecs: [['x', null], [null, null], [null]], outSpecs: [[], [null, 'x']] } as const;
    const [total, t] = shardMap(body, specs)(x as Tensor, w as Tensor, v as Tensor);
    return add(total, sum(multiply(t, cosine(t))));
  },
  numbers(x, y) {
    const [a, b] = [x as Tensor, y as Tensor];
    const z = complex(a, b);
    const turned = fft(multiply(z, exp(multiply(complex(0, 1), z))) as Tensor);
    const f = divide(turned, add(multiply(z, conjugate(z)), 2)) as Tensor;
    const r = irfft(multiply(rfft(a), rfft(b)) as Tensor);
    const gram = add(einsum('ij,kj->ik', a, a), multiply(eye(3, 'f64'), 2)) as Tensor;
    const l = cholesky(gram);
    const s = triangularSolve(l, b, { lower: true });
    return [sum(abs(f)), sum(multiply(imag(f), b)), sum(square(r)), sum(sine(l)), sum(square(s))].reduce(
      (p: Tensor, q) => add(p, q) as Tensor,
      constant(0, 'f64'),
    );
  },
  special(x, y) {
    const [a, b] = [x as Tensor, y as Tensor];
    const p = add(multiply(a, a), 1.5) as Tensor;
    return [
      sum(digamma(p)),
      sum(polygamma(1, p)),
      sum(multiply(cumprod(a), b)),
      sum(multiply(cumprod(b, 0, { reverse: true }), a)),
      sum(multiply(cummax(a), b)),
    ].reduce((s: Tensor, t) => add(s, t) as Tensor, constant(0, 'f64'));
  },
};
