/**
 * Seeded corruption of per-device programs is caught and named: the first wrong value, its place, devices, and the
 * collective on the way to it. And collectives that add in another order stay within the bound.
 */
import { describe, expect, it } from 'vitest';
import { compile, parseTir, runCheck } from '../../compiler/index.ts';
import { reductionDrift } from '../../compiler/reduction-drift.ts';
import { type Block, mainFunction, type Module, type Op, walkOps } from '../../ir/program.ts';
import { reduceInOrder } from '../../runtime-sim/reduction-order.ts';
import { Random } from '../../runtime-sim/random.ts';

/** A product whose sum is owed, a transposition of shards, and a stencil with halos. */
const compiled = compile(
  parseTir({
    file: 'step.tir',
    text: `module @step
mesh @mesh {x=2, y=2}

func @main(%a: f32[16, 16] @{x, y}, %b: f32[16, 16] @{y, _}, %c: f32[16, 16] @{y, x}) -> (f32[16, 16] @{x, _}, f32[16, 16] @{x, y}, f32[16, 16] @{x, y}) {
  %p = matmul %a, %b
  %q = tanh %p
  %s = subtract %a, %c : f32[16, 16] @{x, y}
  %low = pad %a, 0.0 low=[1, 0] high=[-1, 0] : f32[16, 16] @{x, y}
  %d = subtract %a, %low : f32[16, 16] @{x, y}
  return %q, %s, %d
}
`,
  }),
);

const corrupted = (pick: (op: Op) => boolean, edit: (op: Op) => Op): Module => {
  const random = new Random(7);
  const found = [...walkOps(mainFunction(compiled.module).body)].filter(pick);
  const target = found[random.integer(0, found.length)];
  expect(target).toBeDefined();
  const block = (b: Block): Block => ({ ...b, ops: b.ops.map((op) => (op === target ? edit(op) : op)) });
  return { ...compiled.module, functions: compiled.module.functions.map((f) => ({ ...f, body: block(f.body) })) };
};

const reasonFor = (module: Module): string => {
  const outcome = runCheck({ ...compiled, module, source: compiled.source }, 'full', 3);
  expect(outcome.verdict).toBe('failed');
  return outcome.reason ?? '';
};

const other = (name: unknown): string => (name === 'x' ? 'y' : 'x');

describe('a fault is caught and named', () => {
  it('nothing is wrong as it stands', () => expect(runCheck(compiled, 'full', 3).verdict).toBe('ok'));

  it('a dropped permute', () => {
    const reason = reasonFor(
      corrupted(
        (op) => op.kind === 'collective_permute',
        (op) => ({ ...op, attrs: { ...op.attrs, to: op.attrs.from } }),
      ),
    );
    expect(reason).toMatch(/the first wrong value is %s \(subtract, step\.tir:7\): .* on device/);
    expect(reason).toMatch(/collective_permute at step\.tir:7/);
  });

  it('a wrong group', () => {
    const reason = reasonFor(
      corrupted(
        (op) => op.kind === 'all_reduce' || op.kind === 'reduce_scatter',
        (op) => JSON.parse(JSON.stringify(op).replace(/"name":"([xy])"/g, (_, n) => `"name":"${other(n)}"`)) as Op,
      ),
    );
    expect(reason).toMatch(/%[pq] .*step\.tir:[56]/);
    expect(reason).toMatch(/all_reduce at step\.tir:[56]/);
  });

  it('swapped operands', () => {
    const reason = reasonFor(
      corrupted(
        (op) => op.kind === 'subtract',
        (op) => ({ ...op, operands: op.operands.toReversed() }),
      ),
    );
    expect(reason).toMatch(/the first wrong value is %[sd] \(subtract, step\.tir:[79]\)/);
  });

  it('a stale halo', () => {
    const reason = reasonFor(
      corrupted(
        (op) => op.kind === 'collective_shift',
        (op) => ({ ...op, attrs: { ...op.attrs, by: 0 } }),
      ),
    );
    expect(reason).toMatch(/the first wrong value is %(low|d) /);
    expect(reason).toMatch(/collective_shift at step\.tir:[89]/);
  });
});

describe('reduction order', () => {
  const stack = {
    dtype: 'f32',
    shape: [5, 7],
    data: Float32Array.from({ length: 35 }, (_, i) => Math.sin(i) * 10 ** (i % 4)),
  } as const;
  const members = [Int32Array.of(0, 1, 2, 3, 4)];
  const add = (a: { data: unknown }, b: { data: unknown }) => ({
    ...(a as typeof stack),
    data: (a.data as Float32Array).map((v, i) => Math.fround(v + ((b.data as Float32Array)[i] as number))),
  });

  it.each(['rank', 'ring', 'tree'] as const)('%s adds every member once', (order) => {
    const sums = reduceInOrder(order, stack as never, members, add as never).data as Float32Array;
    for (let i = 0; i < 7; i++) {
      const want = [0, 1, 2, 3, 4].reduce((n, r) => n + (stack.data[r * 7 + i] as number), 0);
      expect(sums[i]).toBeCloseTo(want, 2);
    }
  });

  it('the order shows in the last bits, within the bound', () => {
    const orders = (['rank', 'ring', 'tree'] as const).map((o) => reductionDrift(compiled, o, 1));
    for (const drift of orders) {
      expect(drift.mesh).toBeLessThan(1e-5);
      expect(drift.mesh).toBeGreaterThan(0);
      expect(drift.boundPerReduction).toBe(2 ** -24);
    }
  });
});
