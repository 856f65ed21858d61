/** Gradients of whole models: JAX's numbers (jax_gradients.py), finite differences, and what may not be differentiated. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  add,
  checkpoint,
  checkpointPolicies,
  compile,
  cond,
  constant,
  convert,
  customVjp,
  DiagnosticError,
  f64,
  grad,
  greater,
  i32,
  matmul,
  mesh,
  multiply,
  named,
  scan,
  select,
  square,
  stopGradient,
  subtract,
  sum,
  take,
  tanh,
  type Tensor,
  trace,
  valueAndGrad,
  vjp,
  whileLoop,
} from '../../compiler/index.ts';
import { type Model, models } from './models.ts';

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
  it('is computed again whole where asked, the last product too, which no gradient reads', () => {
    const linear = (x: Tensor, w: Tensor): Tensor => sum(matmul(tanh(matmul(x, w)), w));
    expect(dots(checkpoint(linear, { whole: true }))).toBe(dots(checkpoint(linear)) + 1);
  });
  it('of a customVjp is its saved result, where its backward function reads that', () => {
    const own = customVjp(
      (x: Tensor) => tanh(x),
      (x: Tensor) => {
        const y = tanh(x);
        return [y, y] as const;
      },
      (y, g) => [multiply(g, subtract(1, square(y)))],
    );
    const model = (x: Tensor, w: Tensor): Tensor => sum(square(matmul(own(matmul(x, w)), w)));
    const saveOwn = { policy: (op: { kind: string }) => op.kind === 'custom_vjp' };
    expect(dots(checkpoint(model))).toBe(7);
    expect(dots(checkpoint(model, saveOwn))).toBe(6);
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
