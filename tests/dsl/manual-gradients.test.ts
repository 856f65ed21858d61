/** Gradients through and within shardMap, against the same functions written for one device; batches of both. */
import { describe, expect, it } from 'vitest';
import {
  add,
  allGather,
  axisIndex,
  causalMask,
  compile,
  cond,
  constant,
  cosine,
  customVjp,
  equal,
  f32,
  f64,
  grad,
  indexInDim,
  type Matrix,
  matmul,
  mesh,
  multiply,
  nn,
  pmax,
  pmean,
  psum,
  shardMap,
  sine,
  square,
  sum,
  tanh,
  type Tensor,
  toNested,
  valueAndGrad,
  vmap,
} from '../../compiler/index.ts';
import { ringAttention } from '../../examples/ring-attention.ts';

const wave = (n: number, seed = 0): number[] => Array.from({ length: n }, (_, i) => Math.sin(0.7 * i + seed));
const flat = (x: unknown): number[] => [x].flat(4) as number[];
const alike = (got: unknown, want: unknown): void =>
  flat(got).forEach((v, i) => expect(v).toBeCloseTo(flat(want)[i] as number, 5));
const line = mesh({ x: 4 });

it('ring attention learns as attention does, and only neighbours talk', () => {
  const part = f32([2, 16, 2, 4], null, 'ring', null, null);
  const learn = (f: (q: Tensor, k: Tensor, v: Tensor) => Tensor) => (q: Tensor, k: Tensor, v: Tensor) =>
    grad((a: Tensor, b: Tensor, c: Tensor) => sum(square(f(a, b, c))), { argnums: [0, 1, 2] })(q, k, v);
  const options = { mesh: mesh({ ring: 4 }), args: [part, part, part] } as const;
  const around = compile(learn(ringAttention), { ...options, check: 'full' });
  const plain = compile(
    learn((q, k, v) => nn.attend(q, k, v, causalMask(16, 16))),
    options,
  );
  expect(around.check().verdict).toBe('ok');
  const args = [wave(256), wave(256, 1), wave(256, 2)] as const;
  const [got, want] = [around.run(...args), plain.runOneDevice(...args)];
  got.forEach((g, i) => alike(toNested(g), toNested(want[i] as typeof g)));
  expect(Object.keys(around.report().collectives)).toEqual(['collective_shift']);
});

describe('what all devices share', () => {
  const specs = {
    inSpecs: [
      ['x', null],
      [null, null],
    ],
    outSpecs: [[]],
  } as const;
  const args = [f64([8, 4], 'x', null), f64([4, 4])] as const;
  const values = [wave(32), wave(16, 1)] as const;
  const layer = (x: Matrix, w: Matrix): Tensor => tanh(matmul(x, w));
  const learned = (f: (x: Matrix, w: Matrix) => Tensor) => {
    const program = compile((x: Matrix, w: Matrix) => grad(f, { argnums: [0, 1] })(x, w), {
      mesh: line,
      args: args as never,
      check: 'full',
    });
    expect(program.check().verdict).toBe('ok');
    return { grads: program.run(...values).map(toNested), collectives: program.report().collectives };
  };

  it('gets one sum over devices, after all its uses', () => {
    const body = (x: Matrix, w: Matrix): Tensor => psum(sum(matmul(layer(x, w) as Matrix, w)), 'x');
    const got = learned((x, w) => shardMap(body, specs)(x, w));
    alike(got.grads, learned((x, w) => sum(matmul(layer(x, w), w))).grads);
    expect(got.collectives.all_reduce?.count).toBe(1);
  });

  it('gets it outside a branch that devices take differently', () => {
    const body = (x: Matrix, w: Matrix): Tensor =>
      psum(
        cond(
          equal(axisIndex('x'), 1),
          () => sum(square(w)),
          () => sum(layer(x, w)),
        ),
        'x',
      );
    const got = learned((x, w) => shardMap(body, specs)(x, w));
    const rows = compile(
      (x: Matrix, w: Matrix) => {
        const others = constant([[1], [1], [0], [0], [1], [1], [1], [1]], 'f64');
        const loss = (a: Matrix, b: Matrix): Tensor =>
          add(sum(square(b)), sum(multiply(layer(a, b), others))) as Tensor;
        return grad(loss, { argnums: [0, 1] })(x, w);
      },
      { mesh: line, args: args as never },
    );
    alike(got.grads, rows.runOneDevice(...values).map(toNested));
  });

  it('is not summed within a body: the gradient is of the device’s own copy', () => {
    const body = (x: Matrix, w: Matrix): Tensor => {
      const own = grad((u: Matrix) => sum(layer(x, u)))(w);
      return pmean(own, 'x');
    };
    const mean = compile((x: Matrix, w: Matrix) => shardMap(body, { ...specs, outSpecs: [[null, null]] })(x, w), {
      mesh: line,
      args: args as never,
    }).run(...values);
    const whole = compile((x: Matrix, w: Matrix) => multiply(grad((u: Matrix) => sum(layer(x, u)))(w), 0.25), {
      mesh: line,
      args: args as never,
    }).runOneDevice(...values);
    alike(toNested(mean), toNested(whole));
  });

  it('claimed of a gathered result is taken at its word; the largest of all devices has a gradient', () => {
    const body = (x: Matrix, w: Matrix): readonly [Tensor, Tensor] => [
      allGather(layer(x, w), 'x'),
      pmax(sum(layer(x, w)), 'x'),
    ];
    const manual = shardMap(body, { inSpecs: specs.inSpecs, outSpecs: [[null, null], []] });
    const got = learned((x, w) => {
      const [all, top] = manual(x, w);
      return add(sum(cosine(all)), top) as Tensor;
    });
    const steps = 1e-5;
    const value = compile(
      (x: Matrix, w: Matrix) => {
        const [all, top] = manual(x, w);
        return add(sum(cosine(all)), top) as Tensor;
      },
      { mesh: line, args: args as never },
    );
    const at = (by: number): number => {
      const w = [...values[1]];
      w[5] = (w[5] as number) + by;
      return Number(value.run(values[0], w).data[0]);
    };
    expect(flat(got.grads[1])[5]).toBeCloseTo((at(steps) - at(-steps)) / (2 * steps), 4);
  });
});

describe('vmap', () => {
  it('of a shardMap is a shardMap of batches', () => {
    const body = (x: Matrix, w: Matrix): Tensor => psum(sum(sine(matmul(allGather(x, 'x', 1) as Matrix, w)), 0), 'x');
    const one = shardMap(body, {
      inSpecs: [
        [null, 'x'],
        [null, null],
      ],
      outSpecs: [[null]],
    });
    const program = compile(
      (xs: Tensor, w: Matrix) => ({
        out: vmap(one, { inDims: [0, null] })(xs as never, w),
        loop: [0, 1, 2].map((i) => one(indexInDim(xs, i) as Matrix, w)),
        grads: grad((u: Tensor) => sum(square(vmap(one, { inDims: [0, null] })(u as never, w))))(xs),
      }),
      { mesh: line, args: [f64([3, 2, 8]), f64([8, 4])] as never, check: 'full' },
    );
    expect(program.check().verdict).toBe('ok');
    const out = program.run(wave(48), wave(32, 1));
    alike(toNested(out.out), out.loop.map(toNested));
  });

  it('of a customVjp keeps its gradient', () => {
    const own = customVjp(
      (x: Tensor, w: Tensor): Tensor => sum(multiply(x, w)),
      (x: Tensor, w: Tensor) => [sum(multiply(x, w)) as Tensor, x] as const,
      (x, g) => [multiply(g, 10), multiply(x, g)].map((t, i) => (i === 0 ? add(multiply(x, 0), t) : t)),
    );
    const program = compile(
      (xs: Tensor, w: Tensor) =>
        valueAndGrad((a: Tensor, b: Tensor) => sum(square(vmap(own, { inDims: [0, null] })(a, b))), {
          argnums: [0, 1],
        })(xs, w),
      { mesh: line, args: [f64([2, 3]), f64([3])] as never },
    );
    const [value, [ofX, ofW]] = program.run([1, 2, 3, 4, 5, 6], [1, 0, 2]);
    expect([value, ofX, ofW].map((t) => [...(t.data as Float64Array)])).toEqual([
      [49 + 256],
      [140, 140, 140, 320, 320, 320],
      [14 + 128, 28 + 160, 42 + 192],
    ]);
  });
});
