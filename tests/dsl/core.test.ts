/** Functions of tensors become programs: shapes, types, layouts, places, and what a bad one is told. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  add,
  argmax,
  bf16,
  compile,
  constant,
  cumsum,
  DiagnosticError,
  dynamicSlice,
  einsum,
  f32,
  gelu,
  i32,
  type Matrix,
  matmul,
  mean,
  mesh,
  multiply,
  named,
  open,
  parseTir,
  pred,
  printTir,
  rules,
  select,
  shard,
  softmax,
  sum,
  take,
  tanh,
  type Tensor,
  type Tensor3,
  toNested,
  topK,
  trace,
} from '../../compiler/index.ts';

const m = mesh({ data: 2, model: 4 });

function mlp(x: Matrix, { win, wout }: { win: Matrix; wout: Matrix }): Tensor {
  const h = gelu(einsum('bm,mf->bf', x, win));
  return einsum('bf,fm->bm', shard(h, 'data', 'model'), wout);
}
const mlpArgs = [f32([8, 16], 'data', null), { win: f32([16, 32], null, 'model'), wout: f32([32, 16]) }] as const;

describe('tracing', () => {
  it('writes what .tir would say, and it reads back', () => {
    const { module } = trace(mlp, { mesh: m, args: mlpArgs });
    const text = printTir(module);
    expect(text).toContain('func @main(%x: f32[8,16]@{data, _}, %arg1.win: f32[16,32]@{_, model}');
    expect(text).toContain('sharding_constraint %');
    expect(printTir(parseTir({ file: 'm.tir', text }))).toBe(text);
  });

  it('keeps the line of every op', () => {
    const { module } = trace(mlp, { mesh: m, args: mlpArgs });
    const text = readFileSync(import.meta.filename, 'utf8').split('\n');
    const places = (module.functions[0]?.body.ops ?? []).map((op) => op.origin.user);
    expect(places.every((p) => p?.file === 'tests/dsl/core.test.ts')).toBe(true);
    expect(places.filter((p) => text[(p?.line ?? 0) - 1]?.includes('gelu(einsum(')).length).toBe(14);
  });

  it('promotes and broadcasts as jax.numpy', () => {
    const types = (fn: (...xs: Tensor[]) => Tensor, ...args: ReturnType<typeof f32>[]): string => {
      const out = trace(fn as (...xs: readonly Tensor[]) => Tensor, { args: args as never }).module.functions[0];
      return out?.resultTypes.map((t) => `${t.dtype}[${t.shape.join(',')}]`).join() ?? '';
    };
    const [i, b, f] = [i32([3]), bf16([2, 1]), f32([2, 3])] as never[] as ReturnType<typeof f32>[];
    expect(types((x, y) => add(x as Tensor, y as Tensor), i as never, b as never)).toBe('bf16[2,3]');
    expect(types((x, y) => add(x as Tensor, y as Tensor), b as never, f as never)).toBe('f32[2,3]');
    expect(types((x) => multiply(x as Tensor, 2), i as never)).toBe('i32[3]');
    expect(types((x) => multiply(x as Tensor, 0.5), i as never)).toBe('f32[3]');
    expect(types((x) => mean(x as Tensor), i as never)).toBe('f32[]');
  });

  it('finds logical names, open dims and priorities', () => {
    const { module } = trace((x: Tensor3) => shard(shard(x, 'batch', null, 'mlp'), open('data'), '?', 'model p1'), {
      mesh: m,
      rules: rules({ batch: 'data', mlp: 'model' }),
      args: [f32([4, 4, 4])],
    });
    const text = printTir(module);
    expect(text).toContain('@{data, _, model}');
    expect(text).toContain('@{data?, ?, model p1}');
  });
});

it('tracing takes time in proportion to the ops', () => {
  const layer = (x: Tensor, w: Tensor): Tensor => add(tanh(einsum('bm,mf->bf', x, w)), multiply(x, 0.5)) as Tensor;
  const layers = (count: number) => (x: Tensor, w: Tensor) => {
    for (let i = 0; i < count; i++) x = layer(x, w);
    return x;
  };
  const seconds = (count: number): number => {
    const before = process.cpuUsage();
    const { module } = trace(layers(count), { mesh: m, args: [f32([8, 16]), f32([16, 16])] as never });
    expect(module.functions[0]?.body.ops.length).toBe(5 * count + 1);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const least = (count: number): number => Math.min(...[1, 2, 3].map(() => seconds(count)));
  // Four times the ops; what grows with their square takes sixteen times as long.
  expect(least(4000) / least(1000)).toBeLessThan(9);
});

describe('a compiled program', () => {
  const program = compile(mlp, { mesh: m, args: mlpArgs });

  it('runs on the mesh as on one device, is proved, and explains itself by the line of TypeScript', () => {
    const x = Array.from({ length: 128 }, (_, i) => Math.sin(i));
    const args = [x, { win: Array.from({ length: 512 }, (_, i) => Math.cos(i)), wout: 0.25 }] as const;
    const [whole, parts] = [program.runOneDevice(...args), program.run(...args)];
    expect(parts.shape).toEqual([8, 16]);
    Array.from(whole.data as Float32Array).forEach((v, i) => expect(Number(parts.data[i])).toBeCloseTo(v, 4));
    expect(program.check().verdict).toBe('ok');
    expect(program.report().collectives.all_reduce?.count).toBe(1);
    expect(program.toStableHLO()).toContain('stablehlo.all_reduce');
    const explained = compile((a: Matrix, b: Matrix) => named(matmul(a, b), 'y'), {
      mesh: m,
      args: [f32([8, 16], 'data', 'model'), f32([16, 8], 'model', null)],
    }).explain('y');
    expect(explained).toMatch(/all_reduce over model.*core\.test\.ts:\d+/);
  });

  it('gives trees of arrays back', () => {
    const heads = compile(
      (x: Matrix, table: Matrix) => ({
        best: argmax(x),
        top: topK(x, 2),
        sums: cumsum(x, 1),
        row: take(table, constant([1, 0], 'i32')),
      }),
      { mesh: m, args: [f32([2, 3]), f32([2, 2])] },
    );
    const out = heads.run(
      [
        [1, 5, 2],
        [7, 0, 7],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(toNested(out.best)).toEqual([1, 0]);
    expect(toNested(out.top[0])).toEqual([
      [5, 2],
      [7, 7],
    ]);
    expect(toNested(out.sums)).toEqual([
      [1, 6, 8],
      [7, 7, 14],
    ]);
    expect(toNested(out.row)).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });
});

describe('mistakes', () => {
  const told = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof DiagnosticError) return error.message;
      throw error;
    }
    return 'no error';
  };
  const x = f32([8, 16], 'data', null);
  let kept: Tensor | undefined;

  it.each([
    [
      'an unknown axis',
      'SH0210',
      () => trace((a: Matrix) => shard(a, 'dta', null), { mesh: m, args: [x] }),
      'did you mean "data"?',
    ],
    [
      'an axis twice',
      'SH0211',
      () => trace((a: Matrix) => shard(a, 'data', 'data'), { mesh: m, args: [x] }),
      'used twice',
    ],
    [
      'a wrong rank',
      'SH0212',
      () => trace((a: Matrix) => shard(a, 'data'), { mesh: m, args: [x] }),
      'has 1 dims, the tensor has 2',
    ],
    [
      'shapes that do not meet',
      'SH0204',
      () => trace((a: Matrix) => einsum('bm,fm->bf', a, sum(a, 0)), { mesh: m, args: [x] }),
      'names 2 dims, operand 2 has 1',
    ],
    [
      'no broadcast',
      'SH0204',
      () => trace((a: Matrix) => add(a, constant([1, 2, 3])), { args: [f32([8, 16])] }),
      'do not broadcast',
    ],
    [
      'a float index',
      'SH0613',
      () => trace((a: Matrix) => dynamicSlice(a, [0.5, 0], [1, 1]), { args: [f32([8, 16])] }),
      'not an index',
    ],
    ['a float predicate', 'SH0613', () => trace((a: Matrix) => select(a, a, 0), { args: [f32([8, 16])] }), 'got f32'],
    ['no trace', 'SH0601', () => constant([1]), 'inside a function'],
    [
      'no tensor',
      'SH0609',
      () => trace((a: Matrix) => softmax({} as Matrix, a.rank - 1), { args: [f32([8, 16])] }),
      'where a tensor is needed',
    ],
    [
      'another trace',
      'SH0602',
      () => {
        trace((a: Matrix) => (kept = a), { args: [f32([8, 16])] });
        return trace((a: Matrix) => add(a, kept as Tensor), { args: [f32([8, 16])] });
      },
      'of another trace',
    ],
    [
      'arrays that do not fit',
      'SH0612',
      () => compile((a: Matrix) => a, { mesh: m, args: [x] }).run([1, 2, 3]),
      'argument a is f32[8,16]',
    ],
    ['no mesh', 'SH0216', () => trace((a: Tensor) => shard(a, 'data'), { args: [pred([4])] }), 'needs a mesh'],
  ])('%s', (_, code, run, words) => {
    const text = told(run);
    expect(text).toContain(`error[${code}]`);
    expect(text).toContain(words);
  });

  it('shows the line of TypeScript', () => {
    const text = told(() => trace((a: Matrix) => shard(a, 'dta', null), { mesh: m, args: [x] }));
    expect(text).toMatch(/--> .*core\.test\.ts:\d+:\d+\n> \d+ \| .*shard\(a, 'dta', null\)/);
  });
});
